// How a declared service makes a key, and swaps its slots: what is checked before, what becomes of an answer that is lost, and how
// the keys are read back.

import type * as z from 'zod/mini'
import type { AzureClients, RawAnswer } from '../../azure/clients.ts'
import { passes } from '../../azure/service-error.ts'
import { fold, type KeyRing, type KeySlot, slotsChanged } from '../../engine/key-ring.ts'
import type { Call, Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { Secret } from '../../engine/secret.ts'
import { clockBound, type Duration, type Instant, minutes, seconds } from '../../engine/target.ts'
import { assertUnchanged, parseAnswer, type ServiceOperation, undecided, unexpected } from './answer.ts'
import { type ArmKeyService, type ArmTarget, rightFor } from './arm-key-service.ts'
import type { ArmResource } from './arm-resource.ts'
import { localAuthDisabled } from './local-auth.ts'
import { finished, longestChange, pause } from './long-running.ts'
import { allowsOwnKey, asOwnKey } from './own-key.ts'
import { unlessUnanswered } from './verdict.ts'

/** The waits between two listings while one must show a new key: they double. Services count listings, too. */
const firstListing: Duration = seconds(2)
const longestListing: Duration = seconds(20)
/** Less than a call may take: the rest is for reading what became of a regenerate that got no answer. */
const longestAnswer: Duration = seconds(15)
/** How soon a resource that is being changed is tried again: its changes take minutes at least. */
const changesLast: Duration = minutes(5)
/** How soon a resource shows that it took a regenerate; an assumption: recorded is only that it has taken one when it answers. */
const showsAfter: Duration = seconds(30)

export interface ArmRenewal {
  /** `given`: the key that the service is to take; otherwise it makes one. */
  renew(slot: KeySlot, call: Call, given?: Secret): Promise<Partial<KeyRing>>
  /** For services that say how old keys are. */
  createdAt(slot: KeySlot, signal: AbortSignal): Promise<Instant | undefined>
  /** For services that can be given keys. */
  swap(call: Call, to: KeySlot): Promise<KeyRing>
}

export function armRenewal<Shape extends z.core.$ZodShape, Listing, Description, Addition>(
  service: ArmKeyService<Shape, Listing, Description, Addition>,
  target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>,
  resource: ArmResource<Listing, Description>,
  { azure, log }: { readonly azure: AzureClients; readonly log: Log | undefined },
): ArmRenewal {
  const { list, regenerate, describe } = service
  /** When keys were created, as far as it was asked. */
  const ages = new Map<KeySlot, Instant | undefined>()

  /** Slots whose new key came alone: the last listing still has the one before, and its id where a key has one. */
  const renewed = new Set<KeySlot>()

  /** Throws `NotSupported` where the app would end its own access: it could then neither record nor repair what it did. */
  function assertNotOwn(slot: KeySlot, ring: KeyRing): void {
    const key = ring[slot]!['key']!
    const isElsewhere = service.slots.some((other) => other !== slot && key.equals(ring[other]!['key']))
    if (isElsewhere || !azure.isOwnKey?.(key)) return
    if (!allowsOwnKey(target.fields)) throw asOwnKey(resource.name, slot)
    log?.('warn', 'a key that the app itself uses is regenerated: its setting needs the other one', { slot })
  }

  /** POST that makes a new key, in the service's api-version. Sent once. Waits where the answer says that it goes on. */
  async function renew(slot: KeySlot, call: Call, given?: Secret): Promise<Partial<KeyRing>> {
    // The engine reads before it writes; where nothing has been read yet, this is what to compare with.
    const before = await listedBefore(slot, call)
    if (describe?.askedFirst) assertWritable(slot, await resource.described(call.signal))
    assertNotOwn(slot, resource.ringOf(before))
    const made = regenerate.request(slot, target, before)
    const request = given === undefined ? made : regenerate.given!(made, given)
    const what = resource.calls.operation('POST', request.path, rightFor(regenerate.right, target.id, slot))
    ages.delete(slot)
    const answer = await taken(slot, call, what, (signal) => resource.calls.post(what, request, 'once', signal))
    // Taken, and not done: what it may have of keys need not work yet.
    const goesOn = answer.status === 202
    if (typeof regenerate.answer === 'function' && !goesOn) {
      renewed.add(slot)
      return { [slot]: regenerate.answer(answer.body, slot, target) }
    }
    if (regenerate.answer === 'listing' && !goesOn && answer.body !== undefined) {
      const listed = parseAnswer(list.answer, answer.body, what)
      resource.remember(listed)
      return resource.ringOf(listed)
    }
    try {
      return await readBack(slot, resource.ringOf(before), answer, what, call)
    } catch (error) {
      throw undecided(error)
    }
  }

  /**
   * Throws `LocalAuthDisabled` where no key of the resource can be used, `ServiceBusy` where a change of it is under way, `ServiceChanged` where
   * the slot has a new key since its age was read: an earlier regenerate may have ended in between.
   */
  function assertWritable(slot: KeySlot, found: Description): void {
    if (describe?.isKeyUseDisabled?.(found)) throw localAuthDisabled(resource.name, undefined, describe.enabledBy)
    if (describe?.operation?.isUnderWay(found)) throw busy()
    if (describe?.createdAt !== undefined) assertNotRenewed(slot, describe.createdAt(found, slot, target))
  }

  /** What was listed of a slot that gets a new key: once more where its key or its age may have changed since. Throws `ServiceChanged` where it has. */
  async function listedBefore(slot: KeySlot, call: Call): Promise<Listing> {
    const isAged = list.createdAt !== undefined && ages.has(slot)
    const known = renewed.has(slot) || isAged ? undefined : resource.lastListing()
    const listing = known ?? (await resource.listing(call.signal))
    if (isAged) assertNotRenewed(slot, list.createdAt!(listing, slot, target))
    return listing
  }

  /** Throws `ServiceChanged` where the slot's key is another than the one whose age was read. */
  function assertNotRenewed(slot: KeySlot, created: Instant | undefined): void {
    if (!ages.has(slot) || ages.get(slot) === created) return
    const message = `${resource.name}: ${slot} has a new key since it was read`
    throw new RekeyError('ServiceChanged', { message, remedy: passes, retryAfter: seconds(1) })
  }

  function busy(said?: RekeyError['details']['service']): RekeyError {
    return new RekeyError('ServiceBusy', {
      message: `${resource.name} is being changed`,
      remedy: passes,
      retryAfter: changesLast,
      ...(said === undefined ? {} : { service: said }),
    })
  }

  /**
   * The answer to a regenerate. Where it is lost, the resource itself may say that a change of it has begun, soon or not at all: to leave
   * that open would cost another regenerate. Throws RekeyErrors.
   */
  async function taken(
    slot: KeySlot,
    call: Call,
    what: ServiceOperation,
    send: (signal: AbortSignal) => Promise<RawAnswer>,
  ): Promise<RawAnswer> {
    if (describe?.operation === undefined) return send(call.signal)
    const sentAt = azure.now()
    try {
      return await send(AbortSignal.any([call.signal, AbortSignal.timeout(longestAnswer)]))
    } catch (error) {
      if (!(error instanceof RekeyError)) throw error
      if (error.code === 'ServiceBusy') throw busy(error.details.service)
      if (!error.details.outcomeUnknown) throw error
      if (await isTaken(slot, sentAt - clockBound, call, what)) return { status: 202, headers: {}, body: undefined }
      throw error
    }
  }

  /** Whether the resource shows a change that began after `since`. Throws RekeyErrors that leave open what happened. */
  async function isTaken(slot: KeySlot, since: Instant, call: Call, what: ServiceOperation): Promise<boolean> {
    const { createdAt } = describe!
    const operation = describe!.operation!
    try {
      for (const until = azure.now() + showsAfter; azure.now() < until && !call.signal.aborted; ) {
        await pause(firstListing, azure, call, what)
        const now = await unlessUnanswered(() => resource.described(call.signal))
        if (now === undefined) continue
        if (operation.isUnderWay(now) || (createdAt?.(now, slot, target) ?? since) > since) return true
      }
      return false
    } catch (error) {
      throw undecided(error)
    }
  }

  /** The keys once the change is over and the listing shows it: to leave that open would cost another regenerate. */
  async function readBack(
    slot: KeySlot,
    before: KeyRing,
    answer: RawAnswer,
    what: ServiceOperation,
    call: Call,
  ): Promise<KeyRing> {
    const until = azure.now() + longestChange
    const isRenewed = (now: KeyRing) => slotsChanged(before, now).includes(slot)
    const operation = describe?.operation
    const isOver = async () =>
      operation === undefined
        ? isRenewed(resource.ringOf(await resource.listing(call.signal)))
        : !operation.isUnderWay(await resource.described(call.signal))
    if (answer.status === 202 || operation !== undefined)
      await finished({ answer, what, until, log, isOver }, azure, call)
    for (let wait = firstListing; ; wait = Math.min(2 * wait, longestListing)) {
      const now = resource.ringOf(await resource.listing(call.signal))
      if (isRenewed(now)) return now
      if (azure.now() >= until) {
        throw unexpected(what.operation, 'the service accepted the request, but its listing does not show a new key')
      }
      await pause(wait, azure, call, what)
    }
  }

  /** Gives each slot the key of the other. `to` comes first: then the active key is in both slots, and the other key in none. */
  async function swap(call: Call, to: KeySlot): Promise<KeyRing> {
    const seen = resource.lastListing()
    const known = seen && resource.ringOf(seen)
    const before = resource.ringOf(await resource.listing(call.signal))
    assertUnchanged(
      known,
      before,
      resource.calls.operation('POST', '', rightFor(regenerate.right, target.id)).operation,
    )
    const from = service.slots.find((slot) => slot !== to)!
    const half = await renew(to, call, before[from]!['key']!)
    try {
      await call.keepLease()
      return fold(fold(before, half), await renew(from, call, before[to]!['key']!))
    } catch (error) {
      throw undecided(error)
    }
  }

  async function createdAt(slot: KeySlot, signal: AbortSignal): Promise<Instant | undefined> {
    const created = list.createdAt
      ? // Of the listing that showed the key: the two belong together.
        list.createdAt(resource.lastListing() ?? (await resource.listing(signal)), slot, target)
      : describe!.createdAt!(await resource.described(signal), slot, target)
    ages.set(slot, created)
    return created
  }

  return { renew, createdAt, swap }
}

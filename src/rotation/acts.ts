// Room: the core. The steps of a plan, carried out. Each answer is folded into what is known, so that the plan can be made again.

import { RekeyError } from './errors.ts'
import * as events from './events.ts'
import { harmless } from './grip.ts'
import { fold, type KeyRing, type KeySlot, slotsChanged, slotsOf } from './key-ring.ts'
import type { Reason, Stamps, StoredSecret } from './observation.ts'
import { type Decided, type Plan, type Step, untold } from './plan.ts'
import { askedAt, hasTwoSlots, isOurs, liveSlots, madeAt, retiredAt, type Situation, standbySlot } from './situation.ts'
import { clockBound, type Duration, days, type Instant, leadOf, minutes, type SecretName, settle } from './target.ts'
import { mayPublish, probe } from './verify.ts'
import { currentIn, leadIn, metadataFor, tag, type Work } from './work.ts'

/** Where an act stops short: the key is refused as yet. */
export interface Held {
  readonly until: Instant
}

type StepOf<Kind extends Step['do']> = Extract<Step, { do: Kind }>

/** Carries out one step. Answers when to come back if it could not be finished. Throws RekeyErrors. */
export async function act(work: Work, plan: Plan, at: Situation): Promise<Held | undefined> {
  const step = plan.step!
  switch (step.do) {
    case 'describe':
      return describe(work, step, plan.reason)
    case 'publish':
      return publish(work, step, plan.reason, at)
    case 'regenerate':
      return regenerate(work, step, plan.reason, at)
    case 'swap':
      return swap(work, step)
    case 'rename':
      return rename(work, step.slot, withoutPending(leadIn(work).stamps!))
    case 'announce':
      return announce(work, at)
  }
}

async function describe(work: Work, step: StepOf<'describe'>, reason: Reason): Promise<undefined> {
  const stamps = stampsFor(work, step.stamps, reason)
  for (const secret of leadLast(work)) {
    const stored = work.stored[secret.name]
    if (isOurs(work.target, stored) || !liveSlots(work.ring, secret, stored).includes(step.slot)) continue
    await tag(work, secret, stamps, { slot: step.slot })
  }
  work.changed = true
}

async function publish(work: Work, step: StepOf<'publish'>, reason: Reason, at: Situation): Promise<Held | undefined> {
  const slot = await pick(work, step, at)
  if (slot === undefined) {
    sayIfStuck(work, at)
    return { until: work.ports.clock.now() + minutes(1) }
  }
  // The stamps are the first slot's: the other way round if another one works.
  const { fresh, standby, ...rest } = step.stamps
  const swapped = {
    ...rest,
    ...(standby === undefined ? {} : { fresh: standby }),
    ...(fresh === undefined ? {} : { standby: fresh }),
  }
  await write(work, slot, stampsFor(work, slot === step.slots[0] ? step.stamps : swapped, reason))
}

async function pick(work: Work, step: StepOf<'publish'>, at: Situation): Promise<KeySlot | undefined> {
  if (step.pick === 'given') return step.slots[0]
  if (step.pick === 'only accepted') {
    return (await mayPublish(work, step.slots[0], at.active)) === 'yes' ? step.slots[0] : undefined
  }
  for (const slot of step.slots) {
    if ((await probe(work, slot)) === 'accepted') return slot
  }
  return step.slots[0]
}

/** Writes a slot's credential to every secret that does not hold it yet, the lead last: it is the commit record. */
async function write(work: Work, slot: KeySlot, stamps: Stamps): Promise<void> {
  const lead = leadOf(work.target)
  for (const secret of leadLast(work)) {
    const value = work.ring[slot]![secret.output]
    if (!value) throw missingOutput(work, secret)
    const stored = work.stored[secret.name]
    const holds = value.equals(stored?.value)
    if (holds && secret === lead && isOurs(work.target, stored)) continue
    if (holds && secret !== lead) {
      await keep(work, secret, slot, stamps)
      continue
    }
    const metadata = metadataFor(work, secret, slot, stamps)
    work.stored[secret.name] = await work.grip.effect(({ signal }) =>
      work.vault.publish(secret.name, value, metadata, signal),
    )
    work.changed = true
    if (secret === lead) work.wroteLead = true
  }
}

/** A value that is the same for both slots needs no new version, but its expiry moves on with the others'. */
async function keep(work: Work, secret: SecretName, slot: KeySlot, stamps: Stamps): Promise<void> {
  const stored = work.stored[secret.name]!
  if (isOurs(work.target, stored) && stored.slot === slot) return
  await tag(work, secret, stamps, { slot, expiresOn: work.ports.clock.now() + work.target.validFor })
}

async function regenerate(
  work: Work,
  step: StepOf<'regenerate'>,
  reason: Reason,
  at: Situation,
): Promise<Held | undefined> {
  const { request, ports } = work
  if (step.what === 'ring' && !work.holder.regenerateAll) throw notSupported(work, 'regenerating both slots at once')
  const since = Math.max(ports.clock.now() - clockBound, request.freshAfter ?? 0, request.revokeBefore ?? 0)
  prove(work, since)
  const lead = leadOf(work.target)
  const { pending: earlier, ...kept } = leadIn(work).stamps!
  await tag(work, lead, { ...kept, pending: { asked: since } })

  const before = work.ring
  work.ring = fold(before, await regenerated(work, step, at, { ...kept, ...(earlier ? { pending: earlier } : {}) }))
  work.changed = true
  // A key of which there is no record would be made once more: until there is one, the deadline has to wait.
  return work.grip.finish(() => handOut(work, step, reason, at, { before, kept, since }))
}

/** What has to be recorded of a slot just regenerated: `kept` are the lead's stamps from before, `since` is the key's age. */
interface Made {
  readonly before: KeyRing
  readonly kept: Stamps
  readonly since: Instant
}

async function handOut(
  work: Work,
  step: StepOf<'regenerate'>,
  reason: Reason,
  at: Situation,
  { before, kept, since }: Made,
): Promise<Held | undefined> {
  const changed = slotsChanged(before, work.ring)
  const both = hasTwoSlots(before) && changed.length === slotsOf(before).length
  const stamps: Decided = {
    rotatedAt: since,
    fresh: since,
    ...(both ? { standby: since } : kept.fresh === undefined ? {} : { standby: kept.fresh }),
    ...(hasTwoSlots(before) && !both ? { retire: true } : {}),
  }
  if (changed.includes(at.active!)) {
    // Nothing in the vault works now: first the key, then the question whether the service takes it already.
    await write(work, step.slot, stampsFor(work, stamps, reason))
    if ((await probe(work, step.slot)) === 'refused')
      work.ports.log('warn', 'published before the service accepts it', { target: work.target.name })
    return undefined
  }
  if (step.after === 'retire') return retire(work, step.slot, reason, since)
  const waiting: Stamps = { ...kept, pending: { made: since } }
  if ((await mayPublish(work, step.slot, at.active)) === 'not yet') {
    await tag(work, leadOf(work.target), waiting)
    return { until: since + settle + clockBound }
  }
  try {
    await write(work, step.slot, stampsFor(work, stamps, reason))
  } catch (error) {
    // The vault refused: recorded, the key is published later; unrecorded, the next try would make another.
    if (error instanceof RekeyError && saysNo(error)) await tag(work, leadOf(work.target), waiting)
    throw error
  }
}

/** Sends the regenerate; an unknown outcome is settled by one read-back, a refusal takes the record of asking back. */
async function regenerated(
  work: Work,
  step: StepOf<'regenerate'>,
  at: Situation,
  before: Stamps,
): Promise<Partial<KeyRing>> {
  const { holder, grip } = work
  try {
    const answer = await grip.effect((call) =>
      step.what === 'ring' ? holder.regenerateAll!(call) : holder.regenerate(step.slot, call),
    )
    if (slotsChanged(work.ring, fold(work.ring, answer)).includes(step.slot)) return answer
    throw unknownOutcome(work, 'the service answered with the key it had before')
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    if (error.details.outcomeUnknown) return readBack(work, step.slot, at, error)
    if (saysNo(error)) await work.grip.finish(() => tag(work, leadOf(work.target), before))
    throw error
  }
}

/** Nothing was changed, by refusal or because it was never sent: then a record of asking would only make the next try wait. */
function saysNo(error: RekeyError): boolean {
  return !error.details.outcomeUnknown && error.code !== 'LeaseLost'
}

async function readBack(work: Work, slot: KeySlot, at: Situation, why: RekeyError): Promise<KeyRing> {
  const now = work.ports.clock.now()
  const ring = await work.grip
    .look((signal) => work.holder.read(signal))
    .catch((error) => {
      throw error instanceof RekeyError
        ? unknownOutcome(work, `no answer to the regenerate of ${slot}, nor to the read after it`, error)
        : error
    })
  const changed = slotsChanged(work.ring, ring).includes(slot)
  // A listing may show the key before the last change of this slot: then "changed" means "stale".
  const last = Math.max(slot === at.active ? at.fresh : at.standby, askedAt(at.stamps) ?? Number.NEGATIVE_INFINITY)
  if (changed && now >= last + settle + clockBound) return ring
  throw unknownOutcome(work, `no answer to the regenerate of ${slot} (${why.code})`, why)
}

async function retire(work: Work, slot: KeySlot, reason: Reason, since: Instant): Promise<undefined> {
  const { ports, grip } = work
  const event = retirement(work, slot, reason)
  const { retire: _, failed: __, ...kept } = leadIn(work).stamps!
  try {
    await harmless(() => grip.effect(({ signal }) => ports.announcer.announce([event], signal)))
  } catch (error) {
    // Recorded, it is told later; unrecorded, the next try would make another key.
    if (error instanceof RekeyError && saysNo(error))
      await tag(work, leadOf(work.target), { ...kept, standby: since, pending: { retired: since } })
    throw error
  }
  work.eventId = event.id
  await tag(work, leadOf(work.target), { ...withoutPending(kept), standby: since })
}

function retirement(work: Work, slot: KeySlot, reason: Reason): events.RekeyEvent {
  const facts = { slot, reason, actor: work.request.actor, now: work.ports.clock.now() }
  return events.retired(work.target, leadIn(work), currentIn(work), facts)
}

async function swap(work: Work, step: StepOf<'swap'>): Promise<undefined> {
  const { holder, grip, target, ports } = work
  if (!holder.swap) throw notSupported(work, 'exchanging the two slots')
  const before = leadIn(work).stamps!
  const { failed: _, ...kept } = before
  // No key dies by a swap, but a listing from before it shows the slots the other way round for a while. Believing that, a
  // rotation would take the active key for the standby: so the record stays, and with it the wait, when the swap is done.
  await tag(work, leadOf(target), { ...kept, pending: { asked: ports.clock.now() - clockBound } })
  try {
    work.ring = fold(work.ring, await grip.effect((call) => holder.swap!(call)))
  } catch (error) {
    if (!(error instanceof RekeyError) || error.details.outcomeUnknown) throw error
    if (saysNo(error)) await grip.finish(() => tag(work, leadOf(target), before))
    throw error
  }
  await grip.finish(() => rename(work, step.to, { ...kept, pending: { asked: ports.clock.now() } }))
}

/** Writes the slot in which the key is now beside every output. */
async function rename(work: Work, slot: KeySlot, lead: Stamps): Promise<undefined> {
  work.changed = true
  for (const secret of leadLast(work)) {
    const stamps = secret === leadOf(work.target) ? lead : work.stored[secret.name]?.stamps
    if (stamps) await tag(work, secret, stamps, { slot })
  }
}

function withoutPending({ pending: _, ...stamps }: Stamps): Stamps {
  return stamps
}

async function announce(work: Work, at: Situation): Promise<undefined> {
  const { target, request, ports, grip } = work
  const lead = leadIn(work)
  const news = untold(at)
  const told = news.includes(lead) ? [lead] : news
  const note = work.wroteLead ? request.note : undefined
  const facts = { overlap: overlapOf(work), now: ports.clock.now(), ...(note === undefined ? {} : { note }) }
  const retired = retiredAt(lead.stamps ?? {}) !== undefined
  const tellings = [
    ...told.map((version) => events.published(target, lead, version, currentIn(work), facts)),
    ...(retired ? [retirement(work, standbySlot(at), retiredFor(lead))] : []),
  ]
  await harmless(() => grip.effect(({ signal }) => ports.announcer.announce(tellings, signal)))
  work.eventId = tellings.at(-1)!.id
  work.changed = true
  for (const version of news) {
    const { failed: _, ...stamps } = version.stamps!
    await tag(work, target.secrets.find(({ name }) => name === version.name)!, { ...stamps, announced: true })
  }
  if (retired) {
    const { failed: _, ...stamps } = leadIn(work).stamps!
    await tag(work, leadOf(target), withoutPending(stamps))
  }
}

/** Why a key was retired that is told of only now: after a revoke its standby's, else that of an old publish. */
function retiredFor({ stamps }: StoredSecret): Reason {
  return stamps?.reason === 'revoked' ? 'revoked' : 'retiring'
}

/** How long consumers of the key before the current one have: none where the change took that key along. */
export function overlapOf(work: Work): Duration | 'none' {
  const { reason, fresh, standby, retire } = leadIn(work).stamps ?? {}
  // After a revoke both keys are of one age, too: but a publish that moved slots left the key before alone.
  const tookBoth = fresh !== undefined && fresh === standby && !retire
  return !hasTwoSlots(work.ring) || reason === 'revoked' || tookBoth ? 'none' : work.target.overlap
}

function leadLast(work: Work): readonly SecretName[] {
  return [...work.target.secrets].reverse()
}

function stampsFor(work: Work, stamps: Decided, reason: Reason): Stamps {
  // An interrupted publish is finished as what it was: then the stamps bring their reason and actor along.
  return { actor: work.request.actor, reason, ...stamps, target: work.target.name, announced: false }
}

/** A regenerate is worth nothing if its key cannot be stored: whatever can be known of that is known before. */
function prove(work: Work, now: Instant): void {
  const fullest: Stamps = {
    target: work.target.name,
    rotatedAt: now,
    fresh: now,
    standby: now,
    pending: { asked: now },
    retire: true,
    announced: false,
    reason: 'interrupted',
    actor: work.request.actor,
    failed: { code: 'ServiceUnavailable', at: now },
  }
  for (const secret of work.target.secrets) {
    work.vault.fits(secret.name, metadataFor(work, secret, slotsOf(work.ring)[0]!, fullest))
  }
}

function sayIfStuck(work: Work, at: Situation): void {
  const made = madeAt(at.stamps)
  if (made === undefined || work.ports.clock.now() < made + days(1)) return
  work.ports.log('error', 'a new key is still refused by its service after a day', {
    target: work.target.name,
    slot: slotsOf(work.ring).find((slot) => slot !== at.active),
    made: new Date(made).toISOString(),
  })
}

function unknownOutcome(work: Work, message: string, why?: RekeyError): RekeyError {
  return new RekeyError('OutcomeUnknown', {
    target: work.target.name,
    step: 'regenerate',
    message,
    remedy: 'Nothing to do: the service is read again once every listing must be up to date.',
    outcomeUnknown: true,
    retryAfter: settle,
    ...(why?.details.service ? { service: why.details.service } : {}),
  })
}

function notSupported(work: Work, what: string): RekeyError {
  return new RekeyError('NotSupported', {
    target: work.target.name,
    message: `the provider ${work.target.provider} does not support ${what}`,
    remedy: 'Use another command: docs/providers.md says what each provider can do.',
  })
}

function missingOutput(work: Work, secret: SecretName): RekeyError {
  return new RekeyError('UnexpectedAnswer', {
    target: work.target.name,
    message: `the service gave no ${secret.output} for the secret ${secret.name}`,
    remedy: `Check in targets.json that the resource has a ${secret.output}.`,
  })
}

// A slot gets a new key: recorded before, sent once, read back where there is no answer, handed out or kept.

import type { Decided } from '../ages.ts'
import type { StepOf } from '../checks.ts'
import { attempt, changedNothing, failedRequest, notSupported } from '../failed-reconcile.ts'
import { fold, type KeyRing, type KeySlot, slotsChanged, slotsOf } from '../key-ring.ts'
import { harmless } from '../lease-session.ts'
import type { Reason, Stamps } from '../observation.ts'
import { RekeyError } from '../rekey-error.ts'
import { hasTwoSlots, madeAt, type Situation, standbyListedAt } from '../situation.ts'
import { clockBound, type Duration, type Instant, leadOf, minutes, seconds, settle } from '../target.ts'
import { probe } from '../verify.ts'
import { type Held, leadIn, metadataFor, tag, type Work, withoutPending } from '../work.ts'
import { retirement } from './announce.ts'
import { stampsFor, write } from './publish.ts'
import { coverageOf } from './superseded-versions.ts'
import { tryOrWait, waitingStamps } from './wait-for-verdict.ts'

/** A shorter regenerate is covered by what the settling time has to spare. */
const worthNoting: Duration = seconds(10)
type Lasted = Pick<Stamps, 'took'>

/**
 * Makes a slot's key anew, and publishes it or, where an old key is only to die, tells of it. Held while the service refuses the
 * new key as yet: it is recorded, to be published later.
 */
export async function regenerate(
  work: Work,
  step: StepOf<'regenerate'>,
  reason: Reason,
  at: Situation,
): Promise<Held | undefined> {
  const { request, ports } = work
  if (step.what === 'ring' && !work.holder.regenerateAll) throw notSupported(work, 'regenerating both slots at once')
  const since = Math.max(ports.clock.now() - clockBound, request.createdAfter ?? 0, request.revokeBefore ?? 0)
  prove(work, since)
  const lead = leadOf(work.target)
  const recorded = recordedStamps(work, at)
  const kept = beforeAsking(recorded)
  await tag(work, lead, { ...kept, pending: { state: 'requested', since } }, { slot: leadIn(work).slot ?? at.active! })

  const before = work.ring
  const sentAt = ports.clock.now()
  work.ring = fold(before, await regenerated(work, step, at, recorded))
  work.changed = true
  // A key of which there is no record would be made once more: until there is one, the deadline has to wait.
  return work.session.finish(() =>
    handOut(work, step, reason, at, { before, kept: { ...withoutTook(kept), ...lasted(work, sentAt) }, since }),
  )
}

/** The lead's stamps, or where another client wrote over it (and disabled it: a revoke goes on) those of our version before. */
function recordedStamps(work: Work, at: Situation): Stamps {
  const { stamps } = leadIn(work)
  if (stamps?.target === work.target.name) return stamps
  return { ...at.stamps, target: work.target.name, announced: true, ...coverageOf(work, leadOf(work.target)) }
}

/**
 * What stays of the lead's stamps while a regenerate is recorded. The record takes the place of one that a key was made: the key's age
 * is kept, or a crash now would let the request that it was made for make another.
 */
function beforeAsking(recorded: Stamps): Stamps {
  const made = madeAt(recorded)
  return { ...withoutPending(recorded), ...(made === undefined ? {} : { standbyCreatedAfter: made }) }
}

/** What a regenerate that was sent at this moment has taken, in whole seconds, where the wait for a listing must count it. */
function lasted({ ports }: Work, sentAt: Instant): Lasted {
  const took = Math.ceil((ports.clock.now() - sentAt) / 1000) * 1000
  return took >= worthNoting ? { took } : {}
}

function lastedOf({ took }: Stamps): Lasted {
  return took === undefined ? {} : { took }
}

function withoutTook({ took: _, ...stamps }: Stamps): Stamps {
  return stamps
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
    createdAfter: since,
    ...(both
      ? { standbyCreatedAfter: since }
      : kept.createdAfter === undefined
        ? {}
        : { standbyCreatedAfter: kept.createdAfter }),
    ...(hasTwoSlots(before) && !both ? { retire: true } : {}),
  }
  if (changed.includes(at.active!)) {
    // Nothing in the vault works now: first the key, then the question whether the service takes it already.
    await write(work, step.slot, stampsFor(work, stamps, reason, at), work.request.note)
    if ((await probe(work, step.slot)) === 'refused')
      work.ports.log('warn', 'published before the service accepts it', { target: work.target.name })
    return undefined
  }
  if (step.after === 'retire') return retire(work, step.slot, reason, { standbyCreatedAfter: since, ...lastedOf(kept) })
  const allowed = await tryOrWait(work, at, { slot: step.slot, made: since, kept })
  if ('until' in allowed) return allowed
  try {
    await write(work, step.slot, stampsFor(work, { ...stamps, ...allowed }, reason, at), work.request.note)
  } catch (error) {
    await recordMade(work, waitingStamps(kept, { state: 'created', since }), error)
    throw error
  }
}

/**
 * The vault refused, or may have: recorded, the key is published later; unrecorded, the next try would make another. If a version landed
 * all the same, its own tags say more than this record, which stays beside the one before it.
 */
async function recordMade(work: Work, stamps: Stamps, error: unknown): Promise<void> {
  if (!(error instanceof RekeyError) || error.code === 'LeaseLost') return
  const record = () => tag(work, leadOf(work.target), stamps)
  if (changedNothing(error)) return record()
  const failed = await attempt(work.ports, work.target, 'record the new key', record)
  // A record that landed outside its lease has to be read back, whatever came before it.
  if (failed?.code === 'LeaseLost') throw failed
}

/** Sends the regenerate; an unknown outcome is settled by one read-back, a refusal takes the record of asking back. */
async function regenerated(
  work: Work,
  step: StepOf<'regenerate'>,
  at: Situation,
  before: Stamps,
): Promise<Partial<KeyRing>> {
  const { holder, session } = work
  try {
    const answer = await session.effect((call) =>
      step.what === 'ring' ? holder.regenerateAll!(call) : holder.regenerate(step.slot, call),
    )
    if (slotsChanged(work.ring, fold(work.ring, answer)).includes(step.slot)) return answer
    throw unknownOutcome(work, 'the service answered with the key it had before')
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    if (error.details.outcomeUnknown) return readBack(work, step.slot, at, error)
    if (changedNothing(error)) await work.session.finish(() => tag(work, leadOf(work.target), before))
    throw error
  }
}

async function readBack(work: Work, slot: KeySlot, at: Situation, why: RekeyError): Promise<KeyRing> {
  const now = work.ports.clock.now()
  const ring = await work.session
    .read((signal) => work.holder.read(signal))
    .catch((error) => {
      throw error instanceof RekeyError
        ? unknownOutcome(work, `no answer to the regenerate of ${slot}, nor to the read after it`, error)
        : error
    })
  const changed = (await isOver(work)) && slotsChanged(work.ring, ring).includes(slot)
  // A listing may show the key before the last change of this slot: then "changed" means "stale".
  // (An earlier record of asking is older than that by now: the check `settling` has waited for it.)
  const listed = slot === at.active ? at.createdAfter + settle + clockBound : standbyListedAt(at.stamps)
  if (changed && now >= listed) return ring
  throw unknownOutcome(work, `no answer to the regenerate of ${slot} (${why.code})`, why)
}

/** While the resource reports a change under way, what it lists settles nothing. */
async function isOver({ holder: { operation }, session }: Work): Promise<boolean> {
  if (!operation) return true
  return !(await session
    .read((signal) => operation.isUnderWay(signal))
    .catch((error) => {
      if (error instanceof RekeyError) return true
      throw error
    }))
}

async function retire(
  work: Work,
  slot: KeySlot,
  reason: Reason,
  made: Lasted & { readonly standbyCreatedAfter: Instant },
): Promise<undefined> {
  const { ports, session } = work
  const event = retirement(work, slot, reason)
  const { retire: _, failed: __, ...kept } = leadIn(work).stamps!
  try {
    await harmless(() => session.effect(({ signal }) => ports.announcer.announce([event], signal)))
  } catch (error) {
    // Recorded, it is told later; unrecorded, the next try would make another key.
    if (error instanceof RekeyError && changedNothing(error))
      await tag(work, leadOf(work.target), {
        ...withoutTook(kept),
        ...made,
        pending: { state: 'retired', since: made.standbyCreatedAfter },
      })
    throw error
  }
  work.eventId = event.id
  await tag(work, leadOf(work.target), { ...withoutTook(withoutPending(kept)), ...made })
}

/** A regenerate is worth nothing if its key cannot be stored: whatever can be known of that is known before. */
function prove(work: Work, now: Instant): void {
  const fullest: Stamps = {
    target: work.target.name,
    rotatedAt: now,
    createdAfter: now,
    pending: { state: 'created', since: now, unanswered: now, notified: true },
    took: minutes(60),
    proven: false,
    retire: true,
    announced: false,
    behind: true,
    reason: 'interrupted',
    actor: work.request.actor,
    failed: { code: 'ServiceUnavailable', at: now, step: 'observe', ...failedRequest(work.request) },
  }
  for (const secret of work.target.secrets) {
    work.vault.fits(secret.name, metadataFor(work, secret, slotsOf(work.ring)[0]!, fullest, work.request.note))
  }
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

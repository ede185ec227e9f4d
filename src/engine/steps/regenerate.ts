// A slot gets a new key: recorded before, sent once, read back where there is no answer, published or kept.

import type { Decided } from '../ages.ts'
import type { StepOf } from '../checks.ts'
import { changedNothing, notSupported } from '../failed-reconcile.ts'
import { fold, type KeyRing, type KeySlot, slotsChanged, slotsOf } from '../key-ring.ts'
import { probe } from '../probe.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Context, reached, type State } from '../state.ts'
import type { Pending, Reason, Stamps } from '../stored-secret.ts'
import { clockBound, type Duration, days, type Instant, leaseLength, seconds, settle } from '../target.ts'
import { attempt } from '../unforeseen.ts'
import { announceRetired } from './announce.ts'
import { tryOrWait, waitingStamps } from './try-key.ts'
import { coverageOf, metadataFor, stampsFor, withoutPending, writeTags, writeVersions } from './write.ts'

/** A shorter regenerate is covered by what the settling time has to spare. */
const worthNoting: Duration = seconds(10)
const longestRegenerate: Duration = days(1)

/**
 * Creates a slot's key anew, and publishes it or, where an old key is only to die, announces that. The next state is held while the service
 * refuses the new key: it is recorded, to be published later. `decided` is the state that the step was decided on.
 */
export async function regenerate(
  step: StepOf<'regenerate'>,
  reason: Reason,
  decided: State,
  context: Context,
): Promise<State> {
  const { target, active } = decided
  const { clock } = context.ports
  const isPossible = step.what === 'slot' || context.holder.regenerateAll !== undefined
  if (!isPossible) throw notSupported(target, 'regenerating both slots at once')
  const since = decided.ages.createdFrom
  prove(decided, context, since)
  const before = recordedStamps(decided)
  const kept = beforeRequest(before)
  const after = step.after === 'retire' ? { after: 'retire' as const } : {}
  const record = { ...kept, pending: { state: 'requested', since, ...after } } as const
  const slot = decided.lead!.slot ?? active!
  const requested = await writeTags(decided, context, target.secrets[0], record, { slot })
  const sentAt = clock.now()
  const answer = await send(step, decided, requested, context, before)
  const regenerated = reached(context, requested, { ring: fold(decided.ring, answer), changed: true })
  // A key of which there is no record would be created once more: until there is one, the deadline has to wait.
  const created = { decided, kept: { ...withoutTook(kept), ...lasted(clock.now() - sentAt) }, since }
  return context.session.finish(() => handOut(step, reason, created, regenerated, context))
}

/**
 * Writes down that a regenerate whose end was not seen has created the standby's key: it waits to be published, or only to be announced. What it
 * took counts up to now, for a listing may be older than its end.
 */
export async function recordUnseen(state: State, context: Context): Promise<State> {
  const { pending, took: _, ...before } = state.lead!.stamps!
  const { since: requestedAt, after } = pending as Extract<Pending, { state: 'requested' }>
  // Not older than the request, whatever the service's clock says; and a revoke that came while it was created is satisfied by it.
  const since = Math.max(requestedAt, state.requestedKeyCreatedAt! - clockBound)
  const kept = { ...before, ...lasted(state.now - since) }
  const { retire: __, failed: ___, ...retired } = kept
  const stamps: Stamps =
    after === 'retire'
      ? { ...retired, standbyCreatedAfter: since, pending: { state: 'retired', since } }
      : waitingStamps(kept, { state: 'created', since })
  return writeTags(state, context, state.target.secrets[0], stamps)
}

/** A regenerate is worth nothing if its key cannot be stored: whatever can be known of that is known before. */
function prove({ target, request, stored, ring }: State, { vault }: Context, now: Instant): void {
  const fullest: Stamps = {
    target: target.name,
    rotatedAt: now,
    createdAfter: now,
    pending: { state: 'created', since: now, unanswered: now, notified: true },
    took: longestRegenerate,
    proven: false,
    retire: true,
    announced: false,
    behind: true,
    reason: 'interrupted',
    actor: request.actor,
    failed: { code: 'ServiceUnavailable', at: now, step: 'observe' },
  }
  const [slot] = slotsOf(ring)
  for (const { name } of target.secrets) {
    vault.fits(name, metadataFor(target, stored[name], slot!, fullest, request.note, now))
  }
}

/** The lead's stamps, or where another client wrote over it (and disabled it: a revoke goes on) those of our version before. */
function recordedStamps(state: State): Stamps {
  const { target, lead, stamps, secrets } = state
  if (secrets[0]!.ours) return lead!.stamps!
  return { ...stamps, target: target.name, announced: true, ...coverageOf(state, target.secrets[0]) }
}

/**
 * What stays of the lead's stamps while a regenerate is recorded. The record takes the place of one that a key was created: the key's age
 * is kept, or a crash now would let the request that it was created for create another.
 */
function beforeRequest({ pending, ...stamps }: Stamps): Stamps {
  return { ...stamps, ...(pending?.state === 'created' ? { standbyCreatedAfter: pending.since } : {}) }
}

/** How long the regenerate has taken, in whole seconds, where the wait for a listing must count it. */
function lasted(duration: Duration): Pick<Stamps, 'took'> {
  const took = Math.ceil(duration / 1000) * 1000
  return took >= worthNoting ? { took } : {}
}

function withoutTook({ took: _, ...stamps }: Stamps): Stamps {
  return stamps
}

/** Sends the regenerate; an unknown outcome is settled by one read-back, a refusal takes the record back. */
async function send(
  step: StepOf<'regenerate'>,
  decided: State,
  requested: State,
  context: Context,
  before: Stamps,
): Promise<Partial<KeyRing>> {
  const { holder, session } = context
  const { ring, target } = decided
  try {
    const answer = await session.effect((call) =>
      step.what === 'ring' ? holder.regenerateAll!(call) : holder.regenerate(step.slot, call),
    )
    if (slotsChanged(ring, fold(ring, answer)).includes(step.slot)) return answer
    throw unknownOutcome(decided, 'the service answered with the key it had before')
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    if (error.details.outcomeUnknown) return readBack(step.slot, decided, context, error)
    if (changedNothing(error)) await session.finish(() => writeTags(requested, context, target.secrets[0], before))
    throw error
  }
}

async function readBack(slot: KeySlot, decided: State, context: Context, why: RekeyError): Promise<KeyRing> {
  const { holder, session, ports } = context
  const now = ports.clock.now()
  const ring = await session
    .read((signal) => holder.read(signal))
    .catch((error) => {
      throw error instanceof RekeyError
        ? unknownOutcome(decided, `no answer to the regenerate of ${slot}, nor to the read after it`, error)
        : error
    })
  const changed = (await isOver(context)) ? slotsChanged(decided.ring, ring) : []
  // A listing may show the key before the last change of this slot: then "changed" means "stale".
  // (An earlier record of a request is older than that by now: the check `settling` has waited for it.)
  const { activeListedAt, standbyListedAt } = decided.ages
  if (changed.includes(slot) && now >= (slot === decided.active ? activeListedAt : standbyListedAt)) return ring
  const unknown = unknownOutcome(decided, `no answer to the regenerate of ${slot} (${why.code})`, why)
  if (changed.includes(slot) || !changed.includes(decided.active!)) throw unknown
  // Perhaps the other slot was regenerated: then nothing in the vault works, and that is repaired once the lease is free again.
  throw new RekeyError(unknown.code, { ...unknown.details, retryAfter: leaseLength + seconds(1) })
}

/** While the resource reports a change under way, what it lists settles nothing. */
async function isOver({ holder: { operation }, session }: Context): Promise<boolean> {
  if (!operation) return true
  return !(await session
    .read((signal) => operation.isUnderWay(signal))
    .catch((error) => {
      if (error instanceof RekeyError) return true
      throw error
    }))
}

/** A slot was regenerated: `decided` is the state from before, `kept` the lead's stamps from then, `since` the key's age. */
interface Created {
  readonly decided: State
  readonly kept: Stamps
  readonly since: Instant
}

async function handOut(
  step: StepOf<'regenerate'>,
  reason: Reason,
  { decided, kept, since }: Created,
  state: State,
  context: Context,
): Promise<State> {
  const { active, request } = decided
  const changed = slotsChanged(decided.ring, state.ring)
  const stamps = agesOfNew(changed, { decided, kept, since })
  if (changed.includes(active!)) {
    // Nothing in the vault works now: first the key, then the question whether the service takes it already.
    const next = await writeVersions(state, context, step.slot, stampsFor(decided, stamps, reason), request.note)
    if ((await probe(next, context, step.slot)) === 'refused')
      context.ports.log('warn', 'published before the service accepts it', { target: state.target.name })
    return next
  }
  if (step.after === 'retire') return retire(step.slot, reason, { since, kept }, state, context)
  const candidate = { slot: step.slot, active: active!, reason, createdAfter: since, kept }
  const [tried, allowed] = await tryOrWait(candidate, state, context)
  if (!allowed) return tried
  try {
    const written = stampsFor(decided, { ...stamps, ...allowed }, reason)
    return await writeVersions(tried, context, step.slot, written, request.note)
  } catch (error) {
    await recordCreated(waitingStamps(kept, { state: 'created', since }), error, context)
    throw error
  }
}

/** The ages once the new key is the active one: the key before it becomes the standby's, unless it was taken along. */
function agesOfNew(changed: readonly KeySlot[], { decided: { twoSlots, ring }, kept, since }: Created): Decided {
  const active = { rotatedAt: since, createdAfter: since }
  if (twoSlots && changed.length === slotsOf(ring).length) return { ...active, standbyCreatedAfter: since }
  const standby = kept.createdAfter === undefined ? {} : { standbyCreatedAfter: kept.createdAfter }
  return { ...active, ...standby, ...(twoSlots ? { retire: true } : {}) }
}

/**
 * The vault refused, or may have: recorded, the key is published later; unrecorded, the next try would create another. If a version landed
 * all the same, its own tags say more than this record, which stays beside the one before it.
 */
async function recordCreated(stamps: Stamps, error: unknown, context: Context): Promise<void> {
  if (!(error instanceof RekeyError) || error.code === 'LeaseLost') return
  const state = context.latest!
  const { target } = state
  const record = async () => void (await writeTags(state, context, target.secrets[0], stamps))
  if (changedNothing(error)) return record()
  const failed = await attempt(context.ports, target, 'record the new key', record)
  // A record that landed outside its lease has to be read back, whatever came before it.
  if (failed?.code === 'LeaseLost') throw failed
}

/** Announces that the standby slot's old key is dead, and writes that down. A key that could not be announced is recorded, and announced later. */
async function retire(
  slot: KeySlot,
  reason: Reason,
  { since, kept: { took } }: Pick<Created, 'since' | 'kept'>,
  state: State,
  context: Context,
): Promise<State> {
  const lead = state.target.secrets[0]
  const { retire: _, failed: __, ...before } = state.lead!.stamps!
  const stamps = { ...withoutTook(before), standbyCreatedAfter: since, ...(took === undefined ? {} : { took }) }
  const announced = await announceRetired(slot, reason, state, context).catch(async (error: unknown) => {
    const record = { ...stamps, pending: { state: 'retired', since } } as const
    if (error instanceof RekeyError && changedNothing(error)) await writeTags(state, context, lead, record)
    throw error
  })
  return writeTags(announced, context, lead, withoutPending(stamps))
}

function unknownOutcome({ target }: State, message: string, why?: RekeyError): RekeyError {
  return new RekeyError('OutcomeUnknown', {
    target: target.name,
    step: 'regenerate',
    message,
    remedy: 'Nothing to do: the service is read again once every listing must be up to date.',
    outcomeUnknown: true,
    retryAfter: settle,
    ...(why?.details.service ? { service: why.details.service } : {}),
  })
}

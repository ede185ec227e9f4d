// A slot's credential is written to the vault, or only our tags on what holds it already.

import type { Decided } from '../ages.ts'
import type { StepOf } from '../checks.ts'
import type { KeySlot } from '../key-ring.ts'
import { probe } from '../probe.ts'
import { type Context, reached, type State } from '../state.ts'
import type { Reason } from '../stored-secret.ts'
import { clockBound, type Instant } from '../target.ts'
import { type Allowed, tryOrWait } from './try-key.ts'
import { coverageOf, leadLast, stampsFor, writeTags, writeVersions } from './write.ts'

/** Writes our tags beside the secrets that hold the slot's credential already: no new version. */
export async function describe(
  step: StepOf<'describe'>,
  reason: Reason,
  state: State,
  context: Context,
): Promise<State> {
  const stamps = stampsFor(state, await proveAdopted(step, state, context), reason)
  let next = state
  for (const { name } of leadLast(state.target)) {
    const secret = next.secrets.find((each) => each.name === name)!
    if (secret.ours || !secret.live.includes(step.slot)) continue
    next = await writeTags(next, context, secret, { ...stamps, ...coverageOf(next, secret) }, { slot: step.slot })
  }
  return reached(context, next, { changed: true })
}

/** A live key that another client wrote is shown to its service once: whether probes are answered is known from then on. */
async function proveAdopted({ slot, stamps }: StepOf<'describe'>, state: State, context: Context): Promise<Decided> {
  if (state.secrets[0]!.ours) return stamps
  const aged = await withAge(slot, stamps, state.lead!.created, context)
  return (await probe(state, context, slot)) === 'accepted' ? { ...aged, proven: true } : aged
}

/**
 * A key of which nothing is known counts from its creation, where the service says that: it may have been due for long. It was live at `seen`, so
 * a creation after that is not this key's, and is not believed: a revoke would spare a key that is older. Throws RekeyErrors.
 */
async function withAge(slot: KeySlot, stamps: Decided, seen: Instant, context: Context): Promise<Decided> {
  const { holder, session } = context
  if (!holder.createdAt || stamps.createdAfter !== undefined) return stamps
  const created = await session.read((signal) => holder.createdAt!(slot, signal))
  if (created === undefined || created > seen + clockBound) return stamps
  return { ...stamps, rotatedAt: Math.min(created, seen), createdAfter: Math.min(created, seen) - clockBound }
}

/** Publishes a slot's credential. The next state is held while the service refuses the only key that may be published. */
export async function publish(step: StepOf<'publish'>, reason: Reason, state: State, context: Context): Promise<State> {
  const [slot, tried, allowed] = await pick(step, reason, state, context)
  if (!allowed) return tried
  // The step's stamps assume its first slot. If the other one is published, `createdAfter` and `standbyCreatedAfter` change places.
  const { createdAfter, standbyCreatedAfter, ...rest } = step.stamps
  const swapped = {
    ...rest,
    ...(standbyCreatedAfter === undefined ? {} : { createdAfter: standbyCreatedAfter }),
    ...(createdAfter === undefined ? {} : { standbyCreatedAfter: createdAfter }),
  }
  const decided = slot === step.slots[0] ? step.stamps : swapped
  const stamps = reason === 'adopted' ? await withAge(slot, decided, state.now, context) : decided
  // Who finishes an interrupted publish did not cause it.
  const note = reason === 'interrupted' ? step.note : state.request.note
  return writeVersions(tried, context, slot, stampsFor(state, { ...stamps, ...allowed }, reason), note)
}

/** The slot to publish, the state that choosing it left, and what was learned of its key; undefined: it has to wait. */
async function pick(
  step: StepOf<'publish'>,
  reason: Reason,
  state: State,
  context: Context,
): Promise<readonly [KeySlot, State, Allowed | undefined]> {
  const [first] = step.slots
  if (step.pick === 'given') return [first, state, {}]
  if (step.pick === 'only accepted') {
    const { pendingSince } = state.ages
    const since = pendingSince === undefined ? {} : { createdAfter: pendingSince }
    const candidate = { slot: first, active: state.active!, reason, kept: state.lead!.stamps!, ...since }
    return [first, ...(await tryOrWait(candidate, state, context))]
  }
  for (const slot of step.slots) {
    if ((await probe(state, context, slot)) === 'accepted') return [slot, state, { proven: true }]
  }
  return [first, state, {}]
}

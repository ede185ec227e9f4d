// The two slots change places at the service, and the vault's tags follow.

import type { StepOf } from '../checks.ts'
import { changedNothing, notSupported } from '../failed-reconcile.ts'
import { fold, type KeyRing, type KeySlot } from '../key-ring.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Context, reached, type State } from '../state.ts'
import type { Stamps } from '../stored-secret.ts'
import { clockBound } from '../target.ts'
import { leadLast, withoutPending, writeTags } from './write.ts'

/** Exchanges the two slots at the service: no key changes, only which slot it is in. */
export async function swap(step: StepOf<'swap'>, state: State, context: Context): Promise<State> {
  const { holder, session, ports } = context
  const [lead] = state.target.secrets
  if (!holder.swap) throw notSupported(state.target, 'exchanging the two slots')
  const before = state.lead!.stamps!
  const { failed: _, ...kept } = before
  // The active key works throughout, but a listing from before it shows the slots the other way round for a while. Believing that, a
  // rotation would take the active key for the standby: so the record stays, and with it the wait, when the swap is done.
  const record = { ...kept, pending: { state: 'requested', since: ports.clock.now() - clockBound } } as const
  const requested = await writeTags(state, context, lead, record)
  const exchanged = reached(context, requested, { ring: await exchange(step.to, requested, before, context) })
  const left = { ...kept, pending: { state: 'requested', since: ports.clock.now() } } as const
  const renamed = await session.finish(() => nameSlot(step.to, left, exchanged, context))
  return reached(context, renamed, { swapped: true })
}

/** A refusal takes the record back. */
async function exchange(to: KeySlot, requested: State, before: Stamps, context: Context): Promise<KeyRing> {
  const { holder, session } = context
  try {
    return fold(requested.ring, await session.effect((call) => holder.swap!(call, to)))
  } catch (error) {
    const refused = error instanceof RekeyError && changedNothing(error)
    if (refused) await session.finish(() => writeTags(requested, context, requested.target.secrets[0], before))
    throw error
  }
}

/** Writes the slot in which the key is now beside every output; the record of a request goes. */
export async function rename(step: StepOf<'rename'>, state: State, context: Context): Promise<State> {
  return nameSlot(step.slot, withoutPending(state.lead!.stamps!), state, context)
}

async function nameSlot(slot: KeySlot, lead: Stamps, state: State, context: Context): Promise<State> {
  let next = reached(context, state, { changed: true })
  for (const secret of leadLast(state.target)) {
    const stamps = secret === state.target.secrets[0] ? lead : next.stored[secret.name]?.stamps
    if (stamps) next = await writeTags(next, context, secret, stamps, { slot })
  }
  return next
}

// The two slots change places at the service, and the vault's tags follow.

import type { StepOf } from '../checks.ts'
import { changedNothing, notSupported } from '../failed-reconcile.ts'
import { fold, type KeySlot } from '../key-ring.ts'
import type { Stamps } from '../observation.ts'
import { RekeyError } from '../rekey-error.ts'
import { clockBound, leadOf } from '../target.ts'
import { leadIn, leadLast, tag, type Work } from '../work.ts'

/** Exchanges the two slots at the service: no key changes, only which slot it is in. */
export async function swap(work: Work, step: StepOf<'swap'>): Promise<undefined> {
  const { holder, session, target, ports } = work
  if (!holder.swap) throw notSupported(work, 'exchanging the two slots')
  const before = leadIn(work).stamps!
  const { failed: _, ...kept } = before
  // No key dies by a swap, but a listing from before it shows the slots the other way round for a while. Believing that, a
  // rotation would take the active key for the standby: so the record stays, and with it the wait, when the swap is done.
  await tag(work, leadOf(target), { ...kept, pending: { state: 'requested', since: ports.clock.now() - clockBound } })
  try {
    work.ring = fold(work.ring, await session.effect((call) => holder.swap!(call)))
  } catch (error) {
    if (!(error instanceof RekeyError) || error.details.outcomeUnknown) throw error
    if (changedNothing(error)) await session.finish(() => tag(work, leadOf(target), before))
    throw error
  }
  await session.finish(() =>
    rename(work, step.to, { ...kept, pending: { state: 'requested', since: ports.clock.now() } }),
  )
}

/** Writes the slot in which the key is now beside every output. */
export async function rename(work: Work, slot: KeySlot, lead: Stamps): Promise<undefined> {
  work.changed = true
  for (const secret of leadLast(work)) {
    const stamps = secret === leadOf(work.target) ? lead : work.stored[secret.name]?.stamps
    if (stamps) await tag(work, secret, stamps, { slot })
  }
}

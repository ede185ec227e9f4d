// Asks the data plane whether a key works, and how far to believe it.

import { type Credential, type KeySlot, slotsOf } from './key-ring.ts'
import type { Verdict } from './ports.ts'
import type { Evidence } from './proof.ts'
import type { Context, State } from './state.ts'

/** Shows one slot's present key to its service. `unknown` where there is no probe. */
export async function probe(state: State, context: Context, slot: KeySlot): Promise<Verdict> {
  return hasProbe(state, context) ? show(context, slot, state.ring[slot]!) : 'unknown'
}

export interface Tried {
  readonly evidence: Evidence
  /** Whether any key of the target was accepted. */
  readonly accepted: boolean
}

/** What the data plane says of a slot's key that is to replace the active one. The active key is shown to the same request, as a control. */
export async function tryKey(state: State, context: Context, slot: KeySlot, active: KeySlot): Promise<Tried> {
  if (!hasProbe(state, context)) return { evidence: 'no probe', accepted: false }
  const { ring } = state
  const verdict = await show(context, slot, ring[slot]!)
  if (verdict === 'accepted') return { evidence: 'accepted', accepted: true }
  const control = await show(context, active, ring[active]!)
  if (control === 'accepted') return { evidence: verdict === 'refused' ? 'refused' : 'unclear', accepted: true }
  const alike = control === 'refused' || verdict === 'unknown'
  return { evidence: alike ? 'says nothing' : 'unclear', accepted: false }
}

/**
 * Whether the service refuses a value of ours that its listing does not show. Then it is dead, and waiting for the listing
 * would only lengthen the outage. The control is a key of the ring that the same request accepts.
 */
export async function refusesVault(state: State, context: Context): Promise<boolean> {
  const { secrets, ring, hint, twoSlots } = state
  if (!twoSlots || !hasProbe(state, context)) return false
  // What an unmanaged secret stands beside may be a key of another resource.
  if (secrets.some(({ unmanaged }) => unmanaged)) return false
  for (const { output, stored } of secrets.filter(({ unseen }) => unseen)) {
    const slot = slotsOf(ring).find((known) => known === stored!.slot) ?? hint
    if ((await show(context, slot, { [output]: stored!.value! })) !== 'refused') continue
    for (const known of slotsOf(ring)) {
      if ((await show(context, known, ring[known]!)) === 'accepted') return true
    }
  }
  return false
}

function hasProbe({ target }: State, { holder }: Context): boolean {
  return holder.probe !== undefined && target.probe !== 'off'
}

function show({ holder, session }: Context, slot: KeySlot, credential: Credential): Promise<Verdict> {
  return session.read((signal) => holder.probe!(slot, credential, signal))
}

// Asks the data plane whether a key works, and how far to believe it.

import { unseenSecrets } from './checks.ts'
import { type Credential, type KeySlot, slotsOf } from './key-ring.ts'
import type { Verdict } from './ports.ts'
import type { Evidence } from './proof.ts'
import { hasTwoSlots, type Situation } from './situation.ts'
import type { Work } from './work.ts'

/** Probes one slot's present key. `unknown` where there is no probe. */
export async function probe(work: Work, slot: KeySlot, credential: Credential = work.ring[slot]!): Promise<Verdict> {
  if (!hasProbe(work)) return 'unknown'
  return work.session.read((signal) => work.holder.probe!(slot, credential, signal))
}

function hasProbe({ holder, target }: Work): boolean {
  return holder.probe !== undefined && target.probe !== 'off'
}

export interface Tried {
  readonly evidence: Evidence
  /** Whether any key of the target was accepted. */
  readonly accepted: boolean
}

/** What the data plane says of a slot's key that is to replace the active one. The active key is shown to the same request, as a control. */
export async function tryKey(work: Work, slot: KeySlot, active: KeySlot): Promise<Tried> {
  if (!hasProbe(work)) return { evidence: 'no probe', accepted: false }
  const verdict = await probe(work, slot)
  if (verdict === 'accepted') return { evidence: 'accepted', accepted: true }
  const control = await probe(work, active)
  if (control === 'accepted') return { evidence: verdict === 'refused' ? 'refused' : 'unclear', accepted: true }
  const alike = control === 'refused' || verdict === 'unknown'
  return { evidence: alike ? 'says nothing' : 'unclear', accepted: false }
}

/**
 * Whether the service refuses a value of ours that the listing does not show. Then it is dead, and waiting for the listing
 * would only lengthen the outage. The control is a key of the ring that the same request accepts.
 */
export async function refusesTheVault(work: Work, at: Situation): Promise<'refused' | 'not refused'> {
  if (!hasTwoSlots(work.ring) || !hasProbe(work)) return 'not refused'
  for (const stored of unseenSecrets(at)) {
    const output = work.target.secrets.find(({ name }) => name === stored.name)!.output
    const slot = slotsOf(work.ring).find((known) => known === stored.slot) ?? at.hint
    if ((await probe(work, slot, { [output]: stored.value! })) !== 'refused') continue
    for (const known of slotsOf(work.ring)) {
      if ((await probe(work, known)) === 'accepted') return 'refused'
    }
  }
  return 'not refused'
}

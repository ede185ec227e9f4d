// Room: the core. Asks the data plane whether a key works, and how far to believe it.

import { type Credential, type KeySlot, slotsOf } from './key-ring.ts'
import { unseenSecrets } from './plan.ts'
import type { Verdict } from './ports.ts'
import { hasTwoSlots, type Situation } from './situation.ts'
import type { Work } from './work.ts'

/** Probes one slot's present key. `unknown` where there is no probe. */
export async function probe(work: Work, slot: KeySlot, credential: Credential = work.ring[slot]!): Promise<Verdict> {
  const { holder, target } = work
  if (!holder.probe || target.probe === 'off') return 'unknown'
  return work.grip.look((signal) => holder.probe!(slot, credential, signal))
}

/**
 * Whether a key may replace the active one: if the data plane accepts it, or if its not accepting says nothing of the
 * key. It says nothing when the same request refuses the active key too (a wrong path, a policy in front of the service),
 * or when neither gets an answer (a private endpoint: it would otherwise never rotate). One lost answer is not enough.
 */
export async function mayPublish(work: Work, slot: KeySlot, active: KeySlot | undefined): Promise<'yes' | 'not yet'> {
  const verdict = await probe(work, slot)
  if (verdict === 'accepted' || active === undefined || active === slot) return 'yes'
  const control = await probe(work, active)
  return control === 'refused' || (control === 'unknown' && verdict === 'unknown') ? 'yes' : 'not yet'
}

/**
 * Whether the service refuses a value of ours that the listing does not show. Then it is dead, and waiting for the listing
 * would only lengthen the outage. The control is a key of the ring that the same request accepts.
 */
export async function refusesTheVault(work: Work, at: Situation): Promise<'refused' | 'not refused'> {
  if (!hasTwoSlots(work.ring) || !work.holder.probe || work.target.probe === 'off') return 'not refused'
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

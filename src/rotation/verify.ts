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
 * Probes a key that is to replace the active one. A refusal counts only if the active key is accepted by the same
 * request: a probe that refuses everybody (a wrong path, a policy in front of the service) says nothing of the key.
 */
export async function verdictOn(work: Work, slot: KeySlot, active: KeySlot | undefined): Promise<Verdict> {
  const verdict = await probe(work, slot)
  if (verdict !== 'refused') return verdict
  if (active === undefined || active === slot) return 'unknown'
  return (await probe(work, active)) === 'accepted' ? 'refused' : 'unknown'
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

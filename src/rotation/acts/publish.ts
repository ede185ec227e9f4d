// Room: the core. A slot's credential is written to the vault, or only our tags on what holds it already.

import { iso } from '../duration.ts'
import { type KeySlot, slotsOf } from '../key-ring.ts'
import type { Reason, Stamps } from '../observation.ts'
import { missingOutput } from '../observe.ts'
import type { Decided, StepOf } from '../plan.ts'
import { isOurs, liveSlots, madeAt, type Situation } from '../situation.ts'
import { days, leadOf, minutes, type SecretName } from '../target.ts'
import { mayPublish, probe } from '../verify.ts'
import { type Held, leadLast, metadataFor, tag, type Work } from '../work.ts'

/** Writes our tags beside the secrets that hold the slot's credential already: no new version. */
export async function describe(work: Work, step: StepOf<'describe'>, reason: Reason): Promise<undefined> {
  const stamps = stampsFor(work, step.stamps, reason)
  for (const secret of leadLast(work)) {
    const stored = work.stored[secret.name]
    if (isOurs(work.target, stored) || !liveSlots(work.ring, secret, stored).includes(step.slot)) continue
    await tag(work, secret, stamps, { slot: step.slot })
  }
  work.changed = true
}

/** Publishes a slot's credential; held while the service refuses the only key that may be published. */
export async function publish(
  work: Work,
  step: StepOf<'publish'>,
  reason: Reason,
  at: Situation,
): Promise<Held | undefined> {
  const slot = await pick(work, step, at)
  if (slot === undefined) {
    sayIfStuck(work, at)
    return { until: work.ports.clock.now() + minutes(1) }
  }
  // The step's stamps assume its first slot. If the other one is published, `fresh` and `standby` change places.
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
export async function write(work: Work, slot: KeySlot, stamps: Stamps): Promise<void> {
  const lead = leadOf(work.target)
  for (const secret of leadLast(work)) {
    const value = work.ring[slot]![secret.output]
    if (!value) throw missingOutput(work.target, secret)
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

/** The stamps of a version that is written now: whose it is, why, and that nobody has been told. */
export function stampsFor(work: Work, stamps: Decided, reason: Reason): Stamps {
  // An interrupted publish is finished as what it was: then the stamps bring their reason and actor along.
  return { actor: work.request.actor, reason, ...stamps, target: work.target.name, announced: false }
}

function sayIfStuck(work: Work, at: Situation): void {
  const made = madeAt(at.stamps)
  if (made === undefined || work.ports.clock.now() < made + days(1)) return
  work.ports.log('error', 'a new key is still refused by its service after a day', {
    target: work.target.name,
    slot: slotsOf(work.ring).find((slot) => slot !== at.active),
    made: iso(made),
  })
}

// A slot's credential is written to the vault, or only our tags on what holds it already.

import type { Decided } from '../ages.ts'
import type { StepOf } from '../checks.ts'
import type { KeySlot } from '../key-ring.ts'
import type { Reason, Stamps } from '../observation.ts'
import { missingOutput } from '../observe.ts'
import { isElsewhere, isOurs, liveSlots, madeAt, type Situation } from '../situation.ts'
import { leadOf, type SecretName } from '../target.ts'
import { probe } from '../verify.ts'
import { type Held, leadIn, leadLast, metadataFor, tag, type Work } from '../work.ts'
import { coverageOf } from './superseded-versions.ts'
import { type Allowed, tryOrWait } from './wait-for-verdict.ts'

/** Writes our tags beside the secrets that hold the slot's credential already: no new version. */
export async function describe(
  work: Work,
  step: StepOf<'describe'>,
  reason: Reason,
  at: Situation,
): Promise<undefined> {
  const stamps = stampsFor(work, await proveAdopted(work, step), reason, at)
  for (const secret of leadLast(work)) {
    const stored = work.stored[secret.name]
    if (isOurs(work.target, stored) || !liveSlots(work.ring, secret, stored).includes(step.slot)) continue
    await tag(work, secret, { ...stamps, ...coverageOf(work, secret) }, { slot: step.slot })
  }
  work.changed = true
}

/** A live key that another client wrote is shown to its service once: whether probes are answered is known from then on. */
async function proveAdopted(work: Work, { slot, stamps }: StepOf<'describe'>): Promise<Decided> {
  if (isOurs(work.target, work.stored[leadOf(work.target).name])) return stamps
  return (await probe(work, slot)) === 'accepted' ? { ...stamps, proven: true } : stamps
}

/** Publishes a slot's credential; held while the service refuses the only key that may be published. */
export async function publish(
  work: Work,
  step: StepOf<'publish'>,
  reason: Reason,
  at: Situation,
): Promise<Held | undefined> {
  const picked = await pick(work, step, at)
  if ('until' in picked) return picked
  const { slot, ...proof } = picked
  // The step's stamps assume its first slot. If the other one is published, `createdAfter` and `standbyCreatedAfter` change places.
  const { createdAfter, standbyCreatedAfter, ...rest } = step.stamps
  const swapped = {
    ...rest,
    ...(standbyCreatedAfter === undefined ? {} : { createdAfter: standbyCreatedAfter }),
    ...(createdAfter === undefined ? {} : { standbyCreatedAfter: createdAfter }),
  }
  const stamps = slot === step.slots[0] ? step.stamps : swapped
  // Who finishes an interrupted publish did not cause it.
  const note = reason === 'interrupted' ? step.note : work.request.note
  await write(work, slot, stampsFor(work, { ...stamps, ...proof }, reason, at), note)
}

async function pick(work: Work, step: StepOf<'publish'>, at: Situation): Promise<(Allowed & { slot: KeySlot }) | Held> {
  const [first] = step.slots
  if (step.pick === 'given') return { slot: first }
  if (step.pick === 'only accepted') {
    const made = madeAt(at.stamps)
    const candidate = { slot: first, kept: leadIn(work).stamps!, ...(made === undefined ? {} : { made }) }
    const allowed = await tryOrWait(work, at, candidate)
    return 'until' in allowed ? allowed : { slot: first, ...allowed }
  }
  for (const slot of step.slots) {
    if ((await probe(work, slot)) === 'accepted') return { slot, proven: true }
  }
  return { slot: first }
}

/** Writes a slot's credential to every secret that does not hold it yet, the lead last: it is the commit record. */
export async function write(work: Work, slot: KeySlot, stamps: Stamps, note: string | undefined): Promise<void> {
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
    const metadata = metadataFor(work, secret, slot, { ...stamps, ...coverageOf(work, secret) }, note)
    work.stored[secret.name] = await work.session.effect(({ signal }) =>
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
  const behind = stored.stamps?.behind ? { behind: true as const } : {}
  await tag(work, secret, { ...stamps, ...behind }, { slot, expiresOn: work.ports.clock.now() + work.target.validFor })
}

/** The stamps of a version that is written now: whose it is, why, what is known of probes, and that it is not announced yet. */
export function stampsFor(work: Work, stamps: Decided, reason: Reason, at: Situation): Stamps {
  const proven = isElsewhere(work.target, at.lead) ? undefined : at.stamps.proven
  // An interrupted publish is finished as what it was: then the stamps bring their reason and actor along.
  return {
    actor: work.request.actor,
    reason,
    ...(proven === undefined ? {} : { proven }),
    ...stamps,
    target: work.target.name,
    announced: false,
  }
}

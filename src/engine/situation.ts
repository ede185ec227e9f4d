// What an observation means for a target: which slot is active, whose the secrets are, how old the keys are.

import { type KeyRing, type KeySlot, nextSlot, slotsHolding, slotsOf } from './key-ring.ts'
import type { Observation, Pending, Stamps, StoredSecret } from './observation.ts'
import type { RotationRequest } from './request.ts'
import { activeSince, standbySince } from './satisfied.ts'
import { clockBound, type Instant, leadOf, type SecretName, settle, type Target } from './target.ts'

/** Everything the checks of the plan look at. */
export interface Situation {
  readonly target: Target
  readonly request: RotationRequest
  readonly now: Instant
  readonly ring: KeyRing
  readonly stored: Observation['stored']
  readonly earlier: Observation['earlier']
  readonly lead: StoredSecret | undefined
  /** Ours from the lead, or from the version before somebody overwrote it. */
  readonly stamps: Partial<Stamps>
  /** The slot that `CredentialId` names, or where the target starts. */
  readonly hint: KeySlot
  /** The slot whose key the lead holds. A disabled lead cannot be read: then it is what `CredentialId` says. */
  readonly active: KeySlot | undefined
  /** Lower bounds of when the active and the standby key were made. */
  readonly createdAfter: Instant
  readonly standbyCreatedAfter: Instant
  /** When the secrets were last written. */
  readonly published: Instant
  /** The resource reports a change under way that may be a regenerate of ours; it is waited for until then. */
  readonly underWayUntil: Instant | undefined
  /** The service refuses the vault's value: it is dead, not merely missing from a stale listing. */
  readonly refused: boolean
}

const unknownAge = Number.NEGATIVE_INFINITY

export function situation(
  target: Target,
  request: RotationRequest,
  now: Instant,
  observation: Observation,
  refused: 'refused' | 'not refused',
): Situation {
  const { ring, stored, earlier } = observation
  const name = leadOf(target)
  const lead = stored[name.name]
  const former = isOurs(target, lead) ? undefined : earlier[name.name]
  const formerSlot = former && (slotHeldBy(ring, name, former) ?? former.slot)
  const stamps: Partial<Stamps> = (former ? former.stamps : isOurs(target, lead) ? lead?.stamps : undefined) ?? {}
  const hint = inRing(ring, formerSlot ?? lead?.slot) ?? inRing(ring, target.initialSlot) ?? slotsOf(ring)[0]!
  return {
    target,
    request,
    now,
    ring,
    stored,
    earlier,
    lead,
    stamps,
    hint,
    active: lead && activeSlot(ring, name, lead, isOurs(target, lead) ? lead.slot : formerSlot),
    createdAfter: activeSince(stamps),
    standbyCreatedAfter: standbySince(stamps),
    published: Math.max(...target.secrets.map((secret) => stored[secret.name]?.created ?? unknownAge)),
    underWayUntil: observation.underWayUntil,
    refused: refused === 'refused',
  }
}

/** Tagged for this target. */
export function isOurs(target: Target, stored: StoredSecret | undefined): boolean {
  return stored?.stamps?.target === target.name
}

/** Its tag `ProviderAddress` names another resource. One without that tag may be any's. */
export function isElsewhere(target: Target, stored: Pick<StoredSecret, 'address'> | undefined): boolean {
  return stored?.address !== undefined && stored.address.toLowerCase() !== target.address.toLowerCase()
}

/** The slots whose key this secret holds now. Empty: no live key. Several: the output is the same for all slots. */
export function liveSlots(ring: KeyRing, secret: SecretName, stored: StoredSecret | undefined): readonly KeySlot[] {
  return stored?.value ? slotsHolding(ring, secret.output, stored.value) : []
}

/** The one slot that this secret's value belongs to, if it is live and tells slots apart. */
export function slotHeldBy(ring: KeyRing, secret: SecretName, stored: StoredSecret | undefined): KeySlot | undefined {
  const slots = liveSlots(ring, secret, stored)
  return slots.length === 1 ? slots[0] : undefined
}

export function hasTwoSlots(ring: KeyRing): boolean {
  return slotsOf(ring).length > 1
}

/** The slot that a rotation regenerates. */
export function standbySlot(at: Situation): KeySlot {
  return nextSlot(at.ring, at.active!)
}

/** When a regenerate may have been sent whose end is not recorded. */
export function askedAt(stamps: Partial<Stamps>): Instant | undefined {
  return sinceIn(stamps, 'requested')
}

/** When a key was made that waits to be published. */
export function madeAt(stamps: Partial<Stamps>): Instant | undefined {
  return sinceIn(stamps, 'created')
}

/**
 * When every listing must show the standby's key. Its age is a lower bound, taken before the regenerate was sent; what that took comes
 * on top, or a listing from before a long operation's end would pass for a current one.
 */
export function standbyListedAt(stamps: Partial<Stamps>): Instant {
  return standbySince(stamps) + (stamps.took ?? 0) + settle + clockBound
}

/** Since when no probe has given a verdict on a key that waits to be published. */
export function unansweredSince(stamps: Partial<Stamps>): Instant | undefined {
  return stamps.pending?.state === 'created' ? stamps.pending.unanswered : sinceIn(stamps, 'unanswered')
}

/** When a standby key was retired that nobody was told of. */
export function retiredAt(stamps: Partial<Stamps>): Instant | undefined {
  return sinceIn(stamps, 'retired')
}

/** `noted`: the slot that was written beside our own version. */
function activeSlot(
  ring: KeyRing,
  name: SecretName,
  lead: StoredSecret,
  noted: KeySlot | undefined,
): KeySlot | undefined {
  if (!lead.enabled && !lead.value) return inRing(ring, noted)
  // Devices can be given one key twice: then what was noted tells the slots apart, or else their order.
  const slots = liveSlots(ring, name, lead)
  return slots.find((slot) => slot === inRing(ring, noted)) ?? slots[0]
}

function inRing(ring: KeyRing, slot: KeySlot | undefined): KeySlot | undefined {
  // Microsoft's templates write `key1` where the service says `Key1`.
  return slot === undefined ? undefined : slotsOf(ring).find((known) => known.toLowerCase() === slot.toLowerCase())
}

function sinceIn({ pending }: Partial<Stamps>, state: Pending['state']): Instant | undefined {
  return pending?.state === state ? pending.since : undefined
}

// The state of one reconcile: what was read, what was done so far, and all that follows from the two. Everything that a decision needs is in
// it. A state never changes: whoever learns or does something makes the next one.

import { type Ages, agesOf, mayBeUnlisted } from './ages.ts'
import { type KeyRing, type KeySlot, nextSlot, onlySlot, slotNamed, slotsHolding, slotsOf } from './key-ring.ts'
import type { LeaseSession } from './lease-session.ts'
import type { KeyHolder, Ports, Vault } from './ports.ts'
import type { RekeyError } from './rekey-error.ts'
import type { RotationRequest } from './request.ts'
import type { Reason, Stamps, StoredSecret } from './stored-secret.ts'
import type { Instant, SecretName, Target } from './target.ts'

/** What was asked for, and what was read back from the service and the vault. */
export interface Observed {
  readonly target: Target
  readonly request: RotationRequest
  readonly now: Instant
  readonly ring: KeyRing
  /** By secret name; a missing entry is a secret that does not exist (404, and only that). */
  readonly stored: Readonly<Record<string, StoredSecret | undefined>>
  /** By secret name: the newest earlier version of ours, read only where the current one is not ours. */
  readonly earlier: Readonly<Record<string, StoredSecret | undefined>>
  /** The resource reports a change under way that may be a regenerate of ours; it is waited for until then. */
  readonly underWayUntil?: Instant
  /** When the resource says that it created the standby's key, after a regenerate was requested whose end is not recorded. */
  readonly requestedKeyCreatedAt?: Instant
  /** A swap ends the other key for a moment. */
  readonly swapEndsOther?: true
  /** The service refuses a value of ours that its listing does not show: the value is dead, and the listing is not old. */
  readonly vaultRefused: boolean
}

/** What this reconcile has done so far. */
export interface Progress {
  /** Why each step was taken, in order. */
  readonly reasons: readonly Reason[]
  readonly changed: boolean
  readonly wroteLead: boolean
  /** The id of the last event announced. */
  readonly eventId?: string
  /** A step stopped short: its key must wait for a verdict of the service. */
  readonly held?: { readonly reason: Reason; readonly until: Instant }
  /** The slots have changed places: whatever else there is to do waits until no listing shows them the other way round. */
  readonly swapped?: true
  /** The topic refuses events, and not just for now. It stops nothing else, and is reported at the end. */
  readonly topicRefused?: RekeyError
  /** Why it stopped with something left to do. */
  readonly stoppedAt?: Reason
}

/** One secret of the target. */
export interface SecretState extends SecretName {
  readonly stored: StoredSecret | undefined
  /** The slots whose key it holds now. Empty: no live key. Several: the output is the same for all slots. */
  readonly live: readonly KeySlot[]
  /** The one slot that its value belongs to, if it is live and not the same for all slots. */
  readonly slot: KeySlot | undefined
  /** Tagged for this target. */
  readonly ours: boolean
  /** Exists, holds no live key of this resource, and nothing says that it ever was ours. Of a target that is not verified: holds no live key. */
  readonly unmanaged: boolean
  /** Holds a value that we wrote lately, which the listing does not show: the listing may be old, or the value dead. */
  readonly unseen: boolean
}

export interface State extends Observed, Progress {
  /** In the target's order: the lead first. */
  readonly secrets: readonly SecretState[]
  readonly lead: StoredSecret | undefined
  /** The lead's tag `ProviderAddress` names another resource. */
  readonly elsewhere: boolean
  /** The current version of each secret, lead first; missing ones are left out. */
  readonly current: readonly StoredSecret[]
  /** The fields of our tag beside the lead, or beside the version before another client overwrote it. */
  readonly stamps: Partial<Stamps>
  readonly twoSlots: boolean
  /** The slot that `CredentialId` names, or where the target starts. */
  readonly hint: KeySlot
  /** The slot whose key the lead holds. A disabled lead cannot be read: then it is what `CredentialId` says. */
  readonly active: KeySlot | undefined
  /** The slot that a rotation regenerates; on a ring of one the active slot itself. */
  readonly standby: KeySlot | undefined
  readonly ages: Ages
}

/** What a reconcile works with, the same from beginning to end but for `latest`. */
export interface Context {
  readonly ports: Ports
  readonly session: LeaseSession
  readonly holder: KeyHolder
  readonly vault: Vault
  /** The last state that was reached. When a step fails half-way, what it had done by then must not be forgotten. */
  latest?: State
}

/** The state that follows from what is known: which slot is active, whose the secrets are, how old the keys are. */
export function stateOf(known: Observed & Progress): State {
  const { target, ring, stored, earlier } = known
  const [first] = target.secrets
  const lead = stored[first.name]
  const ours = isOurs(target, lead)
  const elsewhere = isElsewhere(target, lead)
  const secrets = target.secrets.map((secret) => secretState(known, secret))
  const former = ours ? undefined : earlier[first.name]
  const formerSlot = former && (onlySlot(liveSlots(ring, first, former)) ?? former.slot)
  const active = lead && activeSlot(ring, first, lead, ours ? lead.slot : formerSlot)
  const facts = {
    ...known,
    secrets,
    lead,
    elsewhere,
    current: target.secrets.flatMap((secret) => stored[secret.name] ?? []),
    stamps: (ours ? lead : former)?.stamps ?? {},
    twoSlots: slotsOf(ring).length > 1,
    hint: slotNamed(ring, formerSlot ?? lead?.slot) ?? slotNamed(ring, target.initialSlot) ?? slotsOf(ring)[0]!,
    active,
    standby: active && nextSlot(ring, active),
  }
  return { ...facts, ages: agesOf(facts) }
}

/** The next state, remembered in case the step fails later on. */
export function reached(context: Context, state: State, change: Partial<Observed & Progress>): State {
  const next = stateOf({ ...state, ...change })
  context.latest = next
  return next
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

function secretState({ target, ring, stored, earlier, now }: Observed, secret: SecretName): SecretState {
  const current = stored[secret.name]
  const live = liveSlots(ring, secret, current)
  const ours = isOurs(target, current)
  const dead = current !== undefined && live.length === 0
  return {
    ...secret,
    stored: current,
    live,
    slot: onlySlot(live),
    ours,
    // An earlier version of ours means that another client overwrote our secret, not that we came to theirs.
    unmanaged: target.unverified
      ? live.length === 0
      : dead && !target.adopt && (isElsewhere(target, current) || !(ours || earlier[secret.name])),
    unseen: dead && ours && current.value !== undefined && mayBeUnlisted(current.created, now),
  }
}

/** `noted`: the slot that was written beside our own version. */
function activeSlot(
  ring: KeyRing,
  secret: SecretName,
  lead: StoredSecret,
  noted: KeySlot | undefined,
): KeySlot | undefined {
  if (!lead.enabled && !lead.value) return slotNamed(ring, noted)
  // Devices can be given one key twice: then the slot that was noted decides, or else their order.
  const slots = liveSlots(ring, secret, lead)
  return slots.find((slot) => slot === slotNamed(ring, noted)) ?? slots[0]
}

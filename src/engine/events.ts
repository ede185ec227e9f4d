// What is announced through Event Grid. Never a key, nor a hash of one.

import { formatDuration, iso } from './duration.ts'
import type { KeySlot } from './key-ring.ts'
import type { RekeyError } from './rekey-error.ts'
import type { Reason, StoredSecret } from './stored-secret.ts'
import type { Duration, Instant, Target } from './target.ts'

export type EventType =
  | 'Rekey.KeyRotated'
  | 'Rekey.KeyPublished'
  | 'Rekey.KeyRetired'
  | 'Rekey.KeyPending'
  | 'Rekey.RotationFailed'
  | 'Rekey.RotationDue'
  | 'Rekey.RotationOverdue'

/** The `data` of every event: one shape, absent where it does not apply. */
export interface EventData {
  readonly target: string
  readonly provider: string
  /** The resource's address. */
  readonly resource: string
  readonly vault: string
  readonly slot?: KeySlot
  readonly reason?: Reason
  readonly actor?: string
  readonly note?: string
  readonly secrets: readonly { readonly name: string; readonly version: string }[]
  /** ISO 8601, UTC. */
  readonly rotatedAt?: string
  readonly expiresAt?: string
  /** How long the key before this one stays valid: ISO 8601, or `none` where the change took it along. */
  readonly overlap?: string
  /** `false`: the key was published without a verdict of its service on it. */
  readonly proven?: false
  /** KeyPending: since when the slot's key waits to be published, and what its service says of it. */
  readonly since?: string
  readonly verdict?: 'refused' | 'unknown'
  /** RotationFailed and RotationOverdue: the stable code and the step. */
  readonly code?: string
  readonly step?: string
  readonly dueAt?: string
}

export interface RekeyEvent {
  /** The same each time the same thing is announced. */
  readonly id: string
  readonly type: EventType
  /** `/targets/{name}` */
  readonly subject: string
  readonly time: Instant
  readonly data: EventData
}

/** Reasons that mean a new key; every other publish hands out one that the service held already. */
const rotations: ReadonlySet<Reason | undefined> = new Set(['requested', 'due', 'revoked', 'pending'])

/** `<version>`: a new current version. `version` is the one that is not announced yet: the lead, or an output repaired later. */
export function published(
  target: Target,
  lead: StoredSecret,
  version: StoredSecret,
  current: readonly StoredSecret[],
  facts: { readonly overlap: Duration | 'none'; readonly now: Instant },
): RekeyEvent {
  const reason = version.stamps?.reason ?? lead.stamps?.reason
  const rotated = rotations.has(reason)
  return {
    id: version.version,
    type: rotated ? 'Rekey.KeyRotated' : 'Rekey.KeyPublished',
    ...about(target, facts.now),
    data: {
      ...subjectData(target, lead, current),
      ...(reason ? { reason } : {}),
      ...(version.stamps?.actor ? { actor: version.stamps.actor } : {}),
      ...(version.note ? { note: version.note } : {}),
      ...(version.stamps?.proven === false ? { proven: false as const } : {}),
      ...(rotated ? { overlap: facts.overlap === 'none' ? 'none' : formatDuration(facts.overlap) } : {}),
    },
  }
}

/** `<version>/retired`: the standby slot has a key that is not published; the one before it is dead. */
export function retired(
  target: Target,
  lead: StoredSecret,
  current: readonly StoredSecret[],
  facts: { readonly slot: KeySlot; readonly reason: Reason; readonly actor: string; readonly now: Instant },
): RekeyEvent {
  const { slot, reason, actor } = facts
  return {
    id: `${lead.version}/retired`,
    type: 'Rekey.KeyRetired',
    ...about(target, facts.now),
    data: { ...subjectData(target, lead, current), slot, reason, actor },
  }
}

/** `<lead version>/pending`: a key has waited for an hour to be published, because its service does not accept it. */
export function waiting(
  target: Target,
  lead: StoredSecret,
  current: readonly StoredSecret[],
  facts: Required<Pick<EventData, 'slot' | 'actor' | 'verdict'>> & { readonly since: Instant; readonly now: Instant },
): RekeyEvent {
  const { slot, actor, since, verdict } = facts
  return {
    id: `${lead.version}/pending`,
    type: 'Rekey.KeyPending',
    ...about(target, facts.now),
    data: { ...subjectData(target, lead, current), slot, reason: 'pending', actor, since: iso(since), verdict },
  }
}

/**
 * `<request>/failed`: what was asked for cannot be done until an operator acts. `<request>/failed/<code>` where the request was
 * tried again, and failed in another way or expired: by the same id, consumers would take it for the first.
 */
export function failed(
  target: Target,
  request: { readonly id: string; readonly actor: string; readonly note?: string; readonly failedWith?: string },
  error: RekeyError,
  now: Instant,
): RekeyEvent {
  return {
    id: request.failedWith === undefined ? `${request.id}/failed` : `${request.id}/failed/${error.code}`,
    type: 'Rekey.RotationFailed',
    ...about(target, now),
    data: {
      ...subjectData(target, undefined, []),
      actor: request.actor,
      ...(request.note ? { note: request.note } : {}),
      code: error.code,
      ...(error.details.step ? { step: error.details.step } : {}),
    },
  }
}

/** `<version>/overdue/<date>`: the current key is older than it should be. Once a day. */
export function overdue(target: Target, lead: StoredSecret, dueAt: Instant, now: Instant): RekeyEvent {
  return {
    id: `${lead.version}/overdue/${iso(now).slice(0, 10)}`,
    type: 'Rekey.RotationOverdue',
    ...about(target, now),
    data: { ...subjectData(target, lead, [lead]), dueAt: iso(dueAt) },
  }
}

/**
 * `<version>/due` and `<version>/overdue`: an operator must renew the secret of a reminder, or should have. Once for each version. `dueAt` is when
 * it must have been renewed.
 */
export function renewal(
  target: Target,
  version: { readonly name: string; readonly version: string; readonly expiresOn?: Instant },
  facts: { readonly what: 'due' | 'overdue'; readonly deadline: Instant; readonly now: Instant },
): RekeyEvent {
  const { name, expiresOn } = version
  return {
    id: `${version.version}/${facts.what}`,
    type: facts.what === 'due' ? 'Rekey.RotationDue' : 'Rekey.RotationOverdue',
    ...about(target, facts.now),
    data: {
      ...subjectData(target, undefined, []),
      secrets: [{ name, version: version.version }],
      ...(expiresOn === undefined ? {} : { expiresAt: iso(expiresOn) }),
      dueAt: iso(facts.deadline),
    },
  }
}

function about(target: Target, now: Instant): Pick<RekeyEvent, 'subject' | 'time'> {
  return { subject: `/targets/${target.name}`, time: now }
}

function subjectData(
  target: Target,
  lead: StoredSecret | undefined,
  current: readonly StoredSecret[],
): Omit<EventData, 'reason'> {
  return {
    target: target.name,
    provider: target.provider,
    resource: target.address,
    vault: target.vault,
    ...(lead?.slot ? { slot: lead.slot } : {}),
    secrets: current.map(({ name, version }) => ({ name, version })),
    ...(lead?.stamps?.rotatedAt !== undefined ? { rotatedAt: iso(lead.stamps.rotatedAt) } : {}),
    ...(lead?.expiresOn !== undefined ? { expiresAt: iso(lead.expiresOn) } : {}),
  }
}

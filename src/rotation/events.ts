// Room: the core. What is told to Event Grid. Never a key, nor a hash of one.

import type { KeySlot } from './key-ring.ts'
import type { Reason } from './observation.ts'
import type { Instant } from './target.ts'

export type EventType =
  | 'Rekey.KeyRotated'
  | 'Rekey.KeyPublished'
  | 'Rekey.KeyRetired'
  | 'Rekey.RotationFailed'
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
  readonly expiresOn?: string
  /** How long the key before this one stays good: ISO 8601, or `none` where the change took it along. */
  readonly overlap?: string
  /** RotationFailed and RotationOverdue: the stable code and the step. */
  readonly code?: string
  readonly step?: string
  readonly dueAt?: string
}

export interface RekeyEvent {
  /** The same each time the same thing is told. */
  readonly id: string
  readonly type: EventType
  /** `/targets/{name}` */
  readonly subject: string
  readonly time: Instant
  readonly data: EventData
}

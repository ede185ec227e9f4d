// What a reconcile did, for whoever asked: the queue, HTTP, telemetry.

import type { KeySlot } from './key-ring.ts'
import type { Reason } from './observation.ts'
import type { RekeyError } from './rekey-error.ts'
import type { Duration, Instant } from './target.ts'

/**
 * `changed`: something was done, and nothing is left to do. `current`: nothing was to do. `waiting`: something is to do
 * at `again`. `paused`: a person has to act first (a disabled secret, an unmanaged secret, a disabled target).
 * `failed`: `error` says what went wrong; a transient one has `again`.
 */
export type Status = 'changed' | 'current' | 'waiting' | 'paused' | 'failed'

export interface Outcome {
  readonly target: string
  readonly provider: string
  readonly status: Status
  /** Why, in a word: the first reason acted on; where nothing was done, the reason for that. Absent when `current`. */
  readonly reason?: Reason
  /** Every check that hit, in order. */
  readonly reasons: readonly Reason[]
  /** The active slot now. */
  readonly slot?: KeySlot
  /** The current version of each secret, lead first. Absent ones are left out. */
  readonly secrets: readonly { readonly name: string; readonly version: string }[]
  /** The id of the last event announced. */
  readonly eventId?: string
  readonly rotatedAt?: Instant
  readonly expiresOn?: Instant
  /** `none` where the change took the key before it along: a ring of one, a service that changed both, a revoke. */
  readonly overlap?: Duration | 'none'
  /** `false`: this run published a key without a verdict of its service on it. */
  readonly proven?: false
  /** When to come back: with the same request (an explicit one must not be lost), or just to look. */
  readonly again?: { readonly after: Duration; readonly at: Instant; readonly with: 'request' | 'resync' }
  /** Somebody else holds the lease: nothing was looked at. */
  readonly busy?: true
  readonly error?: RekeyError
}

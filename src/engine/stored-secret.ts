// A secret's version as it is in the vault, with what Rekey writes beside its value.

import type { KeySlot } from './key-ring.ts'
import type { Secret } from './secret.ts'
import type { Duration, Instant } from './target.ts'

/** Why a version was published, or why nothing was done: the names of the checks, used in logs, events and answers. */
export type Reason =
  | 'adopted'
  | 'unmanaged'
  | 'paused'
  | 'settling'
  | 'interrupted'
  | 'drifted'
  | 'revoked'
  | 'pending'
  | 'unannounced'
  | 'promoted'
  | 'swapped'
  | 'requested'
  | 'cooling'
  | 'due'
  | 'retiring'

/**
 * What was begun and has not ended. `requested`: a regenerate or a swap may have been sent at `since` or later; `after`: its key is
 * to stay unpublished. `created`: the standby slot has a
 * new key that is not published yet; `since` is its age, so there is no `standbyCreatedAfter` beside it. `unanswered`: a promote waits, because since
 * then no probe has given a verdict on the standby's key. `retired`: the standby slot has a new key that stays unpublished, and that is not announced yet.
 * `notified`: it was announced that the key waits.
 */
export type Pending =
  | { readonly state: 'requested'; readonly since: Instant; readonly after?: 'retire' }
  | { readonly state: 'created'; readonly since: Instant; readonly unanswered?: Instant; readonly notified?: true }
  | { readonly state: 'unanswered'; readonly since: Instant; readonly notified?: true }
  | { readonly state: 'retired'; readonly since: Instant }

/** Our one tag, `rekey`, on every output's version. Times are the core's instants here, ISO 8601 in the tag. */
export interface Stamps {
  /** Whose it is. */
  readonly target: string
  /** Drives the schedule only. */
  readonly rotatedAt?: Instant
  /** Lower bound of when this value's key was created. Absent where unknown. */
  readonly createdAfter?: Instant
  /** Lower bound of when the other slot's key was created. Absent where unknown. */
  readonly standbyCreatedAfter?: Instant
  readonly pending?: Pending
  /** How long the regenerate of the standby's key took, where that was long: listings lag from its end. Whole seconds. */
  readonly took?: Duration
  /**
   * `true`: a probe has once accepted a key of this target, so a probe without an answer is an outage. `false`: a version was published
   * without a verdict. Absent: not known.
   */
  readonly proven?: boolean
  /** A publish moved slots; the old key may be retired. */
  readonly retire?: boolean
  readonly announced?: boolean
  /** This version covers one that was never announced, which is announced with it: the one before it in its secret's history. */
  readonly behind?: true
  readonly reason?: Reason
  readonly actor?: string
  /** The last failure. Gone with the next change, or when a reconcile finds nothing to do: at once if reading had failed, else after a day. */
  readonly failed?: {
    readonly code: string
    readonly at: Instant
    readonly step?: 'observe'
    /** The id of the request that failed, where a caller asked for something: its operation has failed. */
    readonly request?: string
  }
}

/** A version of a secret in the vault. */
export interface StoredSecret {
  readonly name: string
  readonly version: string
  /** Absent when the version is disabled: it cannot be read then. */
  readonly value?: Secret
  readonly enabled: boolean
  /** Vault time, whole seconds. */
  readonly created: Instant
  readonly expiresOn?: Instant
  /** The tag `rekey`, when it is there and can be read. It may be another target's. */
  readonly stamps?: Stamps
  /** The tag `CredentialId`: the slot whose key this is. A hint. */
  readonly slot?: KeySlot
  /** The tag `ProviderAddress`. */
  readonly address?: string
  /** The tag `ValidityPeriodDays`, as it is written. */
  readonly validity?: string
  /** The tag `rekey-note`: what the caller said whose request made this version. */
  readonly note?: string
  /** Another client's, as its tags are: carried forward. */
  readonly contentType?: string
  /** Tags of others, carried forward from version to version. */
  readonly otherTags: Readonly<Record<string, string>>
}

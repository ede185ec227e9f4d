// What the core needs of the outside, in the core's own words. Adapters live in ../azure and ../providers.

import type { RekeyEvent } from './events.ts'
import type { Credential, KeyRing, KeySlot } from './key-ring.ts'
import type { RotationRequest } from './request.ts'
import type { Secret } from './secret.ts'
import type { Stamps, StoredSecret } from './stored-secret.ts'
import type { Duration, Instant, Target } from './target.ts'

export interface Clock {
  /** Wall-clock time. */
  now(): Instant
  /** Milliseconds that never go backwards, for leases and limits. */
  monotonic(): number
  /** Calls back once after `delay`, unless what it answers is called first. For limits only: the core never sleeps. */
  after(delay: Duration, callBack: () => void): () => void
}

/** What a mutating call gets beside its arguments. */
export interface Call {
  /** Ends the call one call limit after it began, or after the last `keepLease()`. */
  readonly signal: AbortSignal
  /** Renews the lease and the limit. A provider calls it between the polls of a long-running operation. Throws `LeaseLost`. */
  keepLease(): Promise<void>
  /** What is noted in the blob of the lease that the call is made under. */
  readonly metadata: LeaseMetadata
}

export type Verdict = 'accepted' | 'refused' | 'unknown'

/** One resource of one provider, opened for one reconcile. Errors are RekeyErrors, never an SDK's. */
export interface KeyHolder {
  /** The ring as the service holds it. Safe to retry. */
  read(signal: AbortSignal): Promise<KeyRing>
  /** Sent once, never retried by a client. Answers the slots that the service's answer names, perhaps one only. */
  regenerate(slot: KeySlot, call: Call): Promise<Partial<KeyRing>>
  /** Every slot in one call, where the service can. */
  regenerateAll?(call: Call): Promise<KeyRing>
  /** Shows the credential (its `key`, or the key inside its `connectionString`) to the data plane. Never throws for an answer. */
  probe?(slot: KeySlot, credential: Credential, signal: AbortSignal): Promise<Verdict>
  /**
   * Exchanges the two slots at the service, so that the active key is in slot `to`. It works at every moment; the other key need not.
   * Throws `ServiceChanged` where the keys are not those that were read.
   */
  swap?(call: Call, to: KeySlot): Promise<KeyRing>
  /**
   * When the slot's present key was created, as the resource says it. With it, a regenerate that went on after its call is known to have created
   * the key. Safe to retry. Undefined: the resource does not say. Throws RekeyErrors.
   */
  createdAt?(slot: KeySlot, signal: AbortSignal): Promise<Instant | undefined>
  /**
   * Until when an output works that was made from the slot's key with an end of its own, as the last read shows the key. Undefined: none of
   * the target's outputs ends before its key.
   */
  worksUntil?(slot: KeySlot): Instant | undefined
  /** The other key is refused in the middle of a swap: one waits until nobody can need that key. */
  readonly swapEndsOther?: true
  /** For a resource that says whether a change of it is still going on. Until it is over, a listing proves nothing of a regenerate. */
  readonly operation?: Operation
}

/** A change of a resource that may go on after its answer, or after the call that began it was lost. */
export interface Operation {
  /** How long one may take: whatever the resource reports then is not waited for. */
  readonly limit: Duration
  /** Whether the resource reports one under way now. Safe to retry. Throws RekeyErrors. */
  isUnderWay(signal: AbortSignal): Promise<boolean>
}

/** Everything that is written beside a secret's value. */
export interface SecretMetadata {
  readonly stamps: Stamps
  readonly slot: KeySlot
  readonly address: string
  readonly validityDays: number
  readonly expiresOn: Instant
  readonly otherTags: Readonly<Record<string, string>>
  readonly contentType?: string
  /** What the caller said whose request makes this version. */
  readonly note?: string
}

/** One Key Vault. A disabled version has no value; only 404 is absent. */
export interface Vault {
  current(name: string, signal: AbortSignal): Promise<StoredSecret | undefined>
  /** Newest first, without values, the current version included; at most `limit`. */
  versions(name: string, limit: number, signal: AbortSignal): Promise<readonly StoredSecret[]>
  /** One version with its value. */
  version(name: string, version: string, signal: AbortSignal): Promise<StoredSecret | undefined>
  /** Throws RekeyError `TagsTooLarge` if the metadata cannot be written. Sends nothing. */
  fits(name: string, metadata: SecretMetadata): void
  /** A new current version. Sent once. Throws `OutcomeUnknown`-marked errors where it may have landed. */
  publish(name: string, value: Secret, metadata: SecretMetadata, signal: AbortSignal): Promise<StoredSecret>
  /** Rewrites one version's tags, and its expiry where given. The value stays. */
  describe(
    stored: StoredSecret,
    metadata: Omit<SecretMetadata, 'expiresOn'> & { expiresOn?: Instant },
    signal: AbortSignal,
  ): Promise<StoredSecret>
}

/**
 * Short notes in the metadata of a lease's blob: the name of an entry is a lower-case identifier, its value printable ASCII.
 * Targets that share a lease share its entries. A blob that was lost is made again with `since` alone: whoever reads must
 * take a missing entry for the worst that can have happened up to then. Errors are transient or `LeaseLost`, and never
 * leave an outcome open: a write may be repeated.
 */
export interface LeaseMetadata {
  /** The entries as of the first read under this lease, with what this holder has written since. One call, the first time. */
  read(signal: AbortSignal): Promise<Readonly<Record<string, string>>>
  /** Sets these entries and keeps the others. One call, and that of `read` where nothing has been read yet. */
  write(entries: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
}

/** The right to change one credential. */
export interface Lease {
  readonly metadata: LeaseMetadata
  /** Sends a renewal. False when another worker has it, or it cannot be had any more. */
  renew(signal: AbortSignal): Promise<boolean>
  release(signal: AbortSignal): Promise<void>
}

export interface Leases {
  /** Undefined when another worker holds it. */
  acquire(credential: string, signal: AbortSignal): Promise<Lease | undefined>
}

export interface Announcer {
  /** At least once; consumers de-duplicate by id. */
  announce(events: readonly RekeyEvent[], signal: AbortSignal): Promise<void>
}

export interface RequestQueue {
  /** A new message that becomes visible after `delay`. */
  send(request: RotationRequest, delay: Duration, signal?: AbortSignal): Promise<void>
}

export type LogLevel = 'info' | 'warn' | 'error'

/** A static message with fields. Never a value, nor a hash of one. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** What reconcile needs. */
export interface Ports {
  readonly clock: Clock
  readonly leases: Leases
  readonly announcer: Announcer
  readonly queue: RequestQueue
  readonly log: Log
  vault(url: string): Vault
  /** Opens the target's resource. Throws RekeyError. */
  open(target: Target): Promise<KeyHolder>
}

// One credential of one resource, which Rekey rotates.

import type { KeySlot } from './key-ring.ts'

/** Milliseconds since 1970, UTC. Everything outside the core writes times as ISO 8601. */
export type Instant = number

/** Milliseconds. Everything outside the core writes durations as ISO 8601. */
export type Duration = number

export const seconds = (n: number): Duration => n * 1000
export const minutes = (n: number): Duration => n * 60_000
export const hours = (n: number): Duration => n * 3_600_000
export const days = (n: number): Duration => n * 86_400_000

/** How long a listing may lag behind a change, at the service or in the vault (S in docs/concepts.md). */
export const settle: Duration = minutes(5)
/** How far two clocks may be apart (ε in docs/concepts.md). */
export const clockBound: Duration = minutes(1)
/** How long a lease lasts from the moment its renewal was sent. */
export const leaseLength: Duration = seconds(60)
/** How long one call may take. At most half the lease, so that a renewed lease outlives the call. */
export const callLimit: Duration = seconds(25)
/** The Key Vault client writes later moments as negative numbers, and the vault takes them for 1903. */
export const latestExpiry: Instant = Date.UTC(2038, 0, 19, 3, 14, 7)

/** One secret in the vault and the output of the credential that it holds. */
export interface SecretName {
  readonly name: string
  readonly output: string
}

/** When scheduled rotations may happen. Requests and expired secrets ignore it. */
export interface Window {
  /** Days on which the window opens, 0 = Sunday. */
  readonly days: readonly number[]
  /** Local minute of the day at which it opens. */
  readonly start: number
  readonly length: Duration
  /** IANA name. */
  readonly timeZone: string
}

export interface Target {
  readonly name: string
  /** The provider's id. */
  readonly provider: string
  /** What the provider parsed from targets.json: opaque here. */
  readonly resource: unknown
  /** Written to the tag `ProviderAddress`: the resource as operators and Microsoft's templates name it. */
  readonly address: string
  /** The credential as the lease knows it, lower case: two targets with the same one are refused. */
  readonly lease: string
  /** `https://<name>.vault.azure.net`, lower case, no trailing slash. */
  readonly vault: string
  /** In order; the first is the lead, written last. */
  readonly secrets: readonly [SecretName, ...SecretName[]]
  readonly slots: readonly [KeySlot, ...KeySlot[]]
  readonly rotateEvery: Duration
  readonly validFor: Duration
  readonly overlap: Duration
  readonly retireAfter?: Duration
  readonly window?: Window
  readonly probe: 'on' | 'off'
  readonly initialSlot?: KeySlot
  /** Take over secrets that hold something else. */
  readonly adopt: boolean
  /**
   * It was found by the tags of its secret, and the secret was never seen to hold a live key of its resource. Whoever may write the vault can
   * set tags: until then nothing is published because of them.
   */
  readonly unverified?: true
  readonly enabled: boolean
}

/** The secret written last: the commit record. */
export function leadOf(target: Target): SecretName {
  return target.secrets[0]
}

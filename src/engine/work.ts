// One reconcile under way: what it works on, what it knows, what it has done.

import type { KeyRing, KeySlot } from './key-ring.ts'
import type { LeaseSession } from './lease-session.ts'
import type { Stamps, StoredSecret } from './observation.ts'
import type { KeyHolder, Ports, SecretMetadata, Vault } from './ports.ts'
import type { RotationRequest } from './request.ts'
import { days, type Instant, leadOf, type SecretName, type Target } from './target.ts'

export interface Work {
  readonly target: Target
  readonly request: RotationRequest
  readonly ports: Ports
  readonly session: LeaseSession
  readonly holder: KeyHolder
  readonly vault: Vault
  /** What is known now: the observation, with the answers of our own acts folded in. */
  ring: KeyRing
  readonly stored: Record<string, StoredSecret | undefined>
  readonly earlier: Record<string, StoredSecret | undefined>
  readonly underWayUntil?: Instant
  /** Whether anything was done, the last event told, and whether this run wrote the lead. */
  changed: boolean
  eventId?: string
  wroteLead: boolean
}

/** Where an act stops short: the key is refused as yet. */
export interface Held {
  readonly until: Instant
}

export function leadIn(work: Work): StoredSecret {
  return work.stored[leadOf(work.target).name]!
}

/** The current version of each secret, lead first, missing ones left out. */
export function currentIn(work: Work): readonly StoredSecret[] {
  return work.target.secrets.flatMap(({ name }) => work.stored[name] ?? [])
}

/** The order of writing: the lead last, for it is the commit record. */
export function leadLast(work: Work): readonly SecretName[] {
  return [...work.target.secrets].reverse()
}

export function withoutPending({ pending: _, ...stamps }: Stamps): Stamps {
  return stamps
}

/** As much of a work as writing tags takes. */
export type Records = Pick<Work, 'target' | 'ports' | 'session' | 'vault' | 'stored'>

/** Rewrites the tags of one secret's current version, and remembers them. */
export async function tag(
  work: Records,
  secret: SecretName,
  stamps: Stamps,
  change: { readonly slot?: KeySlot; readonly expiresOn?: number } = {},
): Promise<void> {
  const stored = work.stored[secret.name]!
  const { expiresOn, ...metadata } = metadataFor(work, secret, change.slot ?? stored.slot ?? '', stamps, stored.note)
  // Whoever adopts a secret without an expiry gives it one: `expiresOn` is always set.
  const expiry = change.expiresOn ?? (stored.expiresOn === undefined ? expiresOn : undefined)
  const asked = { ...metadata, ...(expiry === undefined ? {} : { expiresOn: expiry }) }
  const written = await work.session.effect(({ signal }) => work.vault.describe(stored, asked, signal))
  work.stored[secret.name] = { ...written, ...(stored.value ? { value: stored.value } : {}) }
}

/** What is written beside a secret's value. Nothing is inherited between versions: what other people wrote is carried forward. */
export function metadataFor(
  work: Records,
  secret: SecretName,
  slot: KeySlot,
  stamps: Stamps,
  note: string | undefined,
): SecretMetadata {
  const { target } = work
  const { otherTags = {}, contentType } = work.stored[secret.name] ?? {}
  return {
    stamps,
    slot,
    address: target.address,
    validityDays: Math.ceil(target.validFor / days(1)),
    expiresOn: work.ports.clock.now() + target.validFor,
    otherTags,
    ...(note === undefined ? {} : { note }),
    ...(contentType === undefined ? {} : { contentType }),
  }
}

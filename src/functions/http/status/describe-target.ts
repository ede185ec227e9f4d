// A target as callers see it: what is in the vault, when it is due, how it failed last.

import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import { comparedAt } from '../../../engine/lease-metadata.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { StoredSecret } from '../../../engine/stored-secret.ts'
import type { Instant, Target } from '../../../engine/target.ts'
import { firstOpen } from '../../../engine/window.ts'
import { assess } from '../../shared/assess.ts'
import { atMost } from '../../shared/at-most.ts'
import { vaultCalls } from '../../shared/read-secrets.ts'
import { type EmbeddedError, embedded, taggedError } from '../embedded-error.ts'

/** A target and the current versions of its secrets, lead first; undefined: there is no such secret. */
export interface TargetReading {
  readonly target: Target
  readonly secrets: readonly (StoredSecret | undefined)[]
  /** When the target was last compared with its service; undefined: never yet. */
  readonly comparedAt?: Instant | undefined
}

/** When a target was last compared, from the metadata of the leases. */
export type Notes = (target: Target) => Instant | undefined

/** Reads every secret of a target. `GET /secrets/{name}`. Throws RekeyError. */
export async function readTarget(
  app: App,
  target: Target,
  signal: AbortSignal,
  notes: Notes = unread,
): Promise<TargetReading> {
  const vault = app.vault(target.vault)
  const secrets = await Promise.all(target.secrets.map(({ name }) => vault.current(name, signal)))
  return { target, secrets, comparedAt: notes(target) }
}

/** The same for many targets; one that cannot be read does not hide the others. */
export function readTargets(
  app: App,
  targets: readonly Target[],
  signal: AbortSignal,
  notes: Notes = unread,
): Promise<(TargetReading | Unreadable)[]> {
  return atMost(vaultCalls, targets, async (target) => {
    try {
      return await readTarget(app, target, signal, notes)
    } catch (error) {
      if (error instanceof RekeyError) return { target, error }
      throw error
    }
  })
}

const unread: Notes = () => undefined

/** When one target was last compared. Throws RekeyError. */
export async function notesOfOne({ leaseNotes }: App, target: Target, signal: AbortSignal): Promise<Notes> {
  const entries = await leaseNotes.of(target.lease, signal)
  return () => comparedAt(target, entries)
}

/** When each target was last compared, in one listing. Throws RekeyError. */
export async function notesOfAll({ leaseNotes }: App, signal: AbortSignal): Promise<Notes> {
  const entriesOf = await leaseNotes.all(signal)
  return (target) => comparedAt(target, entriesOf(target.lease))
}

/** Everything else is known without the storage account: the response says what could not be read. */
export async function readable(
  reading: Promise<Notes>,
): Promise<{ readonly notes: Notes; readonly lastComparedError?: EmbeddedError }> {
  try {
    return { notes: await reading }
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    return { notes: unread, lastComparedError: embedded(error) }
  }
}

export interface Unreadable {
  readonly target: Target
  readonly error: RekeyError
}

/**
 * How a target stands, in one word for every route: `failed` and `overdue` go before what the tags say otherwise. `state` is what they
 * say, which decides what the next tick does; `lastError` the last failure, which a rotation that comes later clears.
 */
export function standingOf(seen: TargetReading, now: Instant) {
  const { state, dueAt, overdue } = assess(seen.target, seen.secrets, now)
  const last = leadIn(seen)?.stamps?.failed
  const lastError = last && taggedError(last)
  const isStopped = state === 'disabled' || state === 'paused'
  const status = isStopped ? state : lastError ? ('failed' as const) : overdue ? ('overdue' as const) : state
  return { status, state, lastError, dueAt }
}

/** A target as JSON. */
export function describe(app: App, seen: TargetReading | Unreadable) {
  const { target } = seen
  const fixed = { name: target.name, provider: target.provider, resource: target.address, vault: target.vault }
  if ('error' in seen) {
    return { ...fixed, status: 'unreadable', lastError: embedded(seen.error, app.clock.now()) }
  }
  const lead = seen.secrets[0]
  const { status, lastError, dueAt } = standingOf(seen, app.clock.now())
  const ours = leadIn(seen)?.stamps
  return {
    ...fixed,
    status,
    reason: ours?.reason,
    actor: ours?.actor,
    slot: lead?.slot,
    version: lead?.version,
    rotatedAt: iso(ours?.rotatedAt),
    dueAt: iso(dueAt),
    nextRotationAt: iso(nextRotationAt(target, status, dueAt)),
    lastComparedAt: iso(seen.comparedAt),
    expiresAt: iso(lead?.expiresOn),
    lastError,
    secrets: target.secrets.map(({ name, output }, index) => ({ name, output, version: seen.secrets[index]?.version })),
  }
}

/** When the schedule rotates it: the first moment, at the due date or later, in its window. Nothing where it will not. */
export function nextRotationAt(target: Target, status: string, dueAt: Instant | undefined): Instant | undefined {
  const isWaiting = status === 'disabled' || status === 'paused'
  return dueAt === undefined || isWaiting || isReminder(target) ? undefined : firstOpen(target.window, dueAt)
}

/** The lead secret, if it is tagged for this target. */
export function leadIn({ target, secrets }: TargetReading): StoredSecret | undefined {
  const [lead] = secrets
  return lead?.stamps?.target === target.name ? lead : undefined
}

// A target as callers see it: what is in the vault, when it is due, how it failed last.

import type { App } from '../../../compose.ts'
import { comparedAt } from '../../../engine/lease-metadata.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { StoredSecret } from '../../../engine/stored-secret.ts'
import type { Instant, Target } from '../../../engine/target.ts'
import { type EmbeddedError, embedded } from '../embedded-error.ts'
import { summaryOf } from './summarize-target.ts'

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

const unread: Notes = () => undefined

/** When one target was last compared. Throws RekeyError. */
export async function notesOfOne({ leaseNotes }: App, target: Target, signal: AbortSignal): Promise<Notes> {
  const entries = await leaseNotes.of(target.lease, signal)
  return () => comparedAt(target, entries)
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

/** A target as JSON. */
export function describe(app: App, seen: TargetReading) {
  const { target, secrets, comparedAt: compared } = seen
  const known = { target, secrets, ...(compared === undefined ? {} : { comparedAt: compared }) }
  const ofSecrets = target.secrets.map(({ name, output }, index) => ({
    name,
    output,
    version: secrets[index]?.version,
  }))
  return { ...summaryOf(known, app.clock.now()), version: secrets[0]?.version, secrets: ofSecrets }
}

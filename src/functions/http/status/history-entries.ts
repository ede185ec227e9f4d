// The versions of a target's secrets as callers see them: when, why, by whom. Never a value.

import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import type { Vault } from '../../../engine/ports.ts'
import type { StoredSecret } from '../../../engine/stored-secret.ts'
import type { Target } from '../../../engine/target.ts'
import { taggedError } from '../embedded-error.ts'
import type { HistoryEntry } from '../schemas/history-schema.ts'

/** How many versions of each secret are returned. */
const mostVersions = 100

/** The versions of each of the target's secrets, newest first. `GET /secrets/{name}/versions`, 25 a page. Throws RekeyError. */
export async function historyOf(app: App, target: Target, signal: AbortSignal): Promise<readonly HistoryEntry[]> {
  const vault = app.vault(target.vault)
  const place = { target: target.name, vault: target.vault }
  const entries = await Promise.all(
    target.secrets.map(async ({ name, output }) => {
      const versions = await newestFirst(vault, name, signal)
      return versions.map((version) => describe({ ...place, secret: name, output }, version))
    }),
  )
  return entries.flat().toSorted(byCreation)
}

/** Newest first; of one moment, in the order of the target's secrets. */
function byCreation(a: { readonly createdAt: string }, b: { readonly createdAt: string }): number {
  return a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0
}

/** The vault's times are whole seconds: of two versions of one second, the one that is current comes first. */
async function newestFirst(vault: Vault, name: string, signal: AbortSignal): Promise<readonly StoredSecret[]> {
  const versions = await vault.versions(name, mostVersions, signal)
  if (versions.length < 2 || versions[0]!.created !== versions[1]!.created) return versions
  const current = await vault.current(name, signal)
  return versions.toSorted((a, b) => Number(b.version === current?.version) - Number(a.version === current?.version))
}

interface Place {
  readonly target: string
  readonly vault: string
  readonly secret: string
  readonly output: string
}

function describe(
  place: Place,
  { version, created, enabled, expiresOn, slot, stamps, note }: StoredSecret,
): HistoryEntry {
  return {
    ...place,
    version,
    createdAt: iso(created),
    expiresAt: iso(expiresOn),
    enabled,
    slot,
    reason: stamps?.reason,
    actor: stamps?.actor,
    note,
    rotatedAt: iso(stamps?.rotatedAt),
    announced: stamps?.announced,
    lastError: stamps?.failed && taggedError(stamps.failed),
  }
}

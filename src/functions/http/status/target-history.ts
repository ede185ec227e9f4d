// GET /api/targets/{name}/history: the versions of a target's secrets.

import { iso } from '../../../engine/duration.ts'
import type { Vault } from '../../../engine/ports.ts'
import type { StoredSecret } from '../../../engine/stored-secret.ts'
import { type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { taggedError } from '../embedded-error.ts'
import { checkQuery } from '../paging.ts'
import { readLimit } from './list-targets.ts'

/** How many versions of each secret are returned. */
const mostVersions = 100

/** The versions of each secret, newest first: when, why, by whom. Never a value. */
export const targetHistory: Handler = {
  roles: readers,
  async answer(call) {
    checkQuery(call.request, [])
    const target = targetOf(call)
    const vault = call.app.vault(target.vault)
    const signal = AbortSignal.timeout(readLimit)
    const place = { target: target.name, vault: target.vault }
    const entries = await Promise.all(
      target.secrets.map(async ({ name, output }) =>
        (await newestFirst(vault, name, signal)).map((version) =>
          describe({ ...place, secret: name, output }, version),
        ),
      ),
    )
    return json(200, { value: entries.flat().toSorted(byCreation) })
  },
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

function describe(place: Place, { version, created, enabled, expiresOn, slot, stamps, note }: StoredSecret) {
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

// Which entries the metadata of a lease's blob has, and how they are put together within Azure's limits. Pure.

import { RekeyError } from './rekey-error.ts'
import type { Target } from './target.ts'

export type LeaseEntries = Readonly<Record<string, string>>

/** The moment at which the blob was made, ISO 8601. Before it nothing was noted, so nothing is known. */
export const sinceEntry = 'since'

// Azure takes 8 KB for names and values together; what is left is for the headers' own prefix.
const mostBytes = 7_000

/** The name of an entry about one of the targets that share a lease: `compared`, `hub-service` → `compared_hub_service`. */
export function entryOf(what: string, target: Pick<Target, 'name'>): string {
  // Names of targets have no `_`, and are compared without case: no two of them become one entry.
  return `${what}_${target.name.toLowerCase().replaceAll('-', '_')}`
}

/**
 * `before` with `changes` set. Where all of it is too large, the oldest entries about single targets (`<what>_<target>`,
 * with a moment as their value) are left out. Throws `Internal` for what Azure would refuse, or change on the way.
 */
export function mergeEntries(before: LeaseEntries, changes: LeaseEntries): LeaseEntries {
  for (const [name, value] of Object.entries(changes)) {
    if (/^[a-z_][a-z0-9_]{0,100}$/.test(name) && /^[!-~]{1,200}$/.test(value)) continue
    throw new RekeyError('Internal', { message: `${name} cannot be an entry of a lease's metadata` })
  }
  const merged = Object.entries({ ...before, ...changes })
  const oldestFirst = merged.filter(([name]) => name.includes('_')).toSorted(([, a], [, b]) => (a < b ? -1 : 1))
  const dropped = new Set<string>()
  let bytes = merged.reduce((sum, entry) => sum + sizeOf(entry), 0)
  for (const entry of oldestFirst) {
    if (bytes <= mostBytes) break
    dropped.add(entry[0])
    bytes -= sizeOf(entry)
  }
  return Object.fromEntries(merged.filter(([name]) => !dropped.has(name)))
}

function sizeOf([name, value]: readonly [string, string]): number {
  return name.length + value.length
}

// What is noted in the metadata of a lease's blob, within Azure's limits: when each target was last compared with its service. That is not in
// the tags, because a comparison that finds nothing writes no tags.

import { iso } from './duration.ts'
import { limited } from './lease-session.ts'
import type { Lease, Ports } from './ports.ts'
import { RekeyError } from './rekey-error.ts'
import type { Reason } from './stored-secret.ts'
import type { Instant, Target } from './target.ts'

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

/** Reasons to stop at which it is not known, or not so, that the vault holds the service's key. */
const undecided: ReadonlySet<Reason | undefined> = new Set<Reason>([
  'adopted',
  'paused',
  'settling',
  'interrupted',
  'drifted',
])

/** Whether a reconcile that stopped at this reason has compared vault and service, and left no drift behind. */
export function isCompared(stoppedAt: Reason | undefined): boolean {
  return !undecided.has(stoppedAt)
}

/** Notes that the target was compared with what the service listed at `at`. `PUT {blob}?comp=metadata`. Throws RekeyError. */
export async function noteCompared(target: Target, lease: Lease, ports: Ports, at: Instant): Promise<void> {
  const entries = { [entryOf('compared', target)]: iso(at) }
  await limited(ports.clock, ({ signal }) => lease.metadata.write(entries, signal))
}

/** When the target was last compared, as its lease's entries say; undefined: never, since `sinceOf`. */
export function comparedAt(target: Pick<Target, 'name'>, entries: LeaseEntries | undefined): Instant | undefined {
  return instantOf(entries?.[entryOf('compared', target)])
}

/** Since when the entries are kept; undefined: nothing ever held the lease. */
export function sinceOf(entries: LeaseEntries | undefined): Instant | undefined {
  return instantOf(entries?.[sinceEntry])
}

function instantOf(text: string | undefined): Instant | undefined {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : at
}

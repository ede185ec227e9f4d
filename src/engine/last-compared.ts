// When a target was last compared with its service, noted in the metadata of its lease: what is not in the tags,
// because a comparison that finds nothing writes no tags.

import { iso } from './duration.ts'
import { entryOf, type LeaseEntries, sinceEntry } from './lease-metadata.ts'
import { limited } from './lease-session.ts'
import type { Reason } from './observation.ts'
import type { Lease, Ports } from './ports.ts'
import type { Instant, Target } from './target.ts'

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
  const entries = { [comparedEntry(target)]: iso(at) }
  await limited(ports.clock, ({ signal }) => lease.metadata.write(entries, signal))
}

/** When the target was last compared, as its lease's entries say; undefined: never, since `sinceOf`. */
export function comparedAt(target: Pick<Target, 'name'>, entries: LeaseEntries | undefined): Instant | undefined {
  return instantOf(entries?.[comparedEntry(target)])
}

/** Since when the entries are kept; undefined: nothing ever held the lease. */
export function sinceOf(entries: LeaseEntries | undefined): Instant | undefined {
  return instantOf(entries?.[sinceEntry])
}

function comparedEntry(target: Pick<Target, 'name'>): string {
  return entryOf('compared', target)
}

function instantOf(text: string | undefined): Instant | undefined {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : at
}

// When this app last wrote an IoT hub: its own record, in the metadata of the hub's lease. The service does not say: its
// `systemData` has no more than `createdAt`.

import { passes } from '../../azure/service-error.ts'
import { sinceEntry } from '../../engine/lease-metadata.ts'
import type { Call } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { clockBound, type Instant, settle } from '../../engine/target.ts'
import { longestChange } from './long-running.ts'

/** ISO 8601. No write of ours lands after it: while one is under way it lies ahead. */
const entry = 'hubwritten'

/**
 * The moment after which no write of ours has landed. A lease that says nothing of it may have been lost with its blob just
 * after a write: then it is the moment at which the blob was made, and where that is missing too, now.
 */
export async function lastWriteOf(call: Call, now: Instant): Promise<Instant> {
  const entries = await call.metadata.read(call.signal)
  const noted = Date.parse(entries[entry] ?? entries[sinceEntry] ?? '')
  // What lies further ahead than a write can last was not noted by a clock that we could wait for.
  if (noted <= now + longestChange + clockBound) return noted
  await noteWrite(call, now)
  return now
}

/** Notes that no write of ours lands after `until`. */
export async function noteWrite(call: Call, until: Instant): Promise<void> {
  await call.metadata.write({ [entry]: new Date(until).toISOString() }, call.signal)
}

/**
 * For what only shortens a later wait: a note that could not be written leaves the one from before the write, which says
 * more than enough. Throws `LeaseLost`.
 */
export async function noteWriteIfPossible(call: Call, until: Instant): Promise<void> {
  try {
    await noteWrite(call, until)
  } catch (error) {
    if (!(error instanceof RekeyError) || error.code === 'LeaseLost') throw error
  }
}

/**
 * The list of policies has no etag. One from before a write a moment ago would carry that write's keys back to what they
 * were, of all policies: so a hub is not written until every listing must show what was written before. Throws `ServiceBusy`.
 */
export function assertListingCurrent(hub: string, lastWrite: Instant, now: Instant): void {
  const current = lastWrite + settle + clockBound
  if (now >= current) return
  throw new RekeyError('ServiceBusy', {
    message: `the IoT hub ${hub} was written a moment ago, or may have been: the list of its policies may not show that yet`,
    remedy: passes,
    retryAfter: current - now,
  })
}

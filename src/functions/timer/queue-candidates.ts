// Queues what one tick requests, as far as the services' limits allow.

import { requestQueue } from '../../azure/request-queue.ts'
import type { App } from '../../compose.ts'
import { type PacedCandidate, pace } from '../../engine/pace.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { atMost } from '../shared/at-most.ts'
import { type Seen, type Wanted, wanted } from './candidates.ts'
import type { Period } from './period.ts'
import type { Collect } from './tick.ts'

/** How many messages are under way at once. */
const sends = 16

/** The result, for the log. */
interface Counts {
  readonly queued: number
  /** What has to wait for another tick. */
  readonly later: number
  /** How many messages there were before. Absent: the queue does not say. */
  readonly depth?: number
}

/** Queues what fits before the next tick. A message that cannot be sent does not stop the others. */
export async function queueWanted(
  app: App,
  seen: readonly Seen[],
  period: Period,
  collect: Collect,
  signal: AbortSignal,
): Promise<Counts> {
  const candidates = seen.flatMap((each) => wanted(app, each, period) ?? [])
  const depth = await app.queue.depth(signal).catch((thrown: unknown) => collect(thrown, requestQueue))
  if (depth === undefined) return { queued: 0, later: candidates.length }
  const paced = pace(candidates, { interval: period.interval, queued: depth })
  const failures: unknown[] = []
  await atMost(sends, paced.now, async ({ candidate: { request }, delay }: PacedCandidate<Wanted>) => {
    const send = app.queue.send({ ...request, expiresAt: request.expiresAt + delay }, delay, signal)
    await send.catch((thrown: unknown) => failures.push(thrown))
  })
  if (failures.length > 0) collect(unsent(failures, paced.now.length), requestQueue)
  return { queued: paced.now.length - failures.length, later: paced.later.length + failures.length, depth }
}

/** One failure for all of them: thousands of messages may fail for one reason. An internal error is passed on unchanged. */
function unsent([first, ...others]: readonly unknown[], all: number): unknown {
  if (!(first instanceof RekeyError)) return first
  const message = `${others.length + 1} of ${all} requests could not be queued: ${first.message}`
  return new RekeyError(first.code, { ...first.details, message })
}

// Queues what one tick requests, as far as the services' limits allow.

import { operationContainer } from '../../azure/operation-store.ts'
import { requestQueue } from '../../azure/request-queue.ts'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { type Candidate, type PacedCandidate, pace } from '../../engine/pace.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { revokesAhead } from '../operations/revokes-ahead.ts'
import { storeTickPart, type TimedRequest } from '../operations/tick-requests.ts'
import { atMost } from '../shared/at-most.ts'
import { type Seen, type Wanted, wanted } from './candidates.ts'
import type { Period } from './period.ts'
import type { Collect } from './tick.ts'

/** How many messages are under way at once. */
const sends = 16
/** More requests than this are stored in parts, each of which a message queues. */
const partSize = 500

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
  const depth = await app.queue.depth(signal).catch((thrown: unknown) => void collect(thrown, requestQueue))
  if (depth === undefined) return { queued: 0, later: candidates.length }
  const ahead = await revokesAhead(app, signal).catch((thrown: unknown) => void collect(thrown, operationContainer))
  // A list of revokes takes the whole of a limit: while it does, the schedule leaves it alone.
  const paced = pace<Candidate | Wanted>([...(ahead ?? []), ...candidates], {
    interval: period.interval,
    queued: depth,
  })
  const mine = paced.now.filter((each): each is PacedCandidate<Wanted> => 'request' in each.candidate)
  const requests = mine.map(({ candidate: { request }, delay }) => ({
    request: { ...request, expiresAt: request.expiresAt + delay },
    at: period.to + delay,
  }))
  const failures = await (requests.length > partSize ? storeParts : sendAll)(app, requests, period, signal)
  const missing = failures.reduce((sum, { count }) => sum + count, 0)
  if (missing > 0) {
    const thrown = failures.map((failure) => failure.thrown)
    collect(unsent(thrown, missing, requests.length), requestQueue)
  }
  return { queued: requests.length - missing, later: candidates.length - requests.length + missing, depth }
}

/** Why so many requests were not queued. */
interface Unsent {
  readonly thrown: unknown
  readonly count: number
}

/** A message for each. */
async function sendAll(
  app: App,
  requests: readonly TimedRequest[],
  { to }: Period,
  signal: AbortSignal,
): Promise<readonly Unsent[]> {
  const failures: Unsent[] = []
  await atMost(sends, requests, async ({ request, at }) => {
    const send = app.queue.send(request, at - to, signal)
    await send.catch((thrown: unknown) => failures.push({ thrown, count: 1 }))
  })
  return failures
}

/** A message for each part: several workers queue a hundred thousand requests while a tick alone would run out of time. */
async function storeParts(
  app: App,
  requests: readonly TimedRequest[],
  { to, interval }: Period,
  signal: AbortSignal,
): Promise<readonly Unsent[]> {
  const failures: Unsent[] = []
  const parts = Array.from({ length: Math.ceil(requests.length / partSize) }, (_, part) => part)
  await atMost(sends, parts, async (part) => {
    const place = { tick: iso(to), part }
    const ofPart = requests.slice(part * partSize, (part + 1) * partSize)
    try {
      await storeTickPart(app, place, { until: to + interval, requests: ofPart }, signal)
      await app.queue.sendPart(place, 0, signal)
    } catch (thrown) {
      failures.push({ thrown, count: ofPart.length })
    }
  })
  return failures
}

/** One failure for all of them: thousands of messages may fail for one reason. An internal error is passed on unchanged. */
function unsent([first]: readonly unknown[], count: number, all: number): unknown {
  if (!(first instanceof RekeyError)) return first
  const message = `${count} of ${all} requests could not be queued: ${first.message}`
  return new RekeyError(first.code, { ...first.details, message })
}

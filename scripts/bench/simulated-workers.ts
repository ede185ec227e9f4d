// The workers of a bench, on a virtual clock: a queue, what the services allow, and how long a rotation takes. Lists of requests are queued by
// the app's own function; a rotation is as many writes as its provider declares.

import TinyQueue from 'tinyqueue'
import type { ListPart, StorageRequestQueue, TickPart } from '../../src/azure/request-queue.ts'
import type { App } from '../../src/compose.ts'
import { comeBack } from '../../src/engine/come-back.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { createTurns } from '../../src/engine/turns.ts'
import { revokeWrites } from '../../src/functions/shared/many-candidate.ts'
import { comingBack, queueRest } from '../../src/functions/shared/queue-rest.ts'

const second = 1000
/** How long a rotation takes, and a comparison that finds nothing: calls of some 300 ms, one after the other. */
export const rotationTime = 4 * second
const comparisonTime = second

interface Message {
  readonly at: number
  readonly what: RotationRequest | ListPart | TickPart
}

/** Messages by the moment at which they show themselves. */
export interface BenchQueue extends StorageRequestQueue {
  /** The most there were at once. */
  readonly longest: number
  /** Takes the first that shows itself until then. */
  next(until: number): Message | undefined
}

export function benchQueue(now: () => number): BenchQueue {
  const messages = new TinyQueue<Message>([], (a, b) => a.at - b.at)
  let longest = 0
  const push = async (what: Message['what'], delay: number) => {
    messages.push({ at: now() + Math.max(0, delay), what })
    longest = Math.max(longest, messages.length)
  }
  return {
    get longest() {
      return longest
    },
    send: push,
    sendPart: push,
    depth: async () => messages.length,
    next: (until) => ((messages.peek()?.at ?? Number.POSITIVE_INFINITY) <= until ? messages.pop() : undefined),
  }
}

/** What a service allows: tokens, refilled every moment. Refuses what exceeds it, as Azure does with 429 and Retry-After. */
interface Limit {
  readonly capacity: number
  readonly perSecond: number
  level: number
  at: number
}

/** Handles one message at a time. */
interface Worker {
  freeAt: number
  readonly instance: number
}

/** Messages that an instance handles at the same time: `batchSize` in host.json. */
export const perInstance = 8

/** Milliseconds until it allows so many writes; 0 where they are spent now. */
function spend(limit: Limit, writes: number, now: number): number {
  limit.level = Math.min(limit.capacity, limit.level + ((now - limit.at) / second) * limit.perSecond)
  limit.at = now
  if (limit.level < writes) return Math.ceil(((writes - limit.level) / limit.perSecond) * second)
  limit.level -= writes
  return 0
}

export interface Workers {
  /** Handles what is visible until then, each message when a worker is free. */
  runUntil(until: number): Promise<void>
  readonly counts: { handled: number; calls: number; throttled: number }
}

export interface WorkersOptions {
  readonly app: () => App
  readonly queue: BenchQueue
  /** How many messages are handled at the same time. */
  readonly atOnce: number
  /** Sets the virtual clock. */
  setTime(at: number): void
  queueList(part: ListPart | TickPart): Promise<void>
  isDue(target: string, request: RotationRequest): boolean
  rotated(target: string, at: number): void
}

/** Workers over a queue. The services allow twice what the schedule is allowed, which is half of the documented limits. */
export function simulatedWorkers(options: WorkersOptions): Workers {
  const { queue, atOnce, setTime } = options
  const limits = new Map<string, Limit>()
  const counts = { handled: 0, calls: 0, throttled: 0 }
  const workers = Array.from(
    { length: atOnce },
    (_, n): Worker => ({ freeAt: 0, instance: Math.floor(n / perInstance) }),
  )
  const free = new TinyQueue<Worker>(workers, (a, b) => a.freeAt - b.freeAt)
  // Each instance knows what it saw throttled itself.
  const turns = new Map(workers.map(({ instance }) => [instance, createTurns()]))

  function limitOf(app: App, target: NonNullable<ReturnType<App['targetNamed']>>, now: number): Limit {
    const { budget } = app.placeOf(target)
    const { burst, perSecond } = app.providerOf(target).allowance
    const known = limits.get(budget)
    if (known !== undefined) return known
    const made = { capacity: 2 * burst, perSecond: 2 * perSecond, level: 2 * burst, at: now }
    limits.set(budget, made)
    return made
  }

  /** When the worker is free again. */
  async function handle(request: RotationRequest, now: number, instance: number): Promise<number> {
    const app = options.app()
    const target = app.targetNamed(request.target)!
    const rotates = options.isDue(target.name, request)
    const { writes } = app.providerOf(target)
    const wanted = !rotates ? 1 : request.revokeBefore === undefined ? writes : revokeWrites(app, target)
    counts.calls += 1
    const wait = spend(limitOf(app, target, now), wanted, now)
    if (wait > 0) {
      counts.throttled += 1
      const error = new RekeyError('Throttled', { message: 'bench', retryAfter: Math.ceil(wait / second) * second })
      const again = comeBack({ error }, request, now)
      const outcome = {
        target: target.name,
        provider: target.provider,
        status: 'failed',
        reasons: [],
        secrets: [],
        error,
      } as const
      const ofInstance = { ...app, turns: turns.get(instance)! }
      await queueRest({ ...outcome, ...(again && { again }) }, request, queue, comingBack(ofInstance, target, request))
      return now + comparisonTime
    }
    if (rotates) options.rotated(target.name, now + rotationTime)
    return now + (rotates ? rotationTime : comparisonTime)
  }

  return {
    counts,
    runUntil: async (until) => {
      for (let message = queue.next(until); message; message = queue.next(until)) {
        const worker = free.pop()!
        const now = Math.max(message.at, worker.freeAt)
        setTime(now)
        counts.handled += 1
        if ('list' in message.what || 'tick' in message.what) {
          await options.queueList(message.what)
          worker.freeAt = now + 2 * second
        } else worker.freeAt = await handle(message.what, now, worker.instance)
        free.push(worker)
      }
      setTime(until)
    },
  }
}

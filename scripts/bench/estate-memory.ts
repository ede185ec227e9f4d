// What an estate costs the app itself: targets.json, ticks of the schedule and lists of all targets, in a process of its own and over services
// that keep nothing. Neither a queue nor stored requests are in its memory.

import { HttpRequest, InvocationContext } from '@azure/functions'
import type { Clock } from '../../src/engine/ports.ts'
import { answer } from '../../src/functions/http/answer-request.ts'
import { listTargets } from '../../src/functions/http/status/list-targets.ts'
import { tick } from '../../src/functions/timer/tick.ts'
import { noLeaseNotes, packedInMemory, recordsInMemory } from '../../test/scale/stored-in-memory.ts'
import { generatedVault, stubbed } from './fleet-estate.ts'

const minute = 60_000
const interval = 15 * minute
const begins = Date.UTC(2026, 2, 2, 10)
/** Keys in the middle of their time: a tick queues today's share of resyncs. */
const age = 30 * 1440 * minute

/** Bytes and milliseconds. `memory`: the most that the process had, and what of its heap was in use when garbage had been collected. */
export interface EstateCost {
  readonly memory: number
  readonly used: number
  readonly reading: number
  readonly tick: number
  readonly lists: number
  readonly pages: number
}

/** Needs `--expose-gc`. */
export async function estateCost(file: string, targets: number): Promise<EstateCost> {
  let now = begins
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
  const rotatedAt = new Float64Array(targets).fill(begins - age)
  const forget = async () => undefined
  const read = performance.now()
  const compose = await stubbed(file, clock, (app) => ({
    queue: { send: forget, sendPart: forget, depth: async () => 0 },
    operations: { ...recordsInMemory(), write: forget },
    snapshot: packedInMemory(),
    leaseNotes: noLeaseNotes,
    vault: (url) => generatedVault(app, url, rotatedAt, () => undefined),
  }))
  const reading = performance.now() - read
  const context = () => new InvocationContext({ logHandler: () => undefined })

  const ticking = performance.now()
  for (let ticks = 0; ticks < 2; ticks++) {
    const at = (ms: number) => new Date(now + ms).toISOString()
    const scheduleStatus = { last: at(-interval), next: at(interval), lastUpdated: at(-interval) }
    await tick({ isPastDue: false, schedule: { adjustForDST: true }, scheduleStatus }, context(), compose)
    now += interval
  }
  const tickTime = (performance.now() - ticking) / 2

  const listing = performance.now()
  let pages = 0
  for (let next: string | undefined = 'http://bench/api/targets'; next !== undefined; pages++) {
    const query = Object.fromEntries(new URL(next).searchParams)
    const answered = await answer(listTargets, new HttpRequest({ method: 'GET', url: next, query }), context(), compose)
    next = (JSON.parse(String(answered.body)) as { readonly nextLink?: string }).nextLink
  }
  const lists = performance.now() - listing

  globalThis.gc!()
  const used = process.memoryUsage().heapUsed
  return { memory: process.resourceUsage().maxRSS * 1024, used, reading, tick: tickTime, lists, pages }
}

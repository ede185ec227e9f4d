// What an outcome leaves to do, and which period of time a tick stands for.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Timer } from '@azure/functions'
import type { Outcome } from '../../src/engine/outcome.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { queueRest } from '../../src/functions/shared/requests.ts'
import { periodOf } from '../../src/functions/timer/period.ts'

const now = Date.UTC(2026, 2, 2, 10)
const minute = 60_000
const request: RotationRequest = {
  id: 'r1',
  target: 'vision',
  actor: 'ada',
  createdAfter: now,
  expiresAt: now + 9 * minute,
}
const waiting: Outcome = { target: 'vision', provider: 'p', status: 'waiting', reasons: [], secrets: [] }

async function restOf(outcome: Partial<Outcome>, of = request, random = () => 0.5) {
  const sent: { request: RotationRequest; delay: number }[] = []
  const queue = { send: async (request: RotationRequest, delay: number) => void sent.push({ request, delay }) }
  await queueRest({ ...waiting, ...outcome }, of, queue, random)
  return sent
}

describe('What is queued after an outcome', () => {
  const again = { after: 5 * minute, at: now + 5 * minute }

  test('A request that must wait is queued as the same request', async () => {
    assert.deepEqual(await restOf({ again: { ...again, with: 'request' } }), [{ request, delay: 5 * minute }])
  })

  test('A resync that must wait is queued as the same resync, while it has not expired', async () => {
    const resync = { id: 'r1', target: 'vision', actor: 'schedule', ignoreWindow: true, expiresAt: now + 5 * minute }

    const inTime = await restOf({ again: { ...again, with: 'resync' } }, resync)
    const tooLate = await restOf({ again: { ...again, with: 'resync' } }, { ...resync, expiresAt: now + 4 * minute })

    assert.deepEqual(inTime, [{ request: resync, delay: 5 * minute }])
    assert.deepEqual(tooLate, [])
  })

  test('Requests that wait for one lease are spread over time', async () => {
    const busy = { busy: true, again: { after: 30_000, at: now + 30_000, with: 'request' } } as const

    const delays = await Promise.all([0, 0.5, 1].map(async (die) => (await restOf(busy, request, () => die))[0]?.delay))

    assert.deepEqual(
      delays.map((delay) => Math.round(delay! / 1000)),
      [20, 30, 40],
    )
  })

  test('A throttled resync is spread over the rest of its life; a request is not', async () => {
    const error = new RekeyError('Throttled', { message: 'too many calls', retryAfter: minute })
    const comesBack = { after: minute, at: now + minute }

    const [resync] = await restOf({ error, again: { ...comesBack, with: 'resync' } })
    const [asked] = await restOf({ error, again: { ...comesBack, with: 'request' } })

    assert.deepEqual([resync?.delay, asked?.delay], [5 * minute, minute])
  })

  test('A request comes later than a revoke that waits for the same moment: a leaked key goes first', async () => {
    const { createdAfter, ...rest } = request
    const revoke = { ...rest, revokeBefore: now }
    const error = new RekeyError('ServiceBusy', { message: 'written a moment ago', retryAfter: minute })
    const comesBack = { after: minute, at: now + minute, with: 'request' } as const

    const waits = [
      await restOf({ error, again: comesBack }, revoke, () => 1),
      await restOf({ error, again: comesBack }, request, () => 0),
      await restOf({ reason: 'settling', again: comesBack }, revoke, () => 1),
      await restOf({ reason: 'settling', again: comesBack }, request, () => 0),
    ]

    const [busyRevoke, busyRotate, settlingRevoke, settlingRotate] = waits.map(([sent]) => sent!.delay)
    assert.deepEqual([busyRevoke, settlingRevoke], [minute, minute])
    assert.ok(busyRotate! >= minute + 15_000 && settlingRotate! >= minute + 15_000)
  })

  test('Nothing is queued when nothing is left to do', async () => {
    assert.deepEqual(await restOf({ status: 'changed' }), [])
  })
})

describe('The period of a tick', () => {
  const timer = (last: number | string, next: number | string): Timer => ({
    isPastDue: false,
    schedule: { adjustForDST: true },
    scheduleStatus: { last: iso(last), next: iso(next), lastUpdated: iso(last) },
  })
  const iso = (at: number | string) => (typeof at === 'string' ? at : new Date(at).toISOString())
  const never = '0001-01-01T00:00:00+00:00'

  test('The period of a tick runs from the tick before, however long ago that was, so that every target has its turn', () => {
    const period = periodOf(timer(now - 180 * minute, now + 10 * minute), now)

    assert.deepEqual(period, { from: now - 180 * minute, to: now, interval: 10 * minute })
  })

  test('The period of a tick has the length of the one before, when the runtime names this tick as the next', () => {
    const period = periodOf(timer(now - 20 * minute, now), now)

    assert.deepEqual(period, { from: now - 20 * minute, to: now, interval: 20 * minute })
  })

  test('A next tick of a few seconds from now is this very tick: the timer fired early', () => {
    assert.equal(periodOf(timer(now - 20 * minute, now + 20_000), now).interval, 20 * minute)
  })

  test('The period of a tick is a quarter of an hour when nothing is known', () => {
    assert.deepEqual(periodOf(timer(never, never), now), { from: now - 15 * minute, to: now, interval: 15 * minute })
    assert.equal(periodOf({} as Timer, now).interval, 15 * minute)
  })

  test('The period of a tick is never shorter than a minute, nor longer than a day', () => {
    assert.equal(periodOf(timer(now - 5000, now + 45_000), now).interval, minute)
    assert.equal(periodOf(timer(never, now + 9000 * minute), now).interval, 1440 * minute)
  })
})

// What an outcome leaves to do, and which period of time a tick stands for.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Timer } from '@azure/functions'
import type { Outcome } from '../../src/engine/outcome.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { queueRest } from '../../src/functions/shared/queue-rest.ts'
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

async function restOf(outcome: Partial<Outcome>, random = () => 0.5, turn = (earliest: number) => earliest) {
  const sent: { request: RotationRequest; delay: number }[] = []
  const queue = { send: async (request: RotationRequest, delay: number) => void sent.push({ request, delay }) }
  await queueRest({ ...waiting, ...outcome }, request, queue, { random, turn })
  return sent
}

describe('What is queued after an outcome', () => {
  const again = { after: 5 * minute, at: now + 5 * minute, with: 'request', between: [4 * minute, 6 * minute] } as const

  test('A request that must wait is queued as the same request, at a moment between the two of its outcome', async () => {
    const delays = await Promise.all([0, 0.5, 1].map(async (die) => await restOf({ again }, () => die)))

    assert.deepEqual(
      delays,
      [4, 5, 6].map((minutes) => [{ request, delay: minutes * minute }]),
    )
  })

  test('A request that is tried again after a lasting failure says which one has been announced', async () => {
    const error = new RekeyError('PermissionDenied', { message: 'the role is missing' })

    const [sent] = await restOf({ error, again })

    assert.deepEqual(sent?.request, { ...request, failedWith: 'PermissionDenied' })
  })

  test('A throttled request comes back at its turn, which is not before the moment that the service names', async () => {
    const turns: number[] = []
    const turn = (earliest: number) => {
      turns.push(earliest)
      return earliest + 7000
    }

    const [sent] = await restOf(
      { again: { after: minute, at: now + minute, with: 'request', inTurn: true } },
      Math.random,
      turn,
    )

    assert.deepEqual([turns, sent?.delay, sent?.request.throttled], [[minute], minute + 7000, 1])
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

// When a target is reconciled again after each way in which a reconcile ends, and with what.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Again, comeBack, type Ending } from '../../src/engine/come-back.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days, hours, minutes, seconds } from '../../src/engine/target.ts'

const now = Date.UTC(2026, 2, 2, 10)
const resync: RotationRequest = { id: 'r1', target: 'vision', actor: 'schedule', expiresAt: now + minutes(9) }
const rotate: RotationRequest = { ...resync, actor: 'ada', createdAfter: now, expiresAt: now + days(9) }
const revoke: RotationRequest = { ...resync, actor: 'ada', revokeBefore: now, expiresAt: now + days(9) }
const waits = (after: number, reason: 'pending' | 'cooling' | 'settling' = 'pending'): Ending => ({
  decision: { kind: 'wait', reason, until: now + after },
  reason,
})
const failed = (code: 'Throttled' | 'ServiceBusy' | 'PermissionDenied', retryAfter?: number): Ending => ({
  error: new RekeyError(code, { message: 'no', ...(retryAfter === undefined ? {} : { retryAfter }) }),
})

function after(ending: Ending, request: RotationRequest): Again {
  const again = comeBack(ending, request, now)
  assert.ok(again, 'nothing is queued')
  return again
}

test('A request that a caller made comes back itself, and anything else as a resync', () => {
  const asked = after(waits(minutes(5)), rotate)
  const scheduled = after(waits(minutes(5)), resync)

  assert.deepEqual([asked.with, asked.after, asked.at], ['request', minutes(5), now + minutes(5)])
  assert.deepEqual([scheduled.with, scheduled.after], ['resync', minutes(5)])
})

test('A reconcile that waits never comes back at once, even for a moment that has passed', () => {
  assert.equal(after(waits(-minutes(1)), rotate).after, seconds(1))
})

test('A resync does not come back after its expiry: the schedule queues the next one by itself', () => {
  assert.equal(comeBack(waits(minutes(10)), resync, now), undefined)
  assert.equal(after(waits(minutes(9)), resync).after, minutes(9))
})

test('A due date that must cool comes back with the schedule; a key that a caller asked for is waited for', () => {
  assert.equal(comeBack(waits(minutes(5), 'cooling'), resync, now), undefined)
  assert.equal(after(waits(hours(30), 'cooling'), rotate).after, hours(30))
})

test('A paused target keeps a request alive, and nothing else', () => {
  const paused: Ending = { decision: { kind: 'blocked', reason: 'paused' } }

  assert.equal(after(paused, rotate).after, minutes(10))
  assert.equal(comeBack(paused, resync, now), undefined)
})

test('A lasting failure ends every request but a revoke, which an operator may still make possible', () => {
  assert.equal(comeBack(failed('PermissionDenied'), rotate, now), undefined)
  assert.equal(after(failed('PermissionDenied'), revoke).after, minutes(10))
})

test('A revoke that is itself wrong or over is not tried again', () => {
  for (const code of ['RequestExpired', 'FromTheFuture', 'NotSupported', 'BadRequest'] as const) {
    assert.equal(comeBack({ error: new RekeyError(code, { message: 'no' }) }, revoke, now), undefined, code)
  }
})

test('Requests that wait for one lease are spread over time', () => {
  const { between, after: planned } = after({ busy: true }, rotate)

  assert.deepEqual([planned, between?.map(Math.round)], [seconds(30), [seconds(20), seconds(40)]])
})

test('A throttled resync is spread over the rest of its life; requests take turns as fast as the limit allows', () => {
  assert.deepEqual(after(failed('Throttled', minutes(1)), resync).between, [minutes(1), minutes(9)])
  for (const request of [rotate, revoke]) {
    const again = after(failed('Throttled', minutes(1)), request)
    assert.deepEqual([again.after, again.between, again.inTurn], [minutes(1), undefined, true])
  }
  assert.equal(after(failed('ServiceBusy', minutes(1)), revoke).inTurn, undefined)
})

test('A request comes later than a revoke that waits for the same moment: a leaked key goes first', () => {
  for (const ending of [failed('ServiceBusy', minutes(1)), waits(minutes(1), 'settling')]) {
    const [earliest, latest] = after(ending, rotate).between!

    assert.equal(after(ending, revoke).between, undefined)
    assert.ok(earliest >= minutes(1) + seconds(15) && latest > earliest)
  }
})

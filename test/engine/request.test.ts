// Requests are desired states; some no clock of ours can have made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RekeyError } from '../../src/engine/rekey-error.ts'
import { checkRequest, isExplicit, type RotationRequest } from '../../src/engine/request.ts'
import { days, minutes } from '../../src/engine/target.ts'

const now = Date.UTC(2026, 0, 1)
const request = (desired: Partial<RotationRequest> = {}): RotationRequest => ({
  id: 'r',
  target: 'vision',
  actor: 'anna',
  expiresAt: now + days(1),
  ...desired,
})
const move = { slot: 'B', from: 'v1' }

test('A request that asks for a state of the keys is explicit, and is kept alive while it waits', () => {
  assert.ok(isExplicit(request({ createdAfter: 0 })))
  assert.ok(isExplicit(request({ promote: move })))
  assert.ok(isExplicit(request({ swap: move })))
  assert.ok(isExplicit(request({ revokeBefore: 0 })))
})

test('A comparison that a caller asks for is explicit, and one that an event asks for is not', () => {
  assert.ok(isExplicit(request({ comparedAfter: 0 })))
  assert.equal(isExplicit(request({ comparedAfter: 0, byEvent: true })), false)
})

test('A resync is not explicit, whatever else it says', () => {
  assert.equal(isExplicit(request({ force: true, atOnce: true, ignoreWindow: true, note: 'please' })), false)
})

for (const field of ['createdAfter', 'revokeBefore'] as const) {
  test(`A ${field} may be ahead of our clock by the clock bound, and not by more`, () => {
    checkRequest(request({ [field]: now + minutes(1) }), now)

    assert.throws(() => checkRequest(request({ [field]: now + minutes(1) + 1 }), now), {
      code: 'FromTheFuture',
      message: 'the request asks for a key created after 2026-01-01T00:01:00.001Z, which is still to come',
    })
  })
}

test('A request lives until its moment, and not longer', () => {
  checkRequest(request({ expiresAt: now }), now)

  assert.throws(() => checkRequest(request({ expiresAt: now - 1 }), now), {
    code: 'RequestExpired',
    message: 'the request expired at 2025-12-31T23:59:59.999Z',
  })
})

test('A refused request names the target, says what to do, and is not tried again', () => {
  assert.throws(
    () => checkRequest(request({ expiresAt: 0 }), now),
    (error: RekeyError) => {
      assert.equal(error.details.target, 'vision')
      assert.ok(error.details.remedy)
      assert.equal(error.transient, false)
      return true
    },
  )
})

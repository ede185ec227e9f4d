// When a window is open, and when it opens next.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { days, hours, minutes, type Window } from '../../src/engine/target.ts'
import { firstOpen, inWindow, nextOpening } from '../../src/engine/window.ts'

const everyDay = [0, 1, 2, 3, 4, 5, 6]
const zones = [
  'UTC',
  'Europe/Zurich',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
]

function window(fields: Partial<Window> = {}): Window {
  return { days: everyDay, start: 120, length: hours(4), timeZone: 'Europe/Zurich', ...fields }
}

const at = (text: string) => Date.parse(text)

test('A window is open from its local start, included, for its length, excluded', () => {
  assert.equal(inWindow(window(), at('2026-07-01T00:00:00Z') - 1), false)
  assert.equal(inWindow(window(), at('2026-07-01T00:00:00Z')), true)
  assert.equal(inWindow(window(), at('2026-07-01T04:00:00Z') - 1), true)
  assert.equal(inWindow(window(), at('2026-07-01T04:00:00Z')), false)
})

test('A window follows the local clock through the year', () => {
  assert.equal(nextOpening(window(), at('2026-01-10T12:00:00Z')), at('2026-01-11T01:00:00Z'))
  assert.equal(nextOpening(window(), at('2026-07-10T12:00:00Z')), at('2026-07-11T00:00:00Z'))
})

test('A window over midnight belongs to the day on which it opens', () => {
  const night = window({ days: [6], start: 22 * 60, length: hours(6), timeZone: 'UTC' })

  assert.equal(inWindow(night, at('2026-03-07T23:00:00Z')), true)
  assert.equal(inWindow(night, at('2026-03-08T03:59:00Z')), true)
  assert.equal(inWindow(night, at('2026-03-08T04:00:00Z')), false)
  assert.equal(inWindow(night, at('2026-03-08T22:30:00Z')), false)
  assert.equal(inWindow(night, at('2026-03-07T03:00:00Z')), false)
})

test('A window of several days stays open across them', () => {
  const weekend = window({ days: [6], start: 0, length: days(2), timeZone: 'UTC' })

  assert.equal(inWindow(weekend, at('2026-03-08T23:59:00Z')), true)
  assert.equal(inWindow(weekend, at('2026-03-09T00:00:00Z')), false)
})

test('A start that the clocks jump over opens the window right after the jump', () => {
  // Zurich, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
  const half = window({ start: 150, length: hours(1) })

  assert.equal(nextOpening(half, at('2026-03-28T12:00:00Z')), at('2026-03-29T01:30:00Z'))
  assert.equal(inWindow(half, at('2026-03-29T02:29:00Z')), true)
  assert.equal(inWindow(half, at('2026-03-29T02:30:00Z')), false)
})

test('A start that comes twice opens the window the first time only', () => {
  // Zurich, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
  const half = window({ start: 150, length: hours(2) })

  assert.equal(nextOpening(half, at('2026-10-24T12:00:00Z')), at('2026-10-25T00:30:00Z'))
  assert.equal(nextOpening(half, at('2026-10-25T00:30:00Z')), at('2026-10-26T01:30:00Z'))
  assert.equal(inWindow(half, at('2026-10-25T02:29:00Z')), true)
  assert.equal(inWindow(half, at('2026-10-25T02:30:00Z')), false)
})

test('Where clocks go forward at midnight, a window that opens at midnight opens at one', () => {
  // Beirut, 29 March 2026: 00:00 becomes 01:00.
  const midnight = window({ start: 0, length: hours(1), timeZone: 'Asia/Beirut' })

  assert.equal(nextOpening(midnight, at('2026-03-28T12:00:00Z')), at('2026-03-28T22:00:00Z'))
})

const anyWindow = fc.record({
  days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
  start: fc.integer({ min: 0, max: 1439 }),
  length: fc.integer({ min: 30, max: 7 * 1440 }).map(minutes),
  timeZone: fc.constantFrom(...zones),
})
const anyMoment = fc.integer({ min: at('2024-01-01T00:00:00Z'), max: at('2032-01-01T00:00:00Z') })

test('The next opening is the first moment after now at which a window opens', () => {
  fc.assert(
    fc.property(anyWindow, anyMoment, (any, now) => {
      const opening = nextOpening(any, now)

      assert.ok(opening > now && opening - now <= days(7) + hours(2))
      assert.ok(inWindow(any, opening) && inWindow(any, opening + any.length - 1))
      if (!inWindow(any, now)) {
        for (let part = 1; part <= 8; part++) {
          assert.ok(!inWindow(any, now + Math.floor(((opening - 1 - now) * part) / 8)))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('The first open moment is now when the window is open or there is none, else the next opening', () => {
  const now = at('2026-07-01T03:00:00Z')

  assert.equal(firstOpen(undefined, now), now)
  assert.equal(firstOpen(window(), now), now)
  assert.equal(firstOpen(window(), now + hours(2)), at('2026-07-02T00:00:00Z'))
})

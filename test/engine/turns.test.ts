// Throttled requests come back in turns, so that together they ask for no more than their service's limit.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTurns } from '../../src/engine/turns.ts'

test('Turns of one line follow one another without a gap, none before its earliest moment, and other lines do not wait for them', () => {
  const turns = createTurns()

  const first = [1, 2, 3].map(() => turns.next('a', 400, 10_000))
  const other = turns.next('b', 400, 10_000)
  const later = turns.next('a', 400, 60_000)

  assert.deepEqual(first, [10_000, 10_400, 10_800])
  assert.deepEqual([other, later], [10_000, 60_000])
})

test('However requests come, no two turns of a line overlap, and the last is no later than all of them need', () => {
  const asks = fc.array(fc.record({ length: fc.integer({ min: 1, max: 5000 }), earliest: fc.nat(60_000) }), {
    minLength: 1,
    maxLength: 200,
  })
  fc.assert(
    fc.property(asks, (all) => {
      const turns = createTurns()
      let [end, latest, needed] = [0, 0, 0]
      for (const { length, earliest } of all) {
        const at = turns.next('line', length, earliest)
        assert.ok(at >= earliest && at >= end)
        latest = Math.max(latest, earliest)
        needed += length
        end = at + length
      }
      assert.ok(end <= latest + needed)
    }),
  )
})

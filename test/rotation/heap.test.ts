// Room: tests of the core's heap.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { heap } from '../../src/rotation/heap.ts'

test('whatever is added and taken in between, the first is always the least of those that are there', () => {
  const acts = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant('take' as const)), { maxLength: 200 })
  fc.assert(
    fc.property(acts, (all) => {
      const made = heap<number>((a, b) => a - b)
      let sorted: number[] = []
      for (const act of all) {
        if (act === 'take') {
          assert.equal(made.take(), sorted[0])
          sorted = sorted.slice(1)
        } else {
          made.add(act)
          sorted = [...sorted, act].sort((a, b) => a - b)
        }
        assert.equal(made.first(), sorted[0])
      }
    }),
  )
})

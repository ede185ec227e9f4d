// Work that runs at the same time, and what happens when one piece fails.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { atMost } from '../../src/functions/shared/at-most.ts'

test('Results come in the order of the items, and never more than the limit run at once', async () => {
  let [running, most] = [0, 0]

  const results = await atMost(3, [5, 1, 4, 2, 3], async (n) => {
    running += 1
    most = Math.max(most, running)
    for (let wait = 0; wait < n; wait++) await turn()
    running -= 1
    return n * 10
  })

  assert.deepEqual(results, [50, 10, 40, 20, 30])
  assert.equal(most, 3)
})

test('After a failure nothing new begins, and what is running ends before the failure is thrown', async () => {
  const [begun, ended]: [number[], number[]] = [[], []]

  const all = atMost(3, [1, 2, 3, 4, 5, 6], async (n) => {
    begun.push(n)
    if (n === 2) throw new Error('the second')
    for (let wait = 0; wait < 5; wait++) await turn()
    ended.push(n)
  })

  await assert.rejects(all, { message: 'the second' })
  assert.deepEqual(
    [begun, ended],
    [
      [1, 2, 3],
      [1, 3],
    ],
  )
})

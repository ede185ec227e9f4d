// Modules are loaded with the first call that needs them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lazily } from '../../src/azure/lazily.ts'

function counting(failures: number) {
  let loads = 0
  const get = lazily(async () => {
    loads += 1
    if (loads <= failures) throw new Error(`load ${loads} failed`)
    return `load ${loads}`
  })
  return { get, loads: () => loads }
}

test('A module that was loaded is kept, also for callers that ask while it loads', async () => {
  const { get, loads } = counting(0)

  const given = [...(await Promise.all([get(), get()])), await get()]

  assert.deepEqual(given, ['load 1', 'load 1', 'load 1'])
  assert.equal(loads(), 1)
})

test('A failed load is thrown to every caller that waited for it, and tried again by the next', async () => {
  const { get, loads } = counting(1)

  const together = await Promise.allSettled([get(), get()])
  const next = await get()

  assert.deepEqual(
    together.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(next, 'load 2')
  assert.equal(loads(), 2)
})

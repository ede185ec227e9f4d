// What may be noted in the metadata of a lease's blob.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryOf, type LeaseEntries, mergeEntries } from '../../src/engine/lease-metadata.ts'

test('The entry about a target is an identifier that no other target has', () => {
  const names = ['hub-service', 'Hub2', 'hubservice', 'hub-service-2', '7-hubs']

  const entries = names.map((name) => entryOf('compared', { name }))

  assert.deepEqual(entries, [
    'compared_hub_service',
    'compared_hub2',
    'compared_hubservice',
    'compared_hub_service_2',
    'compared_7_hubs',
  ])
})

test('Entries that are not changed stay', () => {
  const before = { credential: 'a', since: 'b', compared_x: 'c' }

  assert.deepEqual(mergeEntries(before, { compared_x: 'd', hub: 'e' }), { ...before, compared_x: 'd', hub: 'e' })
})

test('A name or a value that Azure would refuse, or change on the way, is refused before', () => {
  for (const entry of [
    { 'a-b': 'x' },
    { Upper: 'x' },
    { '7up': 'x' },
    { a: '' },
    { a: 'ü' },
    { a: 'x\r\ny' },
  ] as LeaseEntries[]) {
    assert.throws(() => mergeEntries({}, entry), { code: 'Internal' }, JSON.stringify(entry))
  }
})

test('Beyond what Azure takes, the oldest entries about single targets are left out, and no other', () => {
  const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString()
  const hundreds = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`compared_policy_${n}`, at(n)]))

  const merged = mergeEntries(
    { credential: 'c', since: at(0), ...hundreds },
    { compared_policy_0: at(1000), hub: at(0) },
  )

  const bytes = Object.entries(merged).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  assert.ok(bytes <= 8192)
  assert.deepEqual(
    ['credential', 'since', 'hub', 'compared_policy_0', 'compared_policy_299', 'compared_policy_1'].map(
      (name) => name in merged,
    ),
    [true, true, true, true, true, false],
  )
})

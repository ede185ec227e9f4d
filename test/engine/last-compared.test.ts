// When a target was last compared with its service, as the metadata of its lease says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparedAt, isCompared, sinceOf } from '../../src/engine/lease-metadata.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { hours, minutes } from '../../src/engine/target.ts'
import { rotatedStand } from './stand.ts'

test('Entries that are missing or cannot be read say nothing about when a target was compared', () => {
  const target = { name: 'vision-1' }
  const at = Date.UTC(2026, 10, 21, 10)
  const iso = new Date(at).toISOString()

  assert.equal(comparedAt(target, { compared_vision_1: iso, compared_other: '2030-01-01T00:00:00Z' }), at)
  for (const entries of [undefined, {}, { compared_vision_1: 'yesterday' }, { compared_vision: iso }]) {
    assert.equal(comparedAt(target, entries), undefined)
  }
  assert.deepEqual([sinceOf({ since: iso }), sinceOf({}), sinceOf(undefined)], [at, undefined, undefined])
})

test('Stopping where drift may be left is no comparison, and stopping for anything else is one', () => {
  for (const reason of ['adopted', 'paused', 'settling', 'interrupted', 'drifted'] as const) {
    assert.equal(isCompared(reason), false, reason)
  }
  for (const reason of [undefined, 'unmanaged', 'pending', 'requested', 'cooling', 'due', 'unannounced'] as const) {
    assert.equal(isCompared(reason), true, reason)
  }
})

test('A reconcile that must wait for the listing notes no comparison, and the next one that need not does', async () => {
  const at = await rotatedStand()
  const noted = async () => comparedAt(at.target, await at.leaseEntries())
  at.staleBy(minutes(4))
  await at.reconcile({ createdAfter: at.now(), force: true })
  const afterRotation = await noted()
  await at.wait(minutes(1))
  const { reason } = (await at.reconcile()) as Outcome
  const whileSettling = await noted()
  await at.wait(minutes(10))
  await at.reconcile()

  assert.equal(reason, 'settling')
  assert.ok(afterRotation !== undefined)
  assert.equal(whileSettling, afterRotation)
  assert.equal(await noted(), at.now())
})

test('A reconcile that fails before it has compared, or while it repairs, notes nothing', async () => {
  const at = await rotatedStand()
  const noted = async () => comparedAt(at.target, await at.leaseEntries())
  const before = await noted()
  await at.wait(hours(1))
  at.fault({ on: 'read', what: 'refused' })
  await at.reconcile()
  const unread = await noted()
  at.service.regenerate(at.vault.current('lead')!.slot!)
  at.fault({ on: 'put', what: 'refused' })
  await at.reconcile()

  assert.deepEqual([unread, await noted()], [before, before])
})

test('A request for a repair repairs drift and regenerates nothing', async () => {
  const at = await rotatedStand()
  at.service.regenerate(at.vault.current('lead')!.slot!)
  await at.wait(hours(1))

  const { status } = (await at.reconcile({ comparedAfter: at.now() })) as Outcome

  assert.deepEqual([status, at.works(), at.regenerated.length], ['changed', true, 1])
})

// Slots in order, round the ring.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type KeyRing, nextSlot, slotsChanged, slotsHolding, slotsOf } from '../../src/engine/key-ring.ts'
import { Secret } from '../../src/engine/secret.ts'

const credential = (key: string) => ({ key: Secret.of(key), workspaceId: Secret.of('workspace') })
const ring: KeyRing = { primary: credential('p'), secondary: credential('s') }
const keysOf = (of: KeyRing) => slotsOf(of).map((slot) => [slot, of[slot]!['key']!.reveal()])

test('The slot after the last one is the first', () => {
  assert.equal(nextSlot(ring, 'primary'), 'secondary')
  assert.equal(nextSlot(ring, 'secondary'), 'primary')
})

test('A ring of one comes back to itself', () => {
  assert.equal(nextSlot({ key: credential('k') }, 'key'), 'key')
})

test('The slots that hold a value are found by output: several where it is the same for all', () => {
  assert.deepEqual(slotsHolding(ring, 'key', Secret.of('s')), ['secondary'])
  assert.deepEqual(slotsHolding(ring, 'key', Secret.of('x')), [])
  assert.deepEqual(slotsHolding(ring, 'workspaceId', Secret.of('workspace')), ['primary', 'secondary'])
  assert.deepEqual(slotsHolding(ring, 'connectionString', Secret.of('s')), [])
})

test('An answer of one slot is folded in, and the order stays', () => {
  const folded = fold(ring, { secondary: credential('new') })

  assert.deepEqual(keysOf(folded), [
    ['primary', 'p'],
    ['secondary', 'new'],
  ])
})

test('An answer in another order, or with a slot that is not ours, changes neither order nor slots', () => {
  const folded = fold(ring, { tertiary: credential('t'), secondary: credential('2'), primary: credential('1') })

  assert.deepEqual(keysOf(folded), [
    ['primary', '1'],
    ['secondary', '2'],
  ])
})

test('Folding leaves the ring as it was', () => {
  fold(ring, { primary: credential('new') })

  assert.deepEqual(keysOf(ring), [
    ['primary', 'p'],
    ['secondary', 's'],
  ])
})

test('A slot has changed when its key has, or when it is gone', () => {
  assert.deepEqual(slotsChanged(ring, fold(ring, {})), [])
  assert.deepEqual(slotsChanged(ring, fold(ring, { primary: credential('new') })), ['primary'])
  assert.deepEqual(slotsChanged(ring, { primary: ring['primary']! }), ['secondary'])
})

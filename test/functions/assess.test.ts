// What the tags of a target's secrets say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { days, hours, type Target } from '../../src/engine/target.ts'
import { assess, type Listed } from '../../src/functions/shared/assess.ts'
import { rotatedStand } from '../engine/stand.ts'

interface Published {
  readonly target: Target
  readonly now: number
  /** The target's secrets, lead first, with other fields where a test says so. */
  secrets(...changes: readonly (object | undefined)[]): readonly Listed[]
}

async function published(fields: Partial<Target> = {}): Promise<Published> {
  const at = await rotatedStand({ outputs: 2, target: fields })
  const stored = at.target.secrets.map(({ name }) => at.vault.current(name)!)
  return {
    target: at.target,
    now: at.now(),
    secrets: (...changes) => stored.map((secret, index) => ({ ...secret, ...changes[index] })),
  }
}

const window = { days: [6], start: 120, length: hours(4), timeZone: 'UTC' }

test('An expired target is assessed as expired, whatever else is unfinished: its window must not count', async () => {
  const { target, now, secrets } = await published()
  const [lead] = secrets()
  const unfinished = { stamps: { ...lead!.stamps, pending: { state: 'requested', since: now } } }

  assert.equal(assess(target, secrets(unfinished), now).state, 'unfinished')
  assert.equal(assess(target, secrets({ ...unfinished, expiresOn: now }), now).state, 'expired')
})

test('A target is unfinished while an output is in another slot than the lead, or newer and not announced', async () => {
  const { target, now, secrets } = await published()
  const [lead, connection] = secrets()
  const stateWith = (change: object) => assess(target, secrets({}, change), now).state
  const newer = lead!.created + 1000
  const unannounced = { ...connection!.stamps, announced: false }

  assert.equal(stateWith({}), 'current')
  const other = lead!.slot === 'A' ? 'B' : 'A'
  assert.equal(stateWith({ slot: other, created: newer }), 'unfinished')
  assert.equal(stateWith({ slot: other, created: lead!.created - 1 }), 'current', 'a hint that was never corrected')
  assert.equal(stateWith({ created: newer, stamps: unannounced }), 'unfinished')
  assert.equal(stateWith({ created: newer, stamps: { ...unannounced, announced: true } }), 'current')
  assert.equal(stateWith({ stamps: unannounced }), 'current', 'announced with the lead')
})

test('A key is retired a full overlap after the newest output was written, as in the engine', async () => {
  const { target, now, secrets } = await published({ retireAfter: days(2) })
  const [lead] = secrets()
  const repaired = { created: lead!.created + days(2), stamps: { ...lead!.stamps, announced: true } }

  assert.equal(assess(target, secrets(), now).state, 'unfinished')
  assert.equal(assess(target, secrets({}, repaired), now).state, 'current')
})

test('A second secret that is about to expire makes the target due, and one that has expired ignores the window', async () => {
  const { target, now, secrets } = await published({ window })
  const dueAt = (expiresOn: number) => assess(target, secrets({}, { expiresOn }), now).dueAt!

  assert.equal(assess(target, secrets(), now).state, 'current')
  assert.equal(assess(target, secrets({}, { expiresOn: now + days(1) }), now).state, 'closed')
  assert.ok(dueAt(now + days(1)) < now)
  assert.equal(assess(target, secrets({}, { expiresOn: now }), now).state, 'expired')
})

test('A target is paused by any secret that an operator disabled, and overdue all the same when its time has passed', async () => {
  const { target, now, secrets } = await published()
  const disabled = { enabled: false }

  for (const changes of [[disabled], [{}, disabled]]) {
    const early = assess(target, secrets(...changes), now)
    const late = assess(target, secrets(...changes), now + days(200))

    assert.deepEqual([early.state, early.overdue], ['paused', false])
    assert.deepEqual([late.state, late.overdue], ['paused', true])
  }
})

test('A secret without our tag is distinguished from one tagged for another target, and from one that does not exist', async () => {
  const { target, now, secrets } = await published()
  const [lead] = secrets()
  const untagged = { stamps: undefined }
  const states: [object, string][] = [
    [untagged, 'untagged'],
    [{ ...untagged, address: target.address.toUpperCase() }, 'untagged'],
    [{ ...untagged, address: 'somewhere else' }, 'unmanaged'],
    [{ stamps: { ...lead!.stamps, target: 'another' } }, 'unmanaged'],
  ]

  for (const [changes, state] of states) {
    assert.equal(assess(target, secrets(changes), now).state, state)
    assert.equal(assess(target, secrets({}, changes), now).state, state)
    assert.equal(assess({ ...target, adopt: true }, secrets(changes), now).state, 'new')
  }
  assert.equal(assess(target, [undefined, undefined], now).state, 'new')
})

// A resource that reports a change under way: until it is over, nothing is settled and nothing is sent again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockBound, seconds, settle } from '../../src/engine/target.ts'
import { hours, minutes, outcomeOf, rotatedStand, type Stand } from './stand.ts'

/** A regenerate was sent, its answer was lost, and the resource says that it is still under way. */
async function begun(what: 'lost' | 'dropped') {
  const at = await rotatedStand({ operation: hours(4) })
  const desired = { createdAfter: at.now(), id: 'one' }
  at.operationIs('under way')
  at.fault({ on: 'regenerate', what })
  const outcome = await outcomeOf(at, desired)
  return { at, desired, outcome, sent: at.effects.filter((effect) => effect === 'regenerate').length }
}

function sentBy(at: Stand): number {
  return at.effects.filter((effect) => effect === 'regenerate').length
}

test('A regenerate that is still under way is waited for, less and less often, and not sent again', async () => {
  const { at, desired, sent } = await begun('dropped')
  const delays: number[] = []
  await at.wait(minutes(5))

  for (let wait = 0; wait < 7; wait++) {
    const { again, reason } = await outcomeOf(at, desired)
    assert.equal(reason, 'settling')
    delays.push(Math.round(again!.after / minutes(1)))
    await at.wait(again!.after)
  }

  assert.equal(sentBy(at), sent)
  assert.deepEqual(delays, [1, 1, 2, 4, 8, 15, 15])
})

test('A changed key in the listing settles nothing while the change is under way', async () => {
  const { outcome } = await begun('lost')

  assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'OutcomeUnknown'])
})

test('When the change is over, the request goes on', async () => {
  const { at, desired, sent } = await begun('dropped')
  await at.wait(hours(2))
  at.operationIs('over')

  const outcome = await outcomeOf(at, desired)

  assert.deepEqual([outcome.status, outcome.reason, sentBy(at)], ['changed', 'requested', sent + 1])
})

test('A change that is reported for longer than one may take is not waited for', async () => {
  const { at, desired, sent } = await begun('dropped')
  await at.wait(hours(4) - minutes(2))
  const early = await outcomeOf(at, desired)
  await at.wait(minutes(2))

  const outcome = await outcomeOf(at, desired)

  assert.deepEqual([early.reason, early.again!.after <= minutes(2)], ['settling', true])
  assert.deepEqual([outcome.reason, sentBy(at)], ['requested', sent + 1])
})

test('A key whose regenerate took long waits until listings from its end must show it, not from when it was sent', async () => {
  const at = await rotatedStand()
  const asked = at.now()
  at.slowBy(hours(1))
  at.fault({ on: 'regenerate', what: 'paused', meanwhile: () => at.wait(seconds(40)) })

  const { status, again } = await outcomeOf(at, { createdAfter: asked, force: true })

  assert.equal(status, 'waiting')
  assert.ok(again!.at >= asked + seconds(40) + settle + clockBound, `${(again!.at - asked) / 1000} s`)
})

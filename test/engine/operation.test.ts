// A resource that reports a change under way: until it is over, nothing is settled and nothing is sent again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockBound, days, seconds, settle } from '../../src/engine/target.ts'
import { hours, minutes, outcomeOf, rotatedStand, type Stand, type StandOptions } from './stand.ts'

/** A regenerate was sent, its answer was lost, and the resource says that it is still under way. */
async function begun(what: 'lost' | 'dropped', options: StandOptions = {}) {
  const at = await rotatedStand({ operation: hours(4), ...options })
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

/** A regenerate was sent, the worker died or stopped waiting, and its change is over after three hours. */
async function endedUnseen(
  what: 'lost' | 'crash after',
  desired: Parameters<Stand['reconcile']>[0],
  stand: StandOptions = {},
) {
  const at = await rotatedStand({ operation: hours(24), says: 'created', ...stand })
  await at.wait(days(8))
  at.operationIs('under way')
  at.fault({ on: 'regenerate', what })
  const request = desired?.createdAfter === undefined ? desired : { ...desired, createdAfter: at.now() }
  await at.reconcile(request)
  await at.wait(hours(3))
  at.operationIs('over')
  return { at, request, key: at.service.keys(), announced: at.events.length }
}

for (const what of ['lost', 'crash after'] as const) {
  test(`A regenerate that was over unseen (${what}) is not sent again: its key is published, once every listing must show it`, async () => {
    const { at, request } = await endedUnseen(what, { createdAfter: 0 })
    const sent = sentBy(at)

    const first = await outcomeOf(at, request)
    const puts = at.effects.filter((effect) => effect === 'put').length
    await at.wait(first.again!.after)
    const second = await outcomeOf(at, request)

    assert.deepEqual([first.status, first.again!.after], ['waiting', settle + clockBound])
    assert.deepEqual([second.status, second.reason], ['changed', 'pending'])
    assert.deepEqual([sentBy(at), at.effects.filter((effect) => effect === 'put').length - puts], [sent, 1])
    assert.equal(at.works(), true)
    assert.equal((await outcomeOf(at, request)).status, 'current')
  })
}

test('A key that is older than the record of its request is not taken for the new one', async () => {
  const { at, desired, sent } = await begun('dropped', { says: 'created' })
  await at.wait(hours(2))
  at.operationIs('over')

  const outcome = await outcomeOf(at, desired)

  assert.deepEqual([outcome.reason, sentBy(at)], ['requested', sent + 1])
})

test('A retired key whose regenerate was over unseen is announced, and not published', async () => {
  const { at, announced } = await endedUnseen('crash after', {}, { target: { retireAfter: days(7) } })
  const [sent, lead] = [sentBy(at), at.leadKey()]

  const outcome = await outcomeOf(at)
  const after = await outcomeOf(at)

  assert.deepEqual([outcome.reason, after.status], ['interrupted', 'current'])
  assert.deepEqual([sentBy(at), at.leadKey(), at.events.length], [sent, lead, announced + 1])
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

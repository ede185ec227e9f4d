// A fleet of nine hundred, all due at once: the schedule paces it, nothing is lost, nothing is done twice. Real functions and
// real SDK clients over the simulated Azure, on a clock that jumps from message to message.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededDice } from '../simulator/dice.ts'
import { serverError, throttle } from '../simulator/faults.ts'
import { armAllowance } from '../src/providers/wire/arm-id.ts'
import { providerById } from './providers/all-providers.ts'
import { type LargeFleet, largeFleet, topicHost, usualProvider } from './scale/scale-fleet.ts'

const interval = 5 * 60_000
/** ARM's limit on writes, per subscription: so many at once, then so many a second. Reads are counted here too. */
const bucket = { capacity: 200, perSecond: 10 }
const { writes } = providerById(usualProvider)!

function rotations({ cloud }: LargeFleet): readonly string[] {
  const done = cloud.history.filter(({ operation, effect }) => effect && operation.endsWith('/regenerateKey'))
  return done.map(({ path }) => path.split('/').at(-2)!)
}

function refusals({ cloud }: LargeFleet): number {
  return cloud.history.filter(({ status }) => status === 429).length
}

/** What is least left in the bucket, were the fleet's calls the only ones. */
function leastLeft({ cloud }: LargeFleet): number {
  const calls = cloud.history.filter(({ host }) => host === 'management.azure.com')
  let [level, least, at] = [bucket.capacity, bucket.capacity, 0]
  for (const call of calls) {
    level = Math.min(bucket.capacity, level + ((call.at - at) / 1000) * bucket.perSecond) - 1
    least = Math.min(least, level)
    at = call.at
  }
  return least
}

function failuresTold({ cloud }: LargeFleet): readonly unknown[] {
  return cloud.topic(topicHost).events.filter(({ type }) => type === 'Rekey.RotationFailed')
}

function assertEachRotatedOnce(fleet: LargeFleet): void {
  assert.deepEqual([...rotations(fleet)].sort(), fleet.members.map(({ name }) => name).sort())
  for (const { name, vault, account } of fleet.members) {
    const stored = fleet.cloud.vault(vault)
    assert.equal(stored.versions(`${name}-key`).length, 2, name)
    assert.ok(account.accepts(stored.read(`${name}-key`)!), name)
  }
}

test('Nine hundred targets due at once are rotated once each, in as many ticks as ARM’s budget asks for, and never throttled', async () => {
  const fleet = largeFleet({ targets: 900, vaults: 4, age: 60 })
  fleet.cloud.faults.add(throttle({ ...bucket, operation: usualProvider }))
  const { perSecond } = armAllowance
  // As many as the time until the next tick pays for.
  const eachTick = Math.floor((interval / 1000) * (perSecond / writes))
  const queued: number[] = []

  while (rotations(fleet).length < fleet.members.length && queued.length < 10) {
    await fleet.tick(interval)
    queued.push(fleet.counts()['queued']!)
    await fleet.drain(fleet.cloud.clock.now() + interval)
  }

  assert.equal(queued.length, Math.ceil(fleet.members.length / eachTick))
  assert.deepEqual(queued.slice(0, -1), Array(queued.length - 1).fill(eachTick))
  assertEachRotatedOnce(fleet)
  assert.equal(refusals(fleet), 0)
  assert.ok(leastLeft(fleet) > bucket.capacity / 2, `${leastLeft(fleet)} of ${bucket.capacity} left`)
  assert.equal(fleet.depth(), 0)
  fleet.close()
})

for (const budget of [
  { capacity: 40, perSecond: 4 },
  { capacity: 6, perSecond: 1 },
]) {
  test(`Where other clients have used the budget up, down to ${budget.perSecond} a second, no target is lost and none is rotated twice`, async (t) => {
    t.mock.method(Math, 'random', seededDice(1).next)
    const fleet = largeFleet({ targets: 120, vaults: 2, age: 60 })
    fleet.cloud.faults.add(throttle({ ...budget, operation: usualProvider }))

    for (let ticks = 0; ticks < 4; ticks++) {
      await fleet.tick(3 * interval)
      await fleet.drain(fleet.cloud.clock.now() + 3 * interval)
    }

    assert.ok(refusals(fleet) > 0)
    assertEachRotatedOnce(fleet)
    assert.equal(fleet.depth(), 0)
    assert.deepEqual(failuresTold(fleet), [])
    fleet.close()
  })
}

test('while a service is down for hours, each target that is due has one message, not one more with every tick', async () => {
  const fleet = largeFleet({ targets: 5, vaults: 1, age: 60 })
  fleet.cloud.faults.add(serverError({ operation: usualProvider, when: 'before', status: 503 }))
  const handled: number[] = []

  for (let ticks = 0; ticks < 8; ticks++) {
    await fleet.tick(3 * interval)
    handled.push(await fleet.drain(fleet.cloud.clock.now() + 3 * interval))
  }
  fleet.cloud.faults.clear()
  await fleet.tick(3 * interval)
  await fleet.drain(fleet.cloud.clock.now() + 3 * interval)

  assert.ok(Math.max(...handled) <= handled[0]!, `as many messages in every tick as in the first: ${handled}`)
  assertEachRotatedOnce(fleet)
  assert.deepEqual(failuresTold(fleet), [])
  fleet.close()
})

test('A hundred subscriptions with everything due at once are all queued by one tick, whose requests workers queue in parts', async () => {
  const fleet = largeFleet({ targets: 600, vaults: 4, age: 60, subscriptions: 100 })

  await fleet.tick(interval)
  const parts = fleet.depth()
  await fleet.drain(fleet.cloud.clock.now() + interval)

  assert.deepEqual([fleet.counts()['queued'], parts], [600, 2])
  assertEachRotatedOnce(fleet)
  fleet.close()
})

test('A part of a tick that is handled after the next tick is dropped', async () => {
  const fleet = largeFleet({ targets: 600, vaults: 1, age: 60, subscriptions: 100 })
  await fleet.tick(interval)
  fleet.cloud.clock.advance(interval + 1)

  await fleet.drain(fleet.cloud.clock.now())

  assert.deepEqual([fleet.depth(), rotations(fleet)], [0, []])
  fleet.close()
})

test('A tick reads each vault in pages of 25 and no secret singly, and so does the next tick', async () => {
  const fleet = largeFleet({ targets: 2000, vaults: 2, age: 10 })
  const calls = async () => {
    const before = fleet.azure.sent.length
    await fleet.tick(interval)
    return fleet.azure.sent.slice(before).filter(({ url }) => url.host.endsWith('.vault.azure.net')).length
  }

  const [first, second] = [await calls(), await calls()]

  const pages = 2000 / 25
  // A client's first call to a vault is challenged.
  assert.deepEqual([first, second], [pages + 2, pages])
  fleet.close()
})

test('A vault full of unmanaged secrets costs no more than its targets: listing stops when pages cost more than they do', async () => {
  const fleet = largeFleet({ targets: 24, vaults: 2, age: 10, others: 1500 })

  await fleet.tick(interval)

  const asked = fleet.azure.sent.filter(({ url }) => url.host.endsWith('.vault.azure.net'))
  const pages = asked.filter(({ url }) => /^\/secrets\/?$/.test(url.pathname)).length
  // Twelve targets in each vault: twelve pages without one of them, then each of them singly. One challenge each.
  assert.deepEqual([pages, asked.length - pages], [2 * 12 + 2, 24])
  assert.equal(fleet.counts()['seen'], 24)
  fleet.close()
})

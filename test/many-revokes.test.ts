// The revokes of many targets at once, by the app's real functions over the simulated Azure, on a clock that jumps from message to message: at
// the whole limit of the service, in order, and through whatever stops a worker.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpRequest, InvocationContext } from '@azure/functions'
import { type Dice, seededDice } from '../simulator/dice.ts'
import { type Fault, throttle } from '../simulator/faults.ts'
import type { App, Compose } from '../src/compose.ts'
import { RekeyError } from '../src/engine/rekey-error.ts'
import { answer, type Handler } from '../src/functions/http/answer-request.ts'
import { startRevocations } from '../src/functions/http/commands/start-revocations.ts'
import { showOperation } from '../src/functions/http/status/show-operation.ts'
import { rotateMessage } from '../src/functions/queue/rotate-message.ts'
import { armAllowance } from '../src/providers/wire/arm-id.ts'
import { type LargeFleet, largeFleet, usualProvider } from './scale/scale-fleet.ts'

const minute = 60_000
const context = () => new InvocationContext({ logHandler: () => undefined })
/** What a revoke of two slots sends that counts against ARM's limit on writes: it lists the keys, and regenerates each. */
const writes = 3

async function call(fleet: LargeFleet, handler: Handler, options: { readonly body?: object; readonly id?: string }) {
  const { body, id } = options
  const request = new HttpRequest({
    method: body === undefined ? 'GET' : 'POST',
    url: 'http://127.0.0.1/api/revocations',
    headers: { 'content-type': 'application/json' },
    ...(id === undefined ? {} : { params: { id } }),
    ...(body === undefined ? {} : { body: { string: JSON.stringify(body) } }),
  })
  const { status, body: text } = await answer(handler, request, context(), fleet.compose)
  return { status, body: JSON.parse(String(text)) }
}

const revoke = (fleet: LargeFleet, names: readonly string[]) =>
  call(fleet, startRevocations, { body: { targets: names, note: 'the vault leaked', count: names.length } })

/** The throttling of the service's writes, as its limit has it. */
function limitOfWrites(options: Parameters<typeof throttle>[0]): Fault {
  const fault = throttle({ ...options, operation: usualProvider })
  return {
    ...fault,
    install(dice, clock) {
      const { before } = fault.install(dice, clock)
      return { before: (each) => (each.method === 'GET' ? undefined : before?.(each)) }
    },
  }
}

const regenerated = ({ cloud }: LargeFleet) =>
  cloud.history.filter(({ operation, effect }) => effect && operation.endsWith('/regenerateKey'))
const accountOf = ({ path }: { readonly path: string }) => path.split('/').at(-2)!
const throttled = ({ cloud }: LargeFleet) => cloud.history.filter(({ status }) => status === 429).length

/** The leaked keys of every member, taken before. */
function leakedKeys({ members }: LargeFleet): ReadonlyMap<string, readonly string[]> {
  return new Map(members.map(({ name, account }) => [name, [account.keyOf('Key1'), account.keyOf('Key2')]]))
}

function assertAllRevoked(fleet: LargeFleet, leaked: ReadonlyMap<string, readonly string[]>): void {
  for (const { name, vault, account } of fleet.members) {
    const alive = leaked.get(name)!.filter((key) => account.accepts(key))
    const value = fleet.cloud.vault(vault).read(`${name}-key`)
    assert.deepEqual([alive, value !== undefined && account.accepts(value)], [[], true], name)
  }
}

test('Two hundred and fifty revokes of one request go at the whole limit of their service, in the order listed, and none is throttled', async () => {
  const fleet = largeFleet({ targets: 250, vaults: 2, age: 10 })
  const leaked = leakedKeys(fleet)
  // Documented: 200 at once, then ten a second. The half is the schedule's.
  fleet.cloud.faults.add(limitOfWrites({ capacity: 40, perSecond: 2 * armAllowance.perSecond }))
  const names = fleet.members.map(({ name }) => name).toReversed()
  const began = fleet.cloud.clock.now()

  const { body } = await revoke(fleet, names)
  await fleet.drain(began + 10 * minute)

  const done = regenerated(fleet)
  const took = (Math.max(...done.map(({ at }) => at)) - began) / 1000
  const floor = (names.length * writes - 40) / (2 * armAllowance.perSecond)
  assertAllRevoked(fleet, leaked)
  assert.deepEqual([...new Set(done.map(accountOf))], names)
  assert.deepEqual([done.length, throttled(fleet)], [500, 0])
  assert.ok(took <= 1.1 * floor, `${took} s, and the limit allows ${floor} s`)
  const operation = await call(fleet, showOperation, { id: body.id })
  assert.deepEqual([operation.body.status, operation.body.counts.succeeded], ['Succeeded', 250])
  fleet.close()
})

test('A second list waits for the first one’s share of the limit, and the schedule leaves it to both', async () => {
  const fleet = largeFleet({ targets: 160, vaults: 2, age: 60 })
  fleet.cloud.faults.add(limitOfWrites({ capacity: 40, perSecond: 2 * armAllowance.perSecond }))
  const names = fleet.members.map(({ name }) => name)
  const began = fleet.cloud.clock.now()

  await revoke(fleet, names.slice(0, 60))
  const { body: dry } = await call(fleet, startRevocations, { body: { targets: names.slice(60, 120), dryRun: true } })
  await revoke(fleet, names.slice(60, 120))
  await fleet.drain(began)
  // All of them are due.
  await fleet.tick(30_000)
  const queued = fleet.counts()['queued']
  await fleet.drain(began + 10 * minute)

  const revoked = names.slice(0, 120)
  const done = regenerated(fleet).map(accountOf)
  assert.deepEqual(
    [...new Set(done)].filter((name) => revoked.includes(name)),
    revoked,
  )
  assert.deepEqual([dry.takes, queued, throttled(fleet)], ['PT36S', 0, 0])
  fleet.close()
})

test('Many single revokes that are throttled together come back in turns, and are done in little more than the limit allows', async () => {
  const fleet = largeFleet({ targets: 100, vaults: 2, age: 10 })
  const leaked = leakedKeys(fleet)
  // Longer than a call waits by itself.
  fleet.cloud.faults.add(limitOfWrites({ capacity: 40, perSecond: 10, retryAfter: 30 }))
  const composed = await fleet.compose()
  assert.ok('app' in composed)
  const began = fleet.cloud.clock.now()
  for (const { name } of fleet.members) {
    const request = { id: name, target: name, actor: 'ada', revokeBefore: began, expiresAt: began + 9 * 86_400_000 }
    await composed.app.queue.send(request, 0)
  }

  const handled = await fleet.drain(began + 30 * minute)

  const took = (Math.max(...regenerated(fleet).map(({ at }) => at)) - began) / 1000
  const floor = (fleet.members.length * writes - 40) / 10
  assertAllRevoked(fleet, leaked)
  assert.ok(took <= 30 + 1.25 * floor, `${took} s, and the limit allows ${floor} s, half a minute later`)
  assert.ok(handled <= 2.2 * fleet.members.length, `${handled} messages`)
  fleet.close()
})

/** A worker that may die before or after it queues or records anything, or find storage out of order. */
function troubled(compose: Compose, dice: Dice): Compose {
  let isDead = false
  const guarded =
    <Args extends unknown[], Result>(effect: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const roll = dice.next()
      if (isDead || roll < 0.03) {
        isDead = true
        throw new Error('the worker died')
      }
      if (roll < 0.06) throw new RekeyError('ServiceUnavailable', { message: 'no answer', retryAfter: 30_000 })
      const result = await effect(...args)
      if (roll < 0.97) return result
      isDead = true
      throw new Error('the worker died')
    }
  const wrap = (app: App): App => {
    const queue = { ...app.queue, send: guarded(app.queue.send), sendPart: guarded(app.queue.sendPart) }
    const operations = { ...app.operations, create: guarded(app.operations.create), read: guarded(app.operations.read) }
    return { ...app, queue, operations, ports: (log) => ({ ...app.ports(log), queue }) }
  }
  return async () => {
    const composed = await compose()
    return 'app' in composed ? { app: wrap(composed.app) } : composed
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`Through dying workers, messages delivered twice, storage trouble, throttling and a missing right every key of a list is revoked, seed ${seed}`, async () => {
    const dice = seededDice(seed)
    const fleet = largeFleet({ seed, targets: 40, vaults: 2, age: 10 })
    const leaked = leakedKeys(fleet)
    fleet.cloud.faults.add(limitOfWrites({ capacity: 10, perSecond: 3 }))
    const began = fleet.cloud.clock.now()
    const { body } = await revoke(
      fleet,
      fleet.members.map(({ name }) => name),
    )
    let mostWaiting = 0
    const until = began + 3 * 60 * minute

    for (let handled = 0, message = fleet.take(until); message; handled++, message = fleet.take(until)) {
      if (handled === 15) fleet.cloud.identity.deny('Microsoft.CognitiveServices/accounts/regenerateKey/action')
      if (handled === 45) fleet.cloud.identity.grant('Microsoft.CognitiveServices/accounts/regenerateKey/action')
      for (let copies = dice.next() < 0.15 ? 2 : 1; copies > 0; copies--) {
        // The host delivers again what failed.
        const isDone = await rotateMessage(message, context(), troubled(fleet.compose, dice), 'rekey-revocations').then(
          () => true,
          () => false,
        )
        if (!isDone) await rotateMessage(message, context(), fleet.compose, 'rekey-revocations')
      }
      if (handled % 10 !== 0) continue
      const { total, succeeded, failed, running, waiting } = (await call(fleet, showOperation, { id: body.id })).body
        .counts
      assert.equal(succeeded + failed + running, total)
      assert.ok(waiting === undefined || waiting <= running)
      mostWaiting = Math.max(mostWaiting, waiting ?? 0)
    }

    assertAllRevoked(fleet, leaked)
    const operation = await call(fleet, showOperation, { id: body.id })
    assert.deepEqual([operation.body.status, operation.body.counts.succeeded], ['Succeeded', 40])
    assert.equal(fleet.depth(), 0)
    assert.ok(mostWaiting > 0, 'an operator was needed')
    const most = Math.max(...[...Map.groupBy(regenerated(fleet), accountOf).values()].map(({ length }) => length))
    assert.equal(most, 2, 'no key is made twice')
    fleet.close()
  })
}

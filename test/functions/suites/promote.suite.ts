// The other slot becomes the active one: by promoting its key, or by swapping the two at the service.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { staleReads } from '../../../simulator/faults.ts'
import { encodeMessage } from '../../../src/azure/request-queue.ts'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import type { KeyProvider } from '../../../src/providers/provider.ts'
import { kinds } from '../../providers/all-providers.ts'
import { fleet } from '../../providers/provider-fleet.ts'
import { account, asOfNow, days, follow, stored, vaultHost, world } from '../functions-world.ts'

const params = { name: 'vision' }
const minute = 60_000

async function visionWorld() {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  return { made, handle, target, inVault: () => made.cloud.vault(vaultHost).read('vision-key') }
}

async function memberWorld({ id: provider }: KeyProvider) {
  const made = await world()
  const { fields, handle } = fleet[provider]!(made.cloud)
  await made.writeTargets([{ name: 'vision', provider, ...fields, secrets: { 'vision-key': 'key' } }])
  await made.tick()
  await made.drain()
  return { made, handle, inVault: () => made.cloud.vault(vaultHost).read('vision-key') }
}

describe('Promoting the other slot', () => {
  test('A promote publishes the other slot’s present key and regenerates nothing', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    const keys = handle.keys()

    const answer = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([answer.status, answer.body.reason, answer.body.slot], [200, 'promoted', 'Key2'])
    assert.deepEqual(handle.keys(), keys)
    assert.equal(inVault(), keys['Key2'])
    await made.close()
  })

  test('A promote rolls back a rotation, also while the overlap of that rotation lasts', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    await made.http(rotate, { params })
    made.cloud.clock.advance(60_000)

    const answer = await made.http(promote, { params, body: asOfNow(made) })

    assert.equal(answer.status, 200)
    assert.equal(inVault(), handle.keyOf('Key1'))
    await made.close()
  })

  test('A roll-back stays: the copy of its rotation that waits in the queue does not undo it', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    await made.http(rotate, { params })
    made.cloud.clock.advance(minute)
    await made.http(promote, { params, body: asOfNow(made) })
    const keys = handle.keys()
    const copy = JSON.parse(Buffer.from(encodeMessage(made.sends[0]!.request), 'base64').toString())

    made.cloud.clock.advance(10 * minute)
    await rotateMessage(copy, made.context(), made.compose)

    assert.deepEqual([inVault(), handle.keys()], [keys['Key1'], keys])
    await made.close()
  })

  test('The operation of a rotation that was rolled back has succeeded all the same', async () => {
    const { made, handle, target } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    const accepted = await made.http(rotate, { params, headers: { prefer: 'respond-async' } })
    await made.drain()
    const before = await follow(made, accepted)
    await made.http(promote, { params, body: asOfNow(made) })

    const after = await follow(made, accepted)

    assert.deepEqual(
      [before.body.status, after.body.status, after.body.result?.reason],
      ['Succeeded', 'Succeeded', 'promoted'],
    )
    await made.close()
  })

  test('A promote just after a rotation that the listing does not show yet waits for the listing: 202, not Drifted', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    made.cloud.faults.add(staleReads({ ms: 4 * minute }))
    const rotated = await made.http(rotate, { params })
    made.cloud.clock.advance(minute / 3)

    const before = await made.depth()
    const answer = await made.http(promote, { params, body: asOfNow(made) })
    const queued = (await made.depth()) - before
    made.cloud.clock.advance(10 * minute)
    const later = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([answer.status, answer.body.soFar.reason, queued], [202, 'settling', 1])
    assert.ok(answer.body.id.endsWith(`.Key1.${rotated.body.secrets[0].version}`), answer.body.id)
    assert.deepEqual([later.status, inVault()], [200, handle.keyOf('Key1')])
    await made.close()
  })

  test('A promote that a repair overtakes is 409, not a 200 for something else', async () => {
    const { made, handle, target } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    await made.http(rotate, { params })
    made.cloud.clock.advance(minute)
    handle.regenerateByHand('Key2')

    const { status, body } = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([status, body.code, body.outcome.reason], [409, 'Superseded', 'drifted'])
    await made.close()
  })

  test('A promote to a key that was waiting to be published is done when that key is', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    const waiting = { state: 'created', since: new Date(made.cloud.clock.now() - minute).toISOString() }
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days, stamps: { pending: waiting } })
    const accepted = await made.http(promote, { params, body: asOfNow(made) })
    made.cloud.clock.advance(10 * minute)
    await made.tick()
    await made.drain()

    const { body } = await follow(made, accepted)

    assert.equal(inVault(), handle.keyOf('Key2'))
    assert.deepEqual([accepted.status, body.status, body.result.reason], [202, 'Succeeded', 'pending'])
    await made.close()
  })

  test('A promote that a rotation overtakes has failed for good, though the rotation went to the same slot', async () => {
    const { made, handle, target } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    const accepted = await made.http(promote, { params, body: asOfNow(made), headers: { prefer: 'respond-async' } })
    const rotated = await made.http(rotate, { params })

    const { body } = await follow(made, accepted)

    assert.ok(accepted.body.id.includes(`.${rotated.body.slot}.`), accepted.body.id)
    assert.deepEqual([body.status, body.error.code], ['Failed', 'Superseded'])
    await made.close()
  })

  test('A promote with respond-async succeeds once the slot is active, and stays so when a rotation follows', async () => {
    const { made, handle, target, inVault } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })

    const accepted = await made.http(promote, { params, body: asOfNow(made), headers: { prefer: 'respond-async' } })
    const before = await follow(made, accepted)
    await made.drain()
    const after = await follow(made, accepted)
    assert.equal(inVault(), handle.keyOf('Key2'))
    made.cloud.clock.advance(10 * days)
    const rotated = await made.http(rotate, { params })
    const later = await follow(made, accepted)

    assert.deepEqual([accepted.status, rotated.status], [202, 200])
    assert.deepEqual(
      [before.body.status, after.body.status, later.body.status],
      ['NotStarted', 'Succeeded', 'Succeeded'],
    )
    await made.close()
  })

  test('A promote is 409 Drifted when the vault holds no live key, or nothing', async () => {
    const { made, handle, target } = await visionWorld()

    const empty = await made.http(promote, { params, body: asOfNow(made) })
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    handle.regenerateByHand('Key1')
    const drifted = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([empty.status, empty.body.code], [409, 'Drifted'])
    assert.deepEqual([drifted.status, drifted.body.code], [409, 'Drifted'])
    await made.close()
  })

  test('A promote is 409 Paused or Unmanaged before anything else', async () => {
    const { made, handle, target } = await visionWorld()
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    made.cloud.vault(vaultHost).disable('vision-key')

    const paused = await made.http(promote, { params, body: asOfNow(made) })
    made.cloud.vault(vaultHost).delete('vision-key')
    await made.writeTargets([{ ...target, secrets: { 'other-key': 'key' } }])
    made.cloud.vault(vaultHost).set('other-key', 'another owner’s password')
    const unmanaged = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([paused.status, paused.body.code], [409, 'Paused'])
    assert.deepEqual([unmanaged.status, unmanaged.body.code], [409, 'Unmanaged'])
    await made.close()
  })

  test('A promote is 400 NotSupported on a ring of one', async () => {
    const { made } = await memberWorld(kinds.oneSlot)

    const answer = await made.http(promote, { params, body: asOfNow(made) })

    assert.deepEqual([answer.status, answer.body.code], [400, 'NotSupported'])
    await made.close()
  })
})

describe('Swapping the slots', () => {
  test('A swap moves the active key to the other slot at the service', async () => {
    const { made, handle, inVault } = await memberWorld(kinds.swapped)
    const active = inVault()!
    const [before] = Object.entries(handle.keys()).find(([, key]) => key === active)!
    // Past the overlap: a swap that is several changes waits for it.
    made.cloud.clock.advance(3 * days)

    const answer = await made.http(swap, { params, body: asOfNow(made) })

    const [after] = Object.entries(handle.keys()).find(([, key]) => key === inVault())!
    assert.equal(answer.status, 200)
    assert.notEqual(after, before)
    assert.equal(answer.body.slot, after)
    await made.close()
  })

  test('A swap is queued where the service takes minutes', async () => {
    const { made } = await memberWorld(kinds.swappedSlowly)

    const answer = await made.http(swap, { params, body: asOfNow(made) })

    assert.equal(answer.status, 202)
    assert.match(answer.headers['operation-location']!, /\/api\/operations\/swap\..*\.(primary|secondary)\.\w+$/)
    await made.close()
  })

  test('A swap that a rotation overtakes has failed for good', async () => {
    const { made } = await memberWorld(kinds.swappedSlowly)
    made.cloud.clock.advance(3 * days)
    const swapped = await made.http(swap, { params, body: asOfNow(made) })
    const [asked] = await made.messages()
    await made.http(rotate, { params })
    await made.drain()

    await rotateMessage(asked, made.context('rotate'), made.compose)
    const { body } = await follow(made, swapped)

    assert.deepEqual([body.status, body.error.code], ['Failed', 'Superseded'])
    await made.close()
  })

  test('A swap that is done has succeeded for good, whatever comes after it', async () => {
    const { made } = await memberWorld(kinds.swappedSlowly)
    made.cloud.clock.advance(3 * days)
    const swapped = await made.http(swap, { params, body: asOfNow(made) })
    const before = await follow(made, swapped)
    await made.drain()
    const after = await follow(made, swapped)
    made.cloud.clock.advance(3 * days)
    await made.http(rotate, { params })
    await made.drain()
    const later = await follow(made, swapped)

    assert.deepEqual(
      [before, after, later].map(({ body }) => body.status),
      ['NotStarted', 'Succeeded', 'Succeeded'],
    )
    await made.close()
  })

  test('A swap is 400 NotSupported where the service has none', async () => {
    const { made } = await visionWorld()

    const answer = await made.http(swap, { params, body: asOfNow(made) })

    assert.deepEqual([answer.status, answer.body.code], [400, 'NotSupported'])
    await made.close()
  })
})

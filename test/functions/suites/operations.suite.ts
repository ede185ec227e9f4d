// Operations: how a command that was answered with 202 is going, and that each of them ends.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missingPermission, serverError, throttle } from '../../../simulator/faults.ts'
import { promote } from '../../../src/functions/http/commands/promote-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { type Desired, operationIdOf } from '../../../src/functions/operations/operation-id.ts'
import { mostDeliveries, rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import {
  account,
  asOfNow,
  days,
  follow,
  stored,
  usualProvider,
  vaultHost,
  visionWorld,
  type World,
  world,
} from '../functions-world.ts'

const params = { name: 'vision' }
const minute = 60_000
const regenerate = 'Microsoft.CognitiveServices/accounts/regenerateKey/action'
const later = { prefer: 'respond-async' }

/** The operation of a request that a client might have made. */
async function operationOf(made: World, desired: Desired, expires = 9 * days, target = 'vision') {
  const now = made.cloud.clock.now()
  const id = operationIdOf({
    id: '6f1c2f57-1a52-4a5e-9f0c-0f3c2c8f1b11',
    target,
    actor: 'http',
    expiresAt: now + expires,
    ...('slot' in desired
      ? { [desired.kind]: { slot: desired.slot, from: desired.from } }
      : { [desired.kind === 'rotate' ? 'createdAfter' : 'revokeBefore']: desired.after }),
  })
  return (await made.http(showOperation, { params: { id: id! } })).body
}

describe('The operation of one target', () => {
  test('A rotation has not succeeded while a secret of the target holds another slot’s key, or does not exist', async () => {
    const { made, handle, target } = await visionWorld()
    await made.writeTargets([{ ...target, secrets: { 'vision-key': 'key', 'vision-copy': 'key' } }])
    stored(made, target, handle.keyOf('Key2'), { slot: 'Key2' })
    const after = made.cloud.clock.now() - days
    const status = async () => (await operationOf(made, { kind: 'rotate', after })).status
    const copy = (slot: string, stamps: object = {}) =>
      made.cloud.vault(vaultHost).set('vision-copy', handle.keyOf(slot), {
        tags: { CredentialId: slot, rekey: JSON.stringify({ target: 'vision', announced: true, ...stamps }) },
      })

    const missing = await status()
    copy('Key1')
    const behind = await status()
    made.cloud.clock.advance(1000)
    copy('Key2')

    const reached = await status()
    // The next rotation writes this one first, and the lead last.
    made.cloud.clock.advance(1000)
    const createdAfter = new Date(made.cloud.clock.now()).toISOString()
    copy('Key1', { createdAfter })

    assert.deepEqual([missing, behind, reached], ['NotStarted', 'NotStarted', 'Succeeded'])
    assert.equal(await status(), 'Succeeded', 'what has ended stays so while a later rotation is half-way')
    await made.close()
  })

  test('A revoke of a single key has succeeded when that one is newer', async () => {
    const made = await world()
    const target = { name: 'sensor', provider: 'defender-sensor', secrets: { 'sensor-key': 'key' } }
    await made.writeTargets([target])
    const resource = 'microsoft-graph/security/identities/sensors'
    stored(made, { ...target, resource }, made.cloud.defenderSensor.keyOf('key'), { slot: 'key' })

    const { status } = await operationOf(made, { kind: 'revoke', after: made.cloud.clock.now() }, days, 'sensor')

    assert.equal(status, 'Succeeded')
    await made.close()
  })

  test('A revoke of two keys has succeeded when neither slot has an older one', async () => {
    const { made, handle, target } = await visionWorld()
    const moment = made.cloud.clock.now() - minute
    const createdAfter = new Date(moment).toISOString()
    stored(made, target, handle.keyOf('Key2'), { slot: 'Key2', stamps: { createdAfter } })
    const before = await operationOf(made, { kind: 'revoke', after: moment })
    stored(made, target, handle.keyOf('Key2'), {
      slot: 'Key2',
      stamps: { createdAfter, standbyCreatedAfter: createdAfter },
    })
    const after = await operationOf(made, { kind: 'revoke', after: moment })

    assert.deepEqual([before.status, after.status], ['NotStarted', 'Succeeded'])
    await made.close()
  })

  test('A request that fails for good ends its operation with the code and a remedy, also after the tag was overwritten', async () => {
    const { made, handle, target } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/regenerateKey/action' }))
    await made.drain()
    const failed = await follow(made, accepted)
    made.cloud.faults.clear()
    stored(made, target, handle.keyOf('Key1'))

    const still = await follow(made, accepted)

    assert.deepEqual([failed.body.status, failed.body.error.code], ['Failed', 'PermissionDenied'])
    assert.ok(failed.body.error.message && failed.body.error.remedy && failed.body.error.at)
    assert.deepEqual(still.body, failed.body)
    assert.equal(failed.headers['retry-after'], undefined)
    await made.close()
  })

  test('An operation that failed is known without its record by the tag, which names the request', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/regenerateKey/action' }))
    await made.drain()
    await made.forgetOperations()

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.error.code], ['Failed', 'PermissionDenied'])
    await made.close()
  })

  test('A failure that no tag can hold, because the secret is deleted, ends the operation too', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    made.cloud.vault(vaultHost).delete('vision-key')
    await made.drain()

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.error.code], ['Failed', 'SecretDeleted'])
    await made.close()
  })

  test('The operation of a target that was removed or disabled meanwhile has failed', async () => {
    const { made, target } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    await made.writeTargets([])
    made.cloud.clock.advance(2 * minute)
    const removed = await follow(made, accepted)
    await made.writeTargets([{ ...target, enabled: false }])
    made.cloud.clock.advance(2 * minute)
    await made.drain()

    const disabled = await follow(made, accepted)

    assert.deepEqual([removed.body.status, removed.body.error.code], ['Failed', 'UnknownTarget'])
    assert.deepEqual([disabled.body.status, disabled.body.error.code], ['Failed', 'Disabled'])
    await made.close()
  })

  test('An operation that is tried again stays Running, and says why it has not succeeded yet', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))
    await made.drain()

    const { body, headers } = await follow(made, accepted)

    assert.deepEqual([body.status, body.lastError.code, headers['retry-after']], ['Running', 'Throttled', '30'])
    await made.close()
  })

  test('An operation that waits for a secret that an operator disabled says so', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    made.cloud.vault(vaultHost).disable('vision-key')

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.lastError.code], ['Running', 'Paused'])
    await made.close()
  })

  test('Every operation ends: one without any record has failed once it has expired', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(rotate, { params, headers: later })
    await made.messages()
    made.cloud.clock.advance(8.9 * days)
    const before = await follow(made, accepted)
    made.cloud.clock.advance(days)

    const { body } = await follow(made, accepted)

    assert.deepEqual([before.body.status, body.status, body.error.code], ['NotStarted', 'Failed', 'RequestExpired'])
    await made.close()
  })

  test('A command that began and was cut off is Running, and says what it had done', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(serverError({ operation: 'key-vault/setSecret', when: 'after', times: 1 }))

    const { status, body } = await made.http(rotate, { params })

    assert.deepEqual([status, body.status, body.lastError.code], [202, 'Running', 'ServiceUnavailable'])
    assert.equal(body.soFar.status, 'failed')
    await made.close()
  })

  test('An id that is not one of ours is 404 with a problem, whatever it is', async () => {
    const { made } = await visionWorld()
    const request = '6f1c2f57-1a52-4a5e-9f0c-0f3c2c8f1b11'
    const ids = [
      '',
      'x',
      '..',
      '../../rekey-leases/x',
      `rotate.vision.${request}`,
      `rotate.vision.${request}.zzzzzzzzzz.1`,
      `rotate.vision.${request}.1.-1`,
      `rotate.vi sion.${request}.1.1`,
      `rotate.${'v'.repeat(64)}.${request}.1.1`,
      `delete.vision.${request}.1.1`,
      `promote.vision.${request}.1.Key1`,
      `promote.vision.${request}.1.Key1.${'0'.repeat(65)}`,
      `rotations.${request}.1`,
      `rotate.vision.${request}.1.1\n`,
      `rotate.vision.${request}.1.1`.padEnd(5000, '1'),
      '\u0000',
      '__proto__',
    ]

    for (const id of ids) {
      const { status, body } = await made.http(showOperation, { params: { id } })
      assert.deepEqual([status, body.code], [404, 'UnknownOperation'], JSON.stringify(id))
    }
    await made.close()
  })

  test('A made-up id is answered by what the target’s tags say, and never with a 500', async () => {
    const { made, version } = await visionWorld()
    const request = '6f1c2f57-1a52-4a5e-9f0c-0f3c2c8f1b11'
    const statuses = []
    for (const id of [
      `rotate.vision.${request}.zzzzzzzzz.zzzzzzzzz`,
      `rotate.vision.${request}.0.0`,
      `revoke.vision.${request}.0.zzzzzzzzz`,
      `promote.vision.${request}.zzzzzzzzz.Key9.${version}`,
      `promote.vision.${request}.zzzzzzzzz.Key2.none`,
      `swap.vision.${request}.zzzzzzzzz.Key1.none`,
      `rotate.constructor.${request}.zzzzzzzzz.0`,
    ]) {
      const { status, body } = await made.http(showOperation, { params: { id } })
      statuses.push([status, body.status])
    }

    assert.deepEqual(statuses, [
      [200, 'NotStarted'],
      [200, 'Succeeded'],
      [200, 'Failed'],
      [200, 'NotStarted'],
      [200, 'Failed'],
      [200, 'Failed'],
      [200, 'Failed'],
    ])
    await made.close()
  })

  test('The operation that a tag has failed is shown, whatever code the tag has', async () => {
    const { made, handle, target } = await visionWorld()
    for (const code of ['constructor', '__proto__', 'a code of another version']) {
      const accepted = await made.http(rotate, { params, headers: later })
      const failed = { code, at: new Date(made.cloud.clock.now()).toISOString(), request: accepted.body.request }
      stored(made, target, handle.keyOf('Key1'), { age: 10 * days, stamps: { failed } })

      const { status, body } = await follow(made, accepted)

      assert.deepEqual([status, body.status, body.error?.code], [200, 'Failed', code])
    }
    await made.close()
  })

  test('Reading an operation changes nothing', async () => {
    const { made } = await visionWorld()
    const accepted = await made.http(promote, { params, body: asOfNow(made), headers: later })
    const [depth, effects] = [await made.depth(), made.cloud.history.filter(({ effect }) => effect).length]

    await follow(made, accepted)

    assert.deepEqual([await made.depth(), made.cloud.history.filter(({ effect }) => effect).length], [depth, effects])
    await made.close()
  })

  test('A revoke that fails for a lasting reason shows it as its last error while it is tried again', async () => {
    const { made } = await visionWorld()
    const failed = { code: 'PermissionDenied', at: new Date(made.cloud.clock.now()).toISOString() }
    const accepted = await made.http(revoke, { params, body: { note: 'leaked' }, headers: later })
    const { handle, target } = account(made.cloud, 'vision')
    stored(made, target, handle.keyOf('Key1'), {
      age: 10 * days,
      stamps: { failed: { ...failed, request: accepted.body.request } },
    })

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.lastError.code], ['Running', 'PermissionDenied'])
    await made.close()
  })
})

describe('The operation of many targets', () => {
  async function fleetWorld(count = 4) {
    const made = await world()
    const accounts = Array.from({ length: count }, (_, n) => account(made.cloud, `t${n}`))
    await made.writeTargets(accounts.map(({ target }) => target))
    for (const { target, handle } of accounts) stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    return { made, targets: accounts.map(({ target }) => target) }
  }

  test('The operation of many targets counts how far each has got, and succeeds when all have', async () => {
    const { made } = await fleetWorld()
    const accepted = await made.http(startRotations, { body: { targets: 'all' } })
    const before = await follow(made, accepted)
    await made.fanOut()
    const messages = await made.messages()
    await rotateMessage(messages[0], made.context('rotate'), made.compose)
    const during = await follow(made, accepted)
    for (const message of messages) await rotateMessage(message, made.context('rotate'), made.compose)

    const after = await follow(made, accepted)

    assert.deepEqual([accepted.status, before.body.status, during.body.status], [202, 'NotStarted', 'Running'])
    assert.deepEqual(during.body.counts, { total: 4, succeeded: 1, failed: 0, running: 3 })
    assert.deepEqual([after.body.status, after.body.result.counts.succeeded], ['Succeeded', 4])
    assert.deepEqual([during.headers['retry-after'], after.headers['retry-after']], ['30', undefined])
    await made.close()
  })

  test('The operation of many targets fails when all have ended and some have failed, names them, and stays failed', async () => {
    const { made, targets } = await fleetWorld()
    const accepted = await made.http(startRotations, { body: { targets: 'all' } })
    await made.fanOut()
    await made.writeTargets([...targets.slice(0, 2), { ...targets[2], enabled: false }])
    made.cloud.clock.advance(2 * minute)
    for (const message of await made.messages()) {
      if (message['target'] === 't1') made.cloud.faults.add(missingPermission({ action: regenerate }))
      await rotateMessage(message, made.context('rotate'), made.compose).catch(() => undefined)
      made.cloud.faults.clear()
    }

    const { body } = await follow(made, accepted)
    await made.writeTargets(targets)
    made.cloud.clock.advance(2 * minute)
    await made.http(rotate, { params: { name: 't1' } })
    const later = await follow(made, accepted)

    assert.deepEqual(body.counts, { total: 4, succeeded: 1, failed: 3, running: 0 })
    assert.equal(body.status, 'Failed')
    assert.deepEqual(
      body.failures.toSorted((a: { target: string }, b: { target: string }) => a.target.localeCompare(b.target)),
      [
        { target: 't1', code: 'PermissionDenied' },
        { target: 't2', code: 'Disabled' },
        { target: 't3', code: 'UnknownTarget' },
      ],
    )
    assert.ok(body.error.message)
    assert.deepEqual(later.body.counts, body.counts)
    await made.close()
  })

  test('The operation of many targets ends when it has expired, whatever became of the requests', async () => {
    const { made } = await fleetWorld()
    const accepted = await made.http(startRotations, { body: { targets: ['t0', 't1'] } })
    await made.messages()
    made.cloud.clock.advance(10 * days)

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.error.code, body.counts.failed], ['Failed', 'RequestExpired', 2])
    await made.close()
  })

  test('Targets whose vault cannot be read stay Running in the operation of many, and it says why', async () => {
    const { made } = await fleetWorld(2)
    const accepted = await made.http(startRotations, { body: { targets: 'all' } })
    made.cloud.faults.add(serverError({ operation: 'key-vault', when: 'before' }))

    const { status, body } = await follow(made, accepted)

    assert.deepEqual([status, body.status, body.counts.running], [200, 'NotStarted', 2])
    assert.equal(body.lastError.code, 'ServiceUnavailable')
    await made.close()
  })

  test('A request for many that the queue does not take is 503; sent again it is one operation, and each target is rotated once', async () => {
    const { made } = await fleetWorld(6)
    const headers = {
      'Repeatability-Request-ID': '0b7c7c3e-58a1-4f0c-8d0a-2f0a4f6d9c11',
      'Repeatability-First-Sent': new Date(made.cloud.clock.now()).toUTCString(),
    }
    const send = () => made.http(startRotations, { body: { targets: 'all' }, headers })
    made.trouble.queueTakes = 0
    const first = await send()
    made.trouble.queueTakes = 100
    const [again, third] = await Promise.all([send(), send()])
    await made.fanOut()
    const messages = await made.messages()
    for (const message of messages) await rotateMessage(message, made.context('rotate'), made.compose)

    const { body } = await follow(made, again)

    assert.deepEqual([first.status, first.body.accepted, again.status, third.status], [503, false, 202, 202])
    assert.deepEqual([again.body.id, third.body.id], [body.id, body.id])
    assert.deepEqual(messages.length, 6)
    const keysMade = made.cloud.history.filter(({ operation }) => operation.endsWith('/regenerateKey'))
    assert.deepEqual([body.status, body.counts.total, keysMade.length], ['Succeeded', 6, 6])
    await made.close()
  })

  test('A list that the queue stops taking half way is delivered again, and every request of it is queued', async () => {
    const { made } = await fleetWorld(40)
    const accepted = await made.http(startRotations, { body: { targets: 'all' } })
    const [list] = await made.messages()
    made.trouble.queueTakes = 20
    await assert.rejects(rotateMessage(list, made.context('rotate'), made.compose), { code: 'ServiceBusy' })
    const half = await follow(made, accepted)
    made.trouble.queueTakes = 100
    await rotateMessage(list, made.context('rotate'), made.compose)

    const ids = new Set(made.sends.map(({ request }) => request.id))

    assert.deepEqual([half.body.status, half.body.counts.failed], ['NotStarted', 0])
    assert.equal(ids.size, 40)
    await made.close()
  })

  test('A list that the host gives up on has failed, with the code, as far as it was not queued', async () => {
    const { made } = await fleetWorld(40)
    const accepted = await made.http(startRotations, { body: { targets: 'all' } })
    const [list] = await made.messages()
    const last = made.context('rotate')
    Object.assign(last, { triggerMetadata: { dequeueCount: mostDeliveries } })
    made.trouble.queueTakes = 0
    await assert.rejects(rotateMessage(list, last, made.compose), { code: 'ServiceBusy' })
    made.trouble.queueTakes = 100
    // Put back by hand from the poison queue: what was reported as failed stays so.
    await rotateMessage(list, made.context('rotate'), made.compose)

    const { body } = await follow(made, accepted)

    assert.deepEqual([body.status, body.error.code, body.counts.failed], ['Failed', 'ServiceBusy', 40])
    assert.deepEqual([made.sends.length, await made.depth()], [0, 0])
    await made.close()
  })
})

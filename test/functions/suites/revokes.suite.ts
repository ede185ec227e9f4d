// A revoke is never dropped: whatever prevents it, it waits in a queue of its own until it is carried out.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lostAnswer, missingPermission, serverError, throttle } from '../../../simulator/faults.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { account, days, stored, topicHost, vaultHost, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }
const minute = 60_000
const queue = 'rekey-revocations'

async function visionWorld() {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  const leaked = [handle.keyOf('Key1'), handle.keyOf('Key2')]
  const isRevoked = () => {
    const value = made.cloud.vault(vaultHost).read('vision-key')
    return leaked.every((key) => !handle.accepts(key)) && value !== undefined && handle.accepts(value)
  }
  return { made, handle, target, isRevoked }
}

const ask = (made: World, headers = {}) => made.http(revoke, { params, body: { note: 'leaked' }, headers })

/** What waits, delivered now: Azurite's clock is not the simulated one, so delays are taken from what was sent. */
async function deliverLast(made: World): Promise<void> {
  const { request, delay } = made.sends.at(-1)!
  made.cloud.clock.advance(delay)
  const { createdAfter: _, revokeBefore, expiresAt, ...plain } = request
  const iso = (at: number) => new Date(at).toISOString()
  const message = { v: 1, ...plain, revokeBefore: iso(revokeBefore!), expiresAt: iso(expiresAt) }
  await rotateMessage(message, made.context('revoke'), made.compose, queue)
}

const events = (made: World) =>
  (made.cloud.topic(topicHost).events as { id: string; type: string; data: { code?: string } }[])
    .filter(({ type }) => type === 'Rekey.RotationFailed')
    .map(({ id, data }) => [id.replace(/^[0-9a-f-]{36}/, ''), data.code])

describe('Revokes that meet a passing failure before their first effect', () => {
  for (const [what, fault, code] of [
    ['a 429', throttle({ capacity: 0, perSecond: 0, retryAfter: 60 }), 'Throttled'],
    ['a 503', serverError({ when: 'before' }), 'ServiceUnavailable'],
    ['an answer that is lost', lostAnswer({ operation: 'cognitive-services/listKeys' }), 'ServiceUnavailable'],
  ] as const) {
    test(`A revoke that meets ${what} is queued, answered with 202, and carried out once that is over`, async () => {
      const { made, isRevoked } = await visionWorld()
      made.cloud.faults.add(fault)

      const answer = await ask(made)
      const waiting = await made.depth(queue)
      const before = isRevoked()
      made.cloud.faults.clear()
      await deliverLast(made)

      assert.deepEqual([answer.status, answer.body.lastError?.code], [202, code])
      assert.deepEqual([waiting, before, isRevoked()], [1, false, true])
      await made.close()
    })
  }

  test('A revoke whose target another worker is changing is queued, not refused as Busy', async () => {
    const { made, isRevoked } = await visionWorld()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { leases } = composed.app.ports(() => {})
    const lease = await leases.acquire(composed.app.targets[0]!.lease, AbortSignal.timeout(5000))

    const answer = await ask(made)
    await lease!.release(AbortSignal.timeout(5000))
    await deliverLast(made)

    assert.deepEqual([answer.status, answer.headers['retry-after'], isRevoked()], [202, '30', true])
    await made.close()
  })

  test('A revoke with respond-async is queued without reading anything first', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60 }))

    const answer = await ask(made, { prefer: 'respond-async' })

    assert.equal(answer.status, 202)
    assert.equal((await made.messages(queue)).length, 1)
    await made.close()
  })

  test('A queued revoke that cannot be put back is thrown, so that the host delivers it again', async () => {
    const { made } = await visionWorld()
    await ask(made, { prefer: 'respond-async' })
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60 }))
    made.trouble.queueTakes = 0

    await assert.rejects(deliverLast(made), { name: 'RekeyError' })

    await made.close()
  })

  test('A revoke that cannot be queued either is a problem that says so', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60 }))
    made.trouble.queueTakes = 0

    const answer = await ask(made)

    assert.deepEqual([answer.status, answer.body.accepted], [503, false])
    assert.match(answer.body.detail, /nothing is queued$/)
    assert.doesNotMatch(answer.body.remedy ?? '', /tried again/)
    await made.close()
  })
})

describe('Revokes that need an operator', () => {
  const listKeys = 'Microsoft.CognitiveServices/accounts/listKeys/action'

  test('A revoke that lacks a permission is Running with its last error, and Succeeded ten minutes after it is granted', async () => {
    const { made, isRevoked } = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: listKeys }))

    const answer = await ask(made)
    const operation = { params: { id: answer.body.id } }
    const first = await made.http(showOperation, operation)
    await deliverLast(made)
    const second = await made.http(showOperation, operation)
    made.cloud.faults.clear()
    await deliverLast(made)
    const last = await made.http(showOperation, operation)

    assert.deepEqual([answer.status, answer.body.lastError.code], [202, 'PermissionDenied'])
    for (const { body } of [first, second]) {
      assert.deepEqual([body.status, body.lastError?.code], ['Running', 'PermissionDenied'])
      assert.ok(body.lastError.remedy)
    }
    assert.ok(made.sends.every(({ delay }) => delay === 10 * minute))
    assert.deepEqual([last.body.status, isRevoked()], ['Succeeded', true])
    await made.close()
  })

  test('A revoke that is refused after its first effect waits as one message, not as two', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/regenerateKey/action' }))

    const answer = await ask(made)

    assert.deepEqual([answer.status, answer.body.lastError?.code], [202, 'PermissionDenied'])
    assert.equal(await made.depth(queue), 1)
    await made.close()
  })

  test('A revoke that no operator helps announces its failure once, and its end when it expires a week after the overlap', async () => {
    const { made } = await visionWorld()
    made.cloud.identity.deny(listKeys)

    const answer = await ask(made)
    for (let tries = 0; tries < 3; tries++) await deliverLast(made)
    const { expiresAt } = made.sends.at(-1)!.request
    const asked = made.sends[0]!.request.revokeBefore!
    made.cloud.clock.advance(9 * days)
    const sent = made.sends.length
    await deliverLast(made)
    const { body } = await made.http(showOperation, { params: { id: answer.body.id } })

    assert.equal(expiresAt, asked + 9 * days)
    assert.deepEqual(events(made), [
      ['/failed', 'PermissionDenied'],
      ['/failed/RequestExpired', 'RequestExpired'],
    ])
    assert.deepEqual([made.sends.length, body.status, body.error?.code], [sent, 'Failed', 'RequestExpired'])
    await made.close()
  })

  test('A queued revoke of a target that is disabled meanwhile waits, and goes on when it is enabled', async () => {
    const { made, target, isRevoked } = await visionWorld()
    const answer = await ask(made, { prefer: 'respond-async' })
    await made.writeTargets([{ ...target, enabled: false }])
    made.cloud.clock.advance(2 * minute)

    await deliverLast(made)
    await deliverLast(made)
    const off = await made.http(showOperation, { params: { id: answer.body.id } })
    await made.writeTargets([target])
    await deliverLast(made)

    assert.deepEqual([off.body.status, off.body.lastError?.code], ['Running', 'Disabled'])
    assert.deepEqual(events(made), [['/failed', 'Disabled']])
    assert.equal(isRevoked(), true)
    await made.close()
  })
})

// Messages of the queue: reconciled, postponed as new messages, or unreadable.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missingPermission, slowOperation, throttle } from '../../../simulator/faults.ts'
import { readHostSettings } from '../../../simulator/local/host-settings.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { kinds } from '../../providers/all-providers.ts'
import { fleet, samples } from '../../providers/provider-fleet.ts'
import { days, topicHost, usualProvider, vaultHost, visionWorld, type World, world } from '../functions-world.ts'

function message(made: World, fields: object = {}) {
  const now = made.cloud.clock.now()
  const expiresAt = new Date(now + days).toISOString()
  return {
    v: 1,
    id: 'r1',
    target: 'vision',
    actor: 'test',
    createdAfter: new Date(now).toISOString(),
    expiresAt,
    ...fields,
  }
}

const deliver = (made: World, sent: unknown) => rotateMessage(sent, made.context('rotate'), made.compose)

describe('Messages of the queue', () => {
  test('A message is reconciled, whether the host has parsed it or not', async () => {
    const { made, handle } = await visionWorld()

    await deliver(made, JSON.stringify(message(made)))
    await deliver(made, message(made))

    assert.equal(made.cloud.vault(vaultHost).read('vision-key'), handle.keyOf('Key2'))
    assert.equal(made.cloud.vault(vaultHost).versions('vision-key').length, 2, 'the second delivery changed nothing')
    assert.ok(made.lines.some(({ text }) => text.startsWith('rotation finished {"target":"vision"')))
    await made.close()
  })

  for (const [name, sent] of [
    ['is not JSON', 'rotate vision please'],
    ['has unknown fields', { v: 1, target: 'vision', scope: 'all' }],
    ['is of another version', { v: 2 }],
    ['is empty', undefined],
  ] as const) {
    test(`A message that ${name} is thrown back, for the poison queue, and logged without being quoted`, async () => {
      const { made } = await visionWorld()

      await assert.rejects(deliver(made, sent), { name: 'RekeyError', code: 'BadRequest' })

      const logged = made.lines.filter(({ level }) => level === 'error')
      assert.equal(logged.length, 1)
      assert.match(logged[0]!.text, /^message unreadable/)
      assert.doesNotMatch(logged[0]!.text, /please|scope":"all/)
      await made.close()
    })
  }

  test('A resync of a target that was removed or disabled is logged and done', async () => {
    const { made, target } = await visionWorld()
    const { createdAfter: _, ...resync } = message(made)

    await deliver(made, { ...resync, target: 'gone' })
    await made.writeTargets([{ ...target, enabled: false }])
    await deliver(made, resync)

    assert.deepEqual(
      made.lines.map(({ level, text }) => [level, /"why":"([^"]*)"/.exec(text)?.[1]]),
      [
        ['warning', 'not in targets.json'],
        ['warning', 'disabled'],
      ],
    )
    assert.deepEqual(
      made.cloud.history.filter(({ effect }) => effect),
      [],
    )
    await made.close()
  })

  test('A message that takes long ends before the host would end it, with every invocation beside it', async () => {
    const made = await world()
    const { fields } = fleet[kinds.slow.id]!(made.cloud)
    await made.writeTargets([{ name: 'vision', provider: kinds.slow.id, ...fields, secrets: { 'vision-key': 'key' } }])
    await made.tick()
    await made.drain()
    made.cloud.clock.advance(3 * days)
    made.cloud.faults.add(slowOperation({ ms: 5 * 60_000 }))
    const { createdAfter: _, ...resync } = message(made)
    const before = made.cloud.clock.now()

    await deliver(made, { ...resync, revokeBefore: new Date(before).toISOString() })

    // Two writes of the hub, one for each key: the second is left to the next delivery.
    assert.ok(made.cloud.clock.now() - before < readHostSettings('.').functionTimeout)
    assert.equal(
      made.cloud.history.filter(({ operation }) => operation === samples[kinds.slow.id]!.regenerate).length,
      1,
    )
    assert.equal(await made.depth('rekey-revocations'), 1)
    await made.close()
  })

  test('A request for a target that was disabled meanwhile is announced as failed, a resync is not', async () => {
    const { made, target } = await visionWorld()
    await made.writeTargets([{ ...target, enabled: false }])
    const { createdAfter: _, ...resync } = message(made)

    await deliver(made, resync)
    await deliver(made, message(made))

    const announced = made.cloud.topic(topicHost).events as { id: string; data: { code: string } }[]
    assert.deepEqual(
      announced.map(({ id, data: { code } }) => [id, code]),
      [['r1/failed', 'Disabled']],
    )
    await made.close()
  })

  test('A message that is throttled comes back as a new message, later', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))

    await deliver(made, message(made))

    assert.equal(await made.depth(), 1)
    assert.deepEqual(await made.messages(), [], 'not visible before Retry-After')
    assert.deepEqual(made.cloud.topic(topicHost).events, [], 'a delay is no failure')
    await made.close()
  })

  test('A message that must cool is kept alive as the same request', async () => {
    const { made } = await visionWorld()
    await deliver(made, message(made))
    made.cloud.clock.advance(120_000)

    await deliver(made, message(made, { id: 'r2' }))

    assert.equal(await made.depth(), 1)
    await made.close()
  })

  test('A message whose target another worker is changing comes back in about half a minute', async () => {
    const { made } = await visionWorld()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { leases } = composed.app.ports(() => {})
    const lease = await leases.acquire(composed.app.targets[0]!.lease, AbortSignal.timeout(5000))

    await deliver(made, message(made))

    await lease!.release(AbortSignal.timeout(5000))
    assert.equal(await made.depth(), 1)
    await made.close()
  })

  test('A request that fails for good is announced and done', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))

    await deliver(made, message(made))

    const [event] = made.cloud.topic(topicHost).events as { type: string; id: string; data: { code: string } }[]
    assert.deepEqual(
      [event?.type, event?.id, event?.data.code],
      ['Rekey.RotationFailed', 'r1/failed', 'PermissionDenied'],
    )
    assert.equal(await made.depth(), 0)
    await made.close()
  })

  test('A request that has expired changes nothing, and that is announced', async () => {
    const { made } = await visionWorld()
    const expiresAt = new Date(made.cloud.clock.now() - 1).toISOString()

    await deliver(made, message(made, { expiresAt }))

    const [event] = made.cloud.topic(topicHost).events as { data: { code: string } }[]
    assert.equal(event?.data.code, 'RequestExpired')
    await made.close()
  })

  test('A resync that has expired is dropped without an alert: the next tick makes another', async () => {
    const { made } = await visionWorld()
    const { createdAfter: _, ...resync } = message(made, {
      expiresAt: new Date(made.cloud.clock.now() - 1).toISOString(),
    })

    await deliver(made, resync)

    assert.deepEqual(made.cloud.history, [])
    assert.deepEqual(
      made.lines.map(({ level, text }) => [level, text.split(' {')[0]]),
      [['information', 'resync dropped: it expired']],
    )
    await made.close()
  })
})

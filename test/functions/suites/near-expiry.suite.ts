// Key Vault's events cause a resync of the right target, and nothing else does.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nearExpiryEvent } from '../../../src/functions/event-grid/near-expiry-event.ts'
import { account, days, vaultHost, type World, world } from '../functions-world.ts'

const vaultId = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv-prod'
const data = {
  Id: '…',
  VaultName: 'kv-prod',
  ObjectType: 'Secret',
  ObjectName: 'vision-key',
  Version: 'abc123',
  EXP: 1,
}

const cloudEvent = (type: string, fields: object = {}) => ({
  specversion: '1.0',
  id: 'e1',
  type: `Microsoft.KeyVault.${type}`,
  source: vaultId,
  subject: 'vision-key',
  time: '2026-03-02T10:00:00Z',
  data,
  ...fields,
})

const gridEvent = (type: string, fields: object = {}) => ({
  id: 'e1',
  eventType: `Microsoft.KeyVault.${type}`,
  topic: vaultId,
  subject: 'vision-key',
  eventTime: '2026-03-02T10:00:00Z',
  dataVersion: '1',
  data,
  ...fields,
})

const deliver = (made: World, event: unknown) => nearExpiryEvent(event, made.context('nearExpiry'), made.compose)

async function visionWorld() {
  const made = await world()
  await made.writeTargets([account(made.cloud, 'vision').target, account(made.cloud, 'off', { enabled: false }).target])
  return made
}

describe('Key Vault’s events about a secret’s expiry', () => {
  for (const [name, event] of [
    ['A CloudEvent', cloudEvent('SecretNearExpiry')],
    ['An event of the Event Grid schema', gridEvent('SecretNearExpiry')],
    ['An event that came as the text of a queue message', JSON.stringify(cloudEvent('SecretNearExpiry'))],
    [
      'An event in camelCase',
      cloudEvent('SecretNearExpiry', { data: { vaultName: 'KV-prod', objectName: 'Vision-Key', version: 'abc123' } }),
    ],
    [
      'An event with the stray spaces of Microsoft’s own sample',
      gridEvent('SecretNearExpiry', {
        data: { VaultName: 'kv-prod', 'ObjectName ': 'vision-key', Version: ' abc123', EXP: '1559082102', NBF: null },
      }),
    ],
  ] as const) {
    test(`${name} queues a resync of its target`, async () => {
      const made = await visionWorld()

      await deliver(made, event)

      const [resync, ...more] = await made.messages()
      assert.deepEqual(more, [])
      assert.equal(resync?.['id'], 'near-expiry/vision/abc123')
      assert.equal(resync?.['target'], 'vision')
      assert.equal(resync?.['actor'], 'near-expiry')
      assert.deepEqual(
        [resync?.['createdAfter'], resync?.['ignoreWindow']],
        [undefined, undefined],
        'a resync, no more',
      )
      await made.close()
    })
  }

  test('A version in an event that is not a version leaves nothing of itself in the id of the request', async () => {
    const made = await visionWorld()

    await deliver(made, cloudEvent('SecretNearExpiry', { data: { ...data, Version: '../a/b\n' } }))

    assert.deepEqual(
      made.sends.map(({ request }) => request.id),
      ['near-expiry/vision/ab'],
    )
    await made.close()
  })

  test('An event that a secret has expired lets its rotation run outside the window', async () => {
    const made = await visionWorld()

    await deliver(made, cloudEvent('SecretExpired'))

    const [resync] = await made.messages()
    assert.equal(resync?.['ignoreWindow'], true)
    await made.close()
  })

  for (const [name, event] of [
    ['from a vault that is not ours', cloudEvent('SecretExpired', { source: vaultId.replace('kv-prod', 'kv-evil') })],
    ['whose data name another vault', cloudEvent('SecretExpired', { data: { ...data, VaultName: 'kv-other' } })],
    ['from no vault', cloudEvent('SecretExpired', { source: '/subscriptions/s/resourceGroups/g' })],
    ['of another type', cloudEvent('SecretNewVersionCreated')],
    ['about a secret that is not ours', cloudEvent('SecretExpired', { data: { ...data, ObjectName: 'other' } })],
    ['about a disabled target', cloudEvent('SecretExpired', { data: { ...data, ObjectName: 'off-key' } })],
    ['that names no secret', cloudEvent('SecretExpired', { data: {} })],
    ['that is not an event', { hello: 'world' }],
    ['that is not even JSON', 'hello'],
    ['that is nothing', undefined],
  ] as const) {
    test(`An event ${name} is acknowledged, ignored and logged`, async () => {
      const made = await visionWorld()

      await deliver(made, event)

      assert.deepEqual(await made.messages(), [])
      assert.match(made.lines[0]?.text ?? '', /^event ignored .*"why"/)
      await made.close()
    })
  }

  test('An event as the simulated Key Vault sends it leads to a rotation in time', async () => {
    const made = await visionWorld()
    await made.tick()
    await made.drain()
    made.cloud.clock.advance(61 * days)
    const vault = made.cloud.vault(vaultHost)
    const before = vault.read('vision-key')

    for (const event of vault.takeEvents()) await deliver(made, event)
    await made.drain()

    assert.notEqual(vault.read('vision-key'), before)
    await made.close()
  })
})

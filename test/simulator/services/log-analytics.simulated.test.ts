// Log Analytics workspaces over the wire: the generated client, and signed rows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperationalInsightsManagementClient } from '@azure/arm-operationalinsights'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import type { RegenerateBehaviour } from '../../../simulator/services/log-analytics.ts'
import { arm, caller } from '../raw-caller.ts'
import { inProcess } from './in-process.ts'
import { collectorRequest } from './signing.ts'

function world(behaviour?: RegenerateBehaviour) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.parse('2026-01-01T00:00:00Z')) })
  const logs = cloud.logAnalytics.add({ name: 'logs', ...(behaviour ? { behaviour } : {}) })
  const client = new OperationalInsightsManagementClient(
    cloud.identity.credential(),
    '11111111-2222-3333-4444-555555555555',
    { ...inProcess(cloud), credentials: { scopes: ['https://management.azure.com/.default'] } },
  )
  return { cloud, logs, client }
}

test('the generated client reads both keys and the id of the workspace', async () => {
  const { logs, client } = world()

  const keys = await client.sharedKeys.getSharedKeys('rg', 'logs')
  const workspace = await client.workspaces.get('rg', 'logs')

  assert.deepEqual(keys, { primarySharedKey: logs.keyOf('primary'), secondarySharedKey: logs.keyOf('secondary') })
  assert.equal(workspace.customerId, logs.customerId)
})

test('with the documented behaviour, one regenerate replaces both keys of a workspace', async () => {
  const { logs, client } = world('both')
  const before = logs.keys()

  const keys = await client.sharedKeys.regenerate('rg', 'logs')

  assert.deepEqual(keys, { primarySharedKey: logs.keyOf('primary'), secondarySharedKey: logs.keyOf('secondary') })
  assert.notEqual(logs.keyOf('primary'), before['primary'])
  assert.notEqual(logs.keyOf('secondary'), before['secondary'])
})

test('with the reported behaviour, a regenerate without keyType is refused with the reported message, and changes nothing', async () => {
  const { cloud, logs, client } = world('keyType')
  const before = logs.keys()
  const url = arm(`${logs.resourceId}/regenerateSharedKey`, '2025-07-01')

  await assert.rejects(client.sharedKeys.regenerate('rg', 'logs'), {
    statusCode: 400,
    message: /keyType value must equal primarySharedKey or secondarySharedKey/,
  })
  const inBody = await caller(cloud)('POST', url, { keyType: 'primarySharedKey' })

  assert.equal(inBody.status, 400)
  assert.deepEqual(logs.keys(), before)
})

test('with a keyType in the query one key changes and both are answered', async () => {
  const { cloud, logs } = world('keyType')
  const before = logs.keys()
  const url = `${arm(`${logs.resourceId}/regenerateSharedKey`, '2025-07-01')}&keyType=secondarySharedKey`

  const answer = await caller(cloud)('POST', url)

  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, {
    primarySharedKey: before['primary'],
    secondarySharedKey: logs.keyOf('secondary'),
  })
  assert.notEqual(logs.keyOf('secondary'), before['secondary'])
})

test('the collector takes a row signed with a key of the workspace, and no other', async () => {
  const { cloud, logs } = world()
  const old = logs.keyOf('primary')
  logs.regenerateByHand('primary')
  const now = cloud.clock.now()
  const send = async (request: Request) => (await cloud.fetch(request)).status

  const verdicts = [
    await send(collectorRequest(logs.customerId, logs.keyOf('primary'), now)),
    await send(collectorRequest(logs.customerId, logs.keyOf('secondary'), now)),
    await send(collectorRequest(logs.customerId, old, now)),
    await send(collectorRequest(logs.customerId, logs.keyOf('primary'), now - 3_600_000)),
    await send(collectorRequest('00000000-0000-0000-0000-000000000000', logs.keyOf('primary'), now)),
    await send(collectorRequest(logs.customerId, logs.keyOf('primary'), now, { body: 'no JSON' })),
    await send(collectorRequest(logs.customerId, logs.keyOf('primary'), now, { logType: 'no-such-type' })),
  ]

  assert.deepEqual(verdicts, [200, 200, 403, 403, 400, 400, 400])
  assert.deepEqual([logs.accepts(logs.keyOf('primary')), logs.accepts(old)], [true, false])
})

test('with local authentication disabled, the keys of a workspace are neither listed nor accepted', async () => {
  const { cloud, logs, client } = world()
  const key = logs.keyOf('primary')
  logs.disableLocalAuth(true)

  await assert.rejects(client.sharedKeys.getSharedKeys('rg', 'logs'), { statusCode: 400 })
  const row = await cloud.fetch(collectorRequest(logs.customerId, key, cloud.clock.now()))
  const workspace = await client.workspaces.get('rg', 'logs')

  assert.equal(row.status, 403)
  assert.equal(logs.accepts(key), false)
  assert.equal(workspace.features?.disableLocalAuth, true)
})

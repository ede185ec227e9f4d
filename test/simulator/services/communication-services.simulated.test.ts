// Communication Services over the wire: the generated client, and signed requests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommunicationServiceManagementClient } from '@azure/arm-communication'
import { virtualClock } from '../../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../../simulator/cloud.ts'
import { lingeringKeys, slowPropagation, staleReads } from '../../../simulator/faults.ts'
import { arm, caller } from '../raw-caller.ts'
import { inProcess } from './in-process.ts'
import { hmacRequest } from './signing.ts'

function world() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.parse('2026-01-01T00:00:00Z')) })
  return { cloud, chat: cloud.communicationServices.add({ name: 'Chat' }) }
}

const phoneNumbers = 'https://chat.europe.communication.azure.com/phoneNumbers?api-version=2022-12-01'

async function probe(cloud: Cloud, key: string, url = phoneNumbers, at = cloud.clock.now()): Promise<number> {
  const { status } = await cloud.fetch(hmacRequest(url, key, at))
  return status
}

test('the generated client lists all four values, and regenerates one pair of them', async () => {
  const { cloud, chat } = world()
  const { primary, secondary } = chat.keys()
  const [subscription, group, name] = ['11111111-2222-3333-4444-555555555555', 'rg', 'chat']
  const client = new CommunicationServiceManagementClient(cloud.identity.credential(), subscription, {
    ...inProcess(cloud),
    apiVersion: '2026-03-18',
  })

  const listed = await client.communicationServices.listKeys(group, name)
  const regenerated = await client.communicationServices.regenerateKey(group, name, { keyType: 'Secondary' })
  const resource = await client.communicationServices.get(group, name)

  assert.deepEqual(listed, {
    primaryKey: primary,
    primaryConnectionString: `endpoint=https://chat.europe.communication.azure.com/;accesskey=${primary}`,
    secondaryKey: secondary,
    secondaryConnectionString: `endpoint=https://chat.europe.communication.azure.com/;accesskey=${secondary}`,
  })
  assert.deepEqual(Object.keys(regenerated), ['secondaryKey', 'secondaryConnectionString'])
  assert.equal(regenerated.secondaryKey, chat.keyOf('secondary'))
  assert.notEqual(chat.keyOf('secondary'), secondary)
  assert.equal(chat.keyOf('primary'), primary)
  assert.equal(resource.hostName, 'chat.europe.communication.azure.com')
})

test('a request signed with either key is accepted; with a replaced or an invented one it is 401', async () => {
  const { cloud, chat } = world()
  const old = chat.keyOf('primary')
  chat.regenerateByHand('primary')
  const invented = Buffer.alloc(64, 1).toString('base64')

  const verdicts = await Promise.all(
    [chat.keyOf('primary'), chat.keyOf('secondary'), old, invented].map((key) => probe(cloud, key)),
  )

  assert.deepEqual(verdicts, [200, 200, 401, 401])
  assert.deepEqual([chat.accepts(chat.keyOf('primary')), chat.accepts(old)], [true, false])
})

test('a request signed ten minutes ago, or for another resource, is 401', async () => {
  const { cloud, chat } = world()
  cloud.communicationServices.add({ name: 'mail' })
  const elsewhere = phoneNumbers.replace('chat', 'mail')

  const late = await probe(cloud, chat.keyOf('primary'), phoneNumbers, cloud.clock.now() - 600_000)
  const other = await probe(cloud, chat.keyOf('primary'), elsewhere)
  const nowhere = await probe(cloud, chat.keyOf('primary'), phoneNumbers.replace('chat', 'ghost'))

  assert.deepEqual([late, other, nowhere], [401, 401, 401])
})

test('an unknown path is 404 for a valid key and 401 for an invalid one', async () => {
  const { cloud, chat } = world()
  const path = 'https://chat.europe.communication.azure.com/nothing/here'

  const valid = await probe(cloud, chat.keyOf('secondary'), path)
  const bad = await probe(cloud, 'AAAA', path)

  assert.deepEqual([valid, bad], [404, 401])
})

test('new keys reach the data plane late and old ones leave it late, where a fault says so', async () => {
  const { cloud, chat } = world()
  cloud.faults.add(slowPropagation({ ms: 60_000 }))
  cloud.faults.add(lingeringKeys({ ms: 120_000 }))
  const old = chat.keyOf('primary')
  chat.regenerateByHand('primary')
  const verdicts = async () => [await probe(cloud, chat.keyOf('primary')), await probe(cloud, old)]

  const atOnce = await verdicts()
  cloud.clock.advance(60_000)
  const afterOneMinute = await verdicts()
  cloud.clock.advance(60_000)
  const afterTwo = await verdicts()

  assert.deepEqual(
    [atOnce, afterOneMinute, afterTwo],
    [
      [401, 200],
      [200, 200],
      [200, 401],
    ],
  )
})

test('the type of key is read without case, and anything else is refused', async () => {
  const { cloud, chat } = world()
  const url = arm(`${chat.resourceId}/regenerateKey`, '2026-03-18')
  const secondary = chat.keyOf('secondary')

  const lower = await caller(cloud)('POST', url, { keyType: 'primary' })
  const both = await caller(cloud)('POST', url, { keyType: 'Both' })
  const old = await caller(cloud)('POST', arm(`${chat.resourceId}/regenerateKey`, '2015-01-01'), { keyType: 'Primary' })

  assert.deepEqual([lower.status, lower.body.primaryKey], [200, chat.keyOf('primary')])
  assert.deepEqual([both.status, old.status], [400, 400])
  assert.equal(chat.keyOf('secondary'), secondary)
})

test('with local authentication disabled, keys are neither given nor taken', async () => {
  const { cloud, chat } = world()
  const before = chat.keys()
  chat.disableLocalAuth(true)

  const listed = await caller(cloud)('POST', arm(`${chat.resourceId}/listKeys`, '2026-03-18'))
  const regenerated = await caller(cloud)('POST', arm(`${chat.resourceId}/regenerateKey`, '2026-03-18'), {
    keyType: 'Primary',
  })
  const resource = await caller(cloud)('GET', arm(chat.resourceId, '2026-03-18'))

  assert.deepEqual([listed.status, regenerated.status], [400, 400])
  assert.equal(resource.body.properties.disableLocalAuth, true)
  assert.deepEqual([await probe(cloud, before['primary']!), chat.accepts(before['primary']!)], [401, false])
  assert.deepEqual(chat.keys(), before)
})

test('a stale listing shows the keys of its moment; the answer of a regenerate does not lag', async () => {
  const { cloud, chat } = world()
  const old = chat.keyOf('primary')
  cloud.faults.add(staleReads({ ms: 60_000 }))

  const regenerated = await caller(cloud)('POST', arm(`${chat.resourceId}/regenerateKey`, '2026-03-18'), {
    keyType: 'Primary',
  })
  const listed = await caller(cloud)('POST', arm(`${chat.resourceId}/listKeys`, '2026-03-18'))

  assert.equal(regenerated.body.primaryKey, chat.keyOf('primary'))
  assert.equal(listed.body.primaryKey, old)
})

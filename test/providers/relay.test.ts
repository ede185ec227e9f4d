// Azure Relay: what Azure was recorded to answer about authorization rules and their keys. What it has in common with Service Bus is
// tested there. The answers to both calls were also read with @azure/arm-relay 3.1.1, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { relay } from '../../src/providers/relay.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

const recorded: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/relay/tests/latest/recordings/test_relay_namespace.yaml',
  date: '2023-08-22',
}

fact(
  'the two calls on keys answer as those of Service Bus, in version 2017-04-01, with a mark in the keys',
  recorded,
  async () => {
    const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
    const handle = cloud.relay.add({ namespace: 'contoso-bridge', rule: 'listen' })
    const send = caller(cloud)
    const post = (action: string, body?: unknown) =>
      send('POST', arm(`${handle.resourceId}/${action}`, '2017-04-01'), body)

    const listed = await post('listKeys')
    const made = await post('regenerateKeys', { keyType: 'PrimaryKey' })

    assert.deepEqual([listed.status, made.status], [200, 200])
    assert.deepEqual(Object.keys(listed.body), Object.keys(made.body))
    assert.match(listed.body.primaryKey, /^[A-Za-z0-9+/]{33}\+ARm[A-Za-z0-9+/]{6}=$/)
    assert.notEqual(made.body.primaryKey, listed.body.primaryKey)
    assert.equal(made.body.secondaryKey, listed.body.secondaryKey)
    assert.equal(made.body.keyName, 'listen')
    assert.equal(
      made.body.primaryConnectionString,
      `Endpoint=sb://contoso-bridge.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=${handle.keyOf('primary')}`,
    )
  },
)

test('a rule of a hybrid connection is rotated without a request to the connection', async () => {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const at = { part: 'hybridConnections', name: 'onpremises' }
  const handle = cloud.relay.add({ namespace: 'contoso-bridge', rule: 'listen', at })
  const holder = relay.open(relay.resource.parse({ resource: handle.resourceId }), connect(cloud))
  const { signal } = new AbortController()

  await holder.read(signal)
  const made = await holder.regenerate('secondary', { signal, keepLease: async () => {}, metadata: oldMetadata() })

  assert.equal(made['secondary']!['key']!.reveal(), handle.keyOf('secondary'))
  assert.match(made['secondary']!['connectionString']!.reveal(), /;EntityPath=onpremises$/)
  assert.equal(holder.probe, undefined)
  assert.deepEqual([...new Set(cloud.history.map(({ host }) => host))], ['management.azure.com'])
})

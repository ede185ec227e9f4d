// Event Hubs: what Azure was recorded or documented to answer about authorization rules and their keys. What it has in common with
// Service Bus is tested there. The answers to both calls were also read with @azure/arm-eventhub 6.0.0, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import type { Fault } from '../../simulator/faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { eventHubs } from '../../src/providers/event-hubs.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

const recorded: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/eventhubs/tests/latest/recordings/test_eh_authorization_rule.yaml',
  date: '2023-02-15',
}
const documented: Source = {
  repository: 'learn.microsoft.com',
  file: 'rest/api/eventhub/list-event-hubs',
  date: '2024',
}

const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }
const wrongKey = Buffer.alloc(32, 7).toString('base64')

function rule(options: Partial<Parameters<Cloud['eventHubs']['add']>[0]> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.eventHubs.add({ namespace: 'contoso-telemetry', rule: 'send', ...options })
  const azure = connect(cloud)
  const holder = eventHubs.open(eventHubs.resource.parse({ resource: handle.resourceId }), azure)
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2021-11-01'), body)
  return { cloud, handle, holder, azure, post }
}

fact('the connection strings of a rule of an event hub end with its path, in both calls', recorded, async () => {
  const { handle, post } = rule({ at: { part: 'eventhubs', name: 'readings' } })

  const listed = await post('listKeys')
  const made = await post('regenerateKeys', { keyType: 'PrimaryKey' })

  const text = (key: string | undefined) =>
    `Endpoint=sb://contoso-telemetry.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key};EntityPath=readings`
  const { primary, secondary } = handle.keys()
  assert.equal(listed.body.secondaryConnectionString, text(secondary))
  assert.deepEqual([made.status, made.body.primaryConnectionString], [200, text(primary)])
  assert.notEqual(made.body.primaryKey, listed.body.primaryKey)
  assert.deepEqual(Object.keys(made.body).toSorted(), [
    'keyName',
    'primaryConnectionString',
    'primaryKey',
    'secondaryConnectionString',
    'secondaryKey',
  ])
})

fact('a key can be given, and then it is in the slot that keyType names', recorded, async () => {
  const { handle, post } = rule()
  const { primary } = handle.keys()

  const { status, body } = await post('regenerateKeys', { keyType: 'SecondaryKey', key: primary })

  assert.deepEqual([status, body.primaryKey, body.secondaryKey], [200, primary, primary])
})

fact(
  'the event hubs of a namespace are listed to a valid key, and 401 is the answer to another',
  documented,
  async () => {
    const { cloud, handle, holder, azure } = rule()

    const verdicts = [
      await holder.probe!('primary', { key: Secret.of(handle.keyOf('primary')) }, signal),
      await holder.probe!('primary', { key: Secret.of(wrongKey) }, signal),
    ]

    assert.deepEqual(verdicts, ['accepted', 'refused'])
    assert.deepEqual(
      cloud.history.filter(({ operation }) => operation === 'messaging/listEntities').map(({ status }) => status),
      [200, 401],
    )
    const { host, pathname, search } = azure.sent.at(-1)!.url
    assert.equal(
      `${host}${pathname}${search}`,
      'contoso-telemetry.servicebus.windows.net/$Resources/eventhubs?api-version=2014-01&$top=1',
    )
  },
)

fact(
  'a token that cannot be read can get 500: nothing is concluded of the key',
  { repository: 'Azure/azure-sdk-for-java', file: 'issue 44704', date: '2025' },
  async () => {
    const { cloud, handle, holder } = rule()
    const failing: Fault = {
      name: 'failing',
      install: () => ({
        before: ({ operation }) =>
          operation.operation === 'messaging/listEntities'
            ? { status: 500, text: '<Error><Code>500</Code></Error>' }
            : undefined,
      }),
    }
    cloud.faults.add(failing)

    assert.equal(await holder.probe!('primary', { key: Secret.of(handle.keyOf('primary')) }, signal), 'unknown')
  },
)

test('a swap exchanges the keys of an event hub by giving them, and the first key works throughout', async () => {
  const { cloud, handle, holder } = rule({ at: { part: 'eventhubs', name: 'readings' } })
  const { primary, secondary } = handle.keys() as { primary: string; secondary: string }
  await holder.read(signal)
  const worked: boolean[] = []
  cloud.onEffect(() => void worked.push(handle.accepts(primary)))

  await holder.swap!(call, 'secondary')

  assert.deepEqual(handle.keys(), { primary: secondary, secondary: primary })
  assert.ok(worked.length >= 4 && worked.every(Boolean))
})

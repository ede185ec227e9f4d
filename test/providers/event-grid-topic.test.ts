// Event Grid topics: what Azure was recorded or specified to answer about their keys, and the guard of the app's own topic. The answers to
// both calls were also read with @azure/arm-eventgrid 14.1.0, once, as were those of domains.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { missingPermission } from '../../simulator/faults.ts'
import { eventGridTopic } from '../../src/providers/event-grid-topic.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'

const recorded: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/eventgrid/tests/latest/recordings/test_create_topic.yaml',
  date: '2021-03-29',
}
const specified: Source = {
  repository: 'Azure/azure-rest-api-specs',
  file: 'eventgrid/stable/2025-02-15/examples/Topics_RegenerateKey.json',
  date: '2025-02-15',
}

const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }

function topic(options: Partial<Parameters<Cloud['eventGridTopics']['add']>[0]> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.eventGridTopics.add({ name: 'cli-topic', ...options })
  const holder = (isOwnKey?: (key: string) => boolean, fields: object = {}) => {
    const azure = connect(cloud)
    const guarded =
      isOwnKey === undefined ? azure : { ...azure, isOwnKey: (key: { reveal(): string }) => isOwnKey(key.reveal()) }
    return eventGridTopic.open(eventGridTopic.resource.parse({ resource: handle.resourceId, ...fields }), guarded)
  }
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2020-10-15-preview'), body)
  return { cloud, handle, holder, post }
}

/** The status of an event that is published with a key. */
async function published(cloud: Cloud, endpoint: string, key: string): Promise<number> {
  const event = { id: '1', source: '/test', type: 'Test', specversion: '1.0' }
  const headers = { 'aeg-sas-key': key, 'content-type': 'application/cloudevents-batch+json' }
  const { status } = await anonymousCaller(cloud)('POST', `${endpoint}?api-version=2018-01-01`, [event], headers)
  return status
}

fact(
  'both calls on keys answer 200 at once with both, and only the key that keyName names has changed',
  recorded,
  async () => {
    const { handle, post } = topic()
    const before = handle.keys()

    const listed = await post('listKeys')
    const made = await post('regenerateKey', { keyName: 'key1' })

    assert.deepEqual([listed.status, listed.body], [200, before])
    assert.deepEqual([made.status, made.body.key2], [200, before['key2']])
    assert.notEqual(made.body.key1, before['key1'])
    for (const name of ['location', 'azure-asyncoperation', 'retry-after']) assert.equal(made.headers.get(name), null)
  },
)

fact(
  'a regenerate may answer 202 without keys: its operation is followed, then they are listed',
  specified,
  async () => {
    const { cloud, handle, holder } = topic({ answers: 'accepted' })

    const made = await holder().regenerate('key2', call)

    assert.equal(made['key2']!['key']!.reveal(), handle.keyOf('key2'))
    const asked = cloud.history.map(({ operation }) => operation)
    assert.deepEqual(asked.slice(asked.indexOf('event-grid-topic/regenerateKey')), [
      'event-grid-topic/regenerateKey',
      // Ten seconds, at 2, 6 and 14.
      ...Array.from({ length: 3 }, () => 'event-grid-topic/getOperation'),
      'event-grid-topic/listKeys',
    ])
  },
)

test('A regenerate of a topic whose operation may not be followed is sent once, and its keys are listed', async () => {
  const { cloud, handle, holder } = topic({ answers: 'accepted' })
  cloud.faults.add(missingPermission({ action: 'Microsoft.EventGrid/locations/operationsStatus/read' }))

  const made = await holder().regenerate('key2', call)

  assert.equal(made['key2']!['key']!.reveal(), handle.keyOf('key2'))
  assert.equal(cloud.history.filter(({ effect }) => effect).length, 1)
})

test('events are accepted with the new key of a topic, and refused with the one before it', async () => {
  const { cloud, handle, holder } = topic()
  const before = handle.keyOf('key1')

  const made = await holder().regenerate('key1', call)

  const statuses = [
    await published(cloud, handle.endpoint, made['key1']!['key']!.reveal()),
    await published(cloud, handle.endpoint, before),
    await published(cloud, handle.endpoint, handle.keyOf('key2')),
  ]
  assert.deepEqual(statuses, [200, 401, 200])
})

test('the key of a topic that the app itself publishes with is not regenerated, and the other one is', async () => {
  const { handle, holder } = topic()
  const { key1, key2 } = handle.keys()
  const guarded = holder((key) => key === key1)

  await assert.rejects(guarded.regenerate('key1', call), { code: 'NotSupported' })
  await guarded.regenerate('key2', call)

  assert.equal(handle.keyOf('key1'), key1)
  assert.notEqual(handle.keyOf('key2'), key2)
})

test('The key of a topic that the app itself publishes with is regenerated where its target says so', async () => {
  const { handle, holder } = topic()
  const { key1 } = handle.keys()

  await holder((key) => key === key1, { regenerateOwnKey: true }).regenerate('key1', call)

  assert.notEqual(handle.keyOf('key1'), key1)
})

// What a topic receives, against the simulated Event Grid.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fault, simulatedCloud } from '../../simulator/cloud.ts'
import { lostAnswer, serverError } from '../../simulator/faults.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { createAnnouncer, logAnnouncer, type Topic } from '../../src/azure/event-grid.ts'
import { logTo } from '../../src/azure/log.ts'
import type { RekeyEvent } from '../../src/engine/events.ts'
import { Secret } from '../../src/engine/secret.ts'
import { wire } from './wire.ts'

const host = 'rekey.westeurope-1.eventgrid.azure.net'
const signal = new AbortController().signal

const event: RekeyEvent = {
  id: 'version-1',
  type: 'Rekey.KeyRotated',
  subject: '/targets/vision',
  time: Date.UTC(2026, 10, 21, 3, 4, 5, 678),
  data: {
    target: 'vision',
    provider: 'cognitive-services',
    resource: '/subscriptions/s',
    vault: 'https://kv.vault.azure.net',
    slot: 'Key1',
    secrets: [{ name: 'vision-key', version: 'version-1' }],
  },
}

function world(more: Partial<Topic> = {}, ...faults: readonly Fault[]) {
  const cloud = simulatedCloud({ faults })
  const topic = cloud.topic(host)
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: cloud.identity.credential(),
    httpClient: wire(cloud.fetch),
    wait: async () => {},
  })
  const announcer = createAnnouncer(
    { endpoint: `https://${host}`, schema: 'CloudEvent', source: '/rekey', ...more },
    azure,
  )
  return { cloud, topic, announcer }
}

test('a CloudEvent carries id, time, source and subject as given', async () => {
  const { topic, announcer } = world()

  await announcer.announce([event], signal)

  assert.deepEqual(topic.events, [
    {
      specversion: '1.0',
      id: 'version-1',
      source: '/rekey',
      type: 'Rekey.KeyRotated',
      subject: '/targets/vision',
      time: '2026-11-21T03:04:05.678Z',
      datacontenttype: 'application/json',
      data: event.data,
    },
  ])
})

test('an event in the Event Grid schema says the same', async () => {
  const { topic, announcer } = world({ schema: 'EventGrid' })
  topic.inputSchema = 'EventGridSchema'

  await announcer.announce([event], signal)

  assert.deepEqual(topic.events, [
    {
      id: 'version-1',
      eventType: 'Rekey.KeyRotated',
      subject: '/targets/vision',
      eventTime: '2026-11-21T03:04:05.678Z',
      dataVersion: '1.0',
      data: event.data,
    },
  ])
})

test('without a key the app’s identity is used, and with one the key', async () => {
  const byIdentity = world()
  const key = byIdentity.topic.key
  const byKey = world({ key: Secret.of(key) })

  await byIdentity.announcer.announce([event], signal)
  await byKey.announcer.announce([event], signal)

  assert.equal(byIdentity.cloud.history.at(-1)?.permission, 'Microsoft.EventGrid/events/send/action')
  assert.equal(byKey.cloud.history.at(-1)?.permission, undefined)
  assert.equal(byKey.topic.events.length, 1)
})

test('A topic with the other schema refuses the event, and the error names the setting', async () => {
  const { topic, announcer } = world()
  topic.inputSchema = 'EventGridSchema'

  await assert.rejects(announcer.announce([event], signal), { code: 'ServiceRefused', transient: false })
})

test('after a lost answer the same event is sent again with the same id', async () => {
  const { topic, announcer } = world({}, lostAnswer({ operation: 'event-grid/publish', times: 1 }))

  await announcer.announce([event], signal)

  assert.deepEqual(
    topic.events.map(({ id }) => id),
    ['version-1', 'version-1'],
  )
})

test('A topic that stays unavailable is a transient error', async () => {
  const { announcer } = world({}, serverError({ operation: 'event-grid/publish', when: 'before' }))

  await assert.rejects(announcer.announce([event], signal), { code: 'ServiceUnavailable', transient: true })
})

test('Events go in as few requests as the limit of 5,000 allows, in order, and none is sent for none', async () => {
  const { cloud, topic, announcer } = world()
  const many = Array.from(
    { length: 5001 },
    (_, n) => ({ id: `e${n}`, type: 't', subject: 's', time: 0, data: {} }) as never,
  )

  await announcer.announce([], signal)
  await announcer.announce(many, signal)

  assert.deepEqual(
    topic.events.map(({ id }) => id),
    many.map(({ id }) => id),
  )
  assert.ok(cloud.history.every(({ status }) => status < 300))
})

test('Events go in as few requests as the limit of 1 MB allows, counted in bytes', async () => {
  const { cloud, topic, announcer } = world()
  const wide = { ...event.data, resource: 'é'.repeat(100_000) }
  const many = Array.from({ length: 12 }, (_, n) => ({ ...event, id: `e${n}`, data: wide }) as RekeyEvent)

  await announcer.announce(many, signal)

  const answers = cloud.history.map(({ status }) => status)
  assert.deepEqual([topic.events.length, answers], [12, [200, 200, 200]])
})

test('with no topic, events go to the log', async () => {
  const lines: string[] = []
  const sink = (line: string) => void lines.push(line)

  await logAnnouncer(logTo({ info: sink, warn: sink, error: sink })).announce([event], signal)

  assert.match(
    lines[0] ?? '',
    /^event \{"id":"version-1","type":"Rekey\.KeyRotated".*"time":"2026-11-21T03:04:05\.678Z"\}$/,
  )
})

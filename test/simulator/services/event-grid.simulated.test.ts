// Event Grid topics and Application Insights: what is sent to them is kept.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ConnectionLost, simulatedCloud } from '../../../simulator/cloud.ts'
import { anonymousCaller, caller } from '../raw-caller.ts'

const host = 'rekey.westeurope-1.eventgrid.azure.net'
const url = `https://${host}/api/events?api-version=2018-01-01`
const cloudEvent = { id: '1', source: 'rekey', type: 'Rekey.KeyRotated', specversion: '1.0', data: { a: 1 } }
const gridEvent = {
  id: '1',
  subject: 's',
  eventType: 'Rekey.KeyRotated',
  eventTime: '2026-01-01T00:00:00Z',
  dataVersion: '1',
  data: {},
}
const cloudEvents = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }

test('an Event Grid topic keeps the events it receives, repeats included', async () => {
  const cloud = simulatedCloud()
  const topic = cloud.topic(host)

  await caller(cloud)('POST', url, [cloudEvent], cloudEvents)
  const answer = await anonymousCaller(cloud)('POST', url, [cloudEvent], { ...cloudEvents, 'aeg-sas-key': topic.key })

  assert.deepEqual([answer.status, answer.text], [200, ''])
  assert.deepEqual(topic.events, [cloudEvent, cloudEvent])
})

test('events in the other schema, or incomplete ones, are refused', async () => {
  const cloud = simulatedCloud()
  const topic = cloud.topic(host)
  const call = caller(cloud)

  const other = await call('POST', url, [gridEvent], { 'content-type': 'application/json' })
  const wrongType = await call('POST', url, [cloudEvent], { 'content-type': 'application/json' })
  const incomplete = await call('POST', url, [{ ...cloudEvent, type: undefined }], cloudEvents)
  topic.inputSchema = 'EventGridSchema'
  const fitting = await call('POST', url, [gridEvent], { 'content-type': 'application/json' })

  assert.deepEqual([other.status, wrongType.status, incomplete.status, fitting.status], [400, 400, 400, 200])
  assert.deepEqual(topic.events, [gridEvent])
})

test('Event Grid refuses an invalid key with 401, a missing role with 403, a key where only tokens are accepted with 401; none is an effect', async () => {
  const cloud = simulatedCloud()
  const topic = cloud.topic(host)
  const heard: unknown[] = []
  cloud.onEffect((effect) => heard.push(effect))

  const bad = await anonymousCaller(cloud)('POST', url, [cloudEvent], { ...cloudEvents, 'aeg-sas-key': 'no' })
  const none = await anonymousCaller(cloud)('POST', url, [cloudEvent], cloudEvents)
  topic.disableLocalAuth = true
  const disabled = await anonymousCaller(cloud)('POST', url, [cloudEvent], { ...cloudEvents, 'aeg-sas-key': topic.key })
  cloud.identity.deny('Microsoft.EventGrid/events/send/action', topic.resourceId)
  const denied = await caller(cloud)('POST', url, [cloudEvent], cloudEvents)

  assert.deepEqual([bad.status, none.status, disabled.status, denied.status], [401, 401, 401, 403])
  assert.deepEqual([heard, topic.events], [[], []])
})

test('a topic or a vault that does not exist does not answer', async () => {
  const call = caller(simulatedCloud())

  await assert.rejects(call('POST', url, [cloudEvent], cloudEvents), ConnectionLost)
  await assert.rejects(call('GET', 'https://kv-none.vault.azure.net/secrets?api-version=7.5'), ConnectionLost)
})

test('telemetry is kept, whether lines or an array, gzipped or not', async () => {
  const cloud = simulatedCloud()
  const track = 'https://westeurope-5.in.applicationinsights.azure.com/v2.1/track'
  const send = (body: string | Buffer, headers = {}) =>
    cloud.fetch(new Request(track, { method: 'POST', body, headers }))

  await send('{"name":"a"}\n{"name":"b"}\n')
  const answer = await send(gzipSync('[{"name":"c"}]'), { 'content-encoding': 'gzip' })

  assert.deepEqual(await answer.json(), { itemsReceived: 1, itemsAccepted: 1, errors: [] })
  assert.deepEqual(cloud.telemetry, [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
})

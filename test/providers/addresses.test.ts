// Tokens and keys go to the services' own addresses, whatever an answer says.

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Fault } from '../../simulator/faults.ts'
import type { Reply } from '../../simulator/service-operations.ts'
import { Secret } from '../../src/engine/secret.ts'
import { cognitiveServices } from '../../src/providers/cognitive-services.ts'
import { communicationServices } from '../../src/providers/communication-services.ts'
import { iotHubPolicy } from '../../src/providers/iot-hub-policy.ts'
import { failure, type Opened, opened } from './opened.ts'

const strange = 'https://management.azure.com.example.com/next'

test('A next page on an untrusted host is not requested', async () => {
  const on = opened(iotHubPolicy)
  const fault = replies('iot-hub/listKeys', (reply) => ({
    ...reply,
    body: { ...(reply.body as object), nextLink: strange },
  }))

  const error = await failure(on, [fault], () => on.holder.regenerate('primary', on.call))

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.deepEqual(hostsAsked(on), ['management.azure.com'])
})

test('An operation on an untrusted host is not polled: the hub itself is read until the write has ended', async () => {
  const near = 'https://not-management.azure.com/next'
  for (const address of [strange, near, 'http://management.azure.com/next', 'nowhere']) {
    const on = opened(iotHubPolicy)
    const fault = replies('iot-hub/putHub', (reply) => ({ ...reply, headers: { 'azure-asyncoperation': address } }))

    on.cloud.faults.add(fault)

    const made = await on.holder.regenerate('primary', on.call)

    assert.equal(made['primary']!['key']!.reveal(), on.handle.keyOf('primary'))
    assert.deepEqual(hostsAsked(on), ['management.azure.com'])
    assert.ok(!on.azure.sent.some(({ url }) => /operationResults|next/.test(url.pathname)))
  }
})

test('A write without an address to poll has ended when the hub itself shows it', async () => {
  const on = opened(iotHubPolicy)
  on.cloud.faults.add(replies('iot-hub/putHub', (reply) => ({ status: 202, body: reply.body })))

  const made = await on.holder.regenerate('primary', on.call)

  assert.equal(made['primary']!['key']!.reveal(), on.handle.keyOf('primary'))
})

test('A write that is answered as done is not polled', async () => {
  const on = opened(iotHubPolicy)
  on.cloud.faults.add(replies('iot-hub/putHub', (reply) => ({ status: 200, body: reply.body })))

  await on.holder.regenerate('primary', on.call)

  assert.ok(!on.azure.sent.some(({ url }) => url.pathname.includes('operationResults')))
})

test('a signed request goes over TLS, though the service may write http into its connection strings', async () => {
  const on = opened(communicationServices)
  const plain = (text: unknown) => String(text).replace('https://', 'http://')
  on.cloud.faults.add(
    replies('communication-services/listKeys', (reply) => {
      const body = reply.body as Record<string, unknown>
      const primaryConnectionString = plain(body['primaryConnectionString'])
      return { ...reply, body: { ...body, primaryConnectionString } }
    }),
  )
  const { primary } = await on.holder.read(on.signal)

  const verdict = await on.holder.probe!('primary', primary!, on.signal)

  assert.equal(verdict, 'accepted')
  assert.deepEqual(new Set(on.azure.sent.map(({ url }) => url.protocol)), new Set(['https:']))
})

for (const endpoint of [
  'http://vision.cognitiveservices.azure.com/',
  'https://evil.example/',
  'https://vision.cognitiveservices.azure.com.evil.example/',
  'https://vision.cognitiveservices.azure.us/',
  'https://vision.cognitiveservices.azure.com:8443/',
  'https://someone@vision.cognitiveservices.azure.com/',
  'https://169.254.169.254/',
]) {
  test(`an account whose endpoint is ${endpoint} gets no key, and the log says which host was refused`, async () => {
    const on = opened(cognitiveServices)
    on.cloud.faults.add(
      replies('cognitive-services/getAccount', (reply) => ({
        ...reply,
        body: { ...(reply.body as object), properties: { endpoint, endpoints: { 'Token Service API': endpoint } } },
      })),
    )

    const verdict = await on.holder.probe!('Key1', { key: Secret.of(on.handle.keyOf('Key1')) }, on.signal)

    assert.equal(verdict, 'unknown')
    assert.deepEqual(hostsAsked(on), ['management.azure.com'])
    assertRefusalLogged(on, new URL(endpoint).hostname)
  })
}

for (const endpoint of ['https://evil.example/', 'https://chat.europe.communication.azure.com.evil.example/']) {
  test(`a connection string whose endpoint is ${endpoint} gets no signature, and the log says which host was refused`, async () => {
    const on = opened(communicationServices)
    on.cloud.faults.add(
      replies('communication-services/listKeys', (reply) => {
        const { primaryKey, ...body } = reply.body as Record<string, unknown>
        const primaryConnectionString = `endpoint=${endpoint};accesskey=${primaryKey}`
        return { ...reply, body: { ...body, primaryKey, primaryConnectionString } }
      }),
    )
    const { primary } = await on.holder.read(on.signal)

    const verdict = await on.holder.probe!('primary', primary!, on.signal)

    assert.equal(verdict, 'unknown')
    assert.deepEqual(hostsAsked(on), ['management.azure.com'])
    assertRefusalLogged(on, new URL(endpoint).hostname)
  })
}

test("A key is not sent to the host in the vault's connection string", async () => {
  const on = opened(communicationServices)
  const key = on.handle.keyOf('primary')
  const connectionString = Secret.of(`endpoint=https://elsewhere.europe.communication.azure.com/;accesskey=${key}`)

  const verdict = await on.holder.probe!('primary', { connectionString }, on.signal)

  assert.equal(verdict, 'accepted')
  assert.deepEqual(hostsAsked(on), ['chat.europe.communication.azure.com', 'management.azure.com'])
})

/** One line, which names the host and holds no key. */
function assertRefusalLogged({ logged, cloud }: Opened, host: string): void {
  assert.deepEqual(
    logged.map((line) => line['host']),
    [host],
  )
  const text = JSON.stringify(logged)
  assert.ok(![...cloud.minted].some((secret) => text.includes(secret)))
}

function hostsAsked({ azure }: Opened): string[] {
  return [...new Set(azure.sent.map(({ url }) => url.host))].toSorted()
}

function replies(operation: string, change: (reply: Reply) => Reply): Fault {
  return {
    name: 'replies',
    install: () => ({
      after: (call, reply) => (call.operation.operation === operation ? change(reply) : undefined),
    }),
  }
}

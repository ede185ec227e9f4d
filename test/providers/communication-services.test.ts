// What is particular to Communication Services: the address of the probe comes out of a connection string.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Secret } from '../../src/engine/secret.ts'
import { communicationServices } from '../../src/providers/communication-services.ts'
import { assertRefusalLogged, hostsAsked, replies } from './addresses.ts'
import { opened } from './opened.ts'

test('A signed request goes over TLS, though the service may write http into its connection strings', async () => {
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

for (const endpoint of ['https://evil.example/', 'https://chat.europe.communication.azure.com.evil.example/']) {
  test(`A connection string whose endpoint is ${endpoint} gets no signature, and the log says which host was refused`, async () => {
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

test("The vault's connection string does not say where its key is shown", async () => {
  const on = opened(communicationServices)
  const key = on.handle.keyOf('primary')
  const connectionString = Secret.of(`endpoint=https://elsewhere.europe.communication.azure.com/;accesskey=${key}`)

  const verdict = await on.holder.probe!('primary', { connectionString }, on.signal)

  assert.equal(verdict, 'accepted')
  assert.deepEqual(hostsAsked(on), ['chat.europe.communication.azure.com', 'management.azure.com'])
})

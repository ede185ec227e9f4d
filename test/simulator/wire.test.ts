// Unmodified SDK clients reach it by Azure's real names, over TLS with verification on.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CognitiveServicesManagementClient } from '@azure/arm-cognitiveservices'
import { AzureKeyCredential, EventGridPublisherClient } from '@azure/eventgrid'
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity'
import { SecretClient } from '@azure/keyvault-secrets'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { lostAnswer, serverError, truncatedBody } from '../../simulator/faults.ts'
import { redirectAzure } from '../../simulator/redirect.ts'
import { type SimulatorServer, startServer } from '../../simulator/server.ts'

const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'
const once = { retryOptions: { maxRetries: 0 } }

let cloud: Cloud
let server: SimulatorServer
let undo: () => void
const outside = { endpoint: process.env['IDENTITY_ENDPOINT'], header: process.env['IDENTITY_HEADER'] }

before(async () => {
  cloud = simulatedCloud({ seed: 7 })
  server = await startServer(cloud)
  undo = redirectAzure({ port: server.port, ca: server.caPem })
  process.env['IDENTITY_ENDPOINT'] = server.environment['IDENTITY_ENDPOINT']
  process.env['IDENTITY_HEADER'] = server.environment['IDENTITY_HEADER']
})

after(async () => {
  undo()
  restore('IDENTITY_ENDPOINT', outside.endpoint)
  restore('IDENTITY_HEADER', outside.header)
  await server.close()
})

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

function cognitiveClient(): CognitiveServicesManagementClient {
  const subscription = '11111111-2222-3333-4444-555555555555'
  return new CognitiveServicesManagementClient(new ManagedIdentityCredential(), subscription, {
    ...once,
    apiVersion: '2023-05-01',
  })
}

test('the Cognitive Services client lists and regenerates with a managed identity’s token', async () => {
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const client = cognitiveClient()

  const listed = await client.accounts.listKeys('rg', 'vision')
  const regenerated = await client.accounts.regenerateKey('rg', 'vision', 'Key2')
  const got = await client.accounts.get('rg', 'vision')

  assert.equal(listed.key1, account.keyOf('Key1'))
  assert.equal(regenerated.key2, account.keyOf('Key2'))
  assert.notEqual(regenerated.key2, listed.key2)
  assert.equal(got.properties?.endpoint, account.endpoint)
})

test('the Key Vault client passes the challenge, sets, reads, updates, pages and deletes', async () => {
  const vault = cloud.vault('kv-prod.vault.azure.net')
  const client = new SecretClient(vault.url, new ManagedIdentityCredential(), once)
  for (let i = 0; i < 30; i += 1) vault.set(`other-${i}`, 'v')

  const made = await client.setSecret('vision-key', 'value', {
    tags: { a: 'b' },
    expiresOn: new Date(1_800_000_000_000),
  })
  await client.updateSecretProperties('vision-key', made.properties.version!, { tags: { c: 'd' } })
  const read = await client.getSecret('vision-key')
  const names: string[] = []
  for await (const { name } of client.listPropertiesOfSecrets()) names.push(name)
  vault.delete('vision-key')

  assert.deepEqual(
    [read.value, read.properties.tags, read.properties.expiresOn?.getTime()],
    ['value', { c: 'd' }, 1_800_000_000_000],
  )
  assert.equal(new Set(names).size, 31)
  await assert.rejects(client.getSecret('vision-key'), { statusCode: 404, code: 'SecretNotFound' })
  await assert.rejects(client.setSecret('vision-key', 'x'), { statusCode: 409, code: 'Conflict' })
})

test('the Event Grid client publishes by token and by key, in both schemas', async () => {
  const topic = cloud.topic(topicHost)
  const byToken = new EventGridPublisherClient(topic.endpoint, 'CloudEvent', new ManagedIdentityCredential())
  const byKey = new EventGridPublisherClient(topic.endpoint, 'EventGrid', new AzureKeyCredential(topic.key))

  await byToken.send([{ id: 'one', type: 'Rekey.KeyRotated', source: 'rekey', data: {} }])
  topic.inputSchema = 'EventGridSchema'
  await byKey.send([{ id: 'two', eventType: 'Rekey.KeyRotated', subject: '/targets/a', dataVersion: '1', data: {} }])

  assert.deepEqual(
    topic.events.map(({ id }) => id),
    ['one', 'two'],
  )
})

test('a client secret’s token comes from login.microsoftonline.com, in this machine', async () => {
  const credential = new ClientSecretCredential(cloud.identity.tenant, 'some-app', 'some-secret')

  const token = await credential.getToken('https://vault.azure.net/.default')

  assert.equal(cloud.identity.find(token.token)?.caller, 'some-app')
})

test('a lost answer resets the connection, a truncated one does not parse, an empty 5xx arrives empty', async (t) => {
  t.after(() => cloud.faults.clear())
  const account = cloud.cognitiveServices.add({ name: 'faulty' })
  const client = cognitiveClient()
  await client.accounts.listKeys('rg', 'faulty')
  const keys = [account.keyOf('Key1')]

  cloud.faults.add(lostAnswer({ operation: 'cognitive-services/regenerateKey', times: 1 }))
  await assert.rejects(client.accounts.regenerateKey('rg', 'faulty', 'Key1'), { code: 'ECONNRESET' })
  keys.push(account.keyOf('Key1'))
  cloud.faults.add(truncatedBody({ operation: 'cognitive-services/regenerateKey', times: 1 }))
  await assert.rejects(client.accounts.regenerateKey('rg', 'faulty', 'Key1'), { code: 'PARSE_ERROR' })
  keys.push(account.keyOf('Key1'))
  cloud.faults.add(serverError({ when: 'before', body: 'empty', status: 502 }))
  await assert.rejects(client.accounts.regenerateKey('rg', 'faulty', 'Key1'), { statusCode: 502 })

  assert.equal(new Set(keys).size, 3)
  assert.equal(account.keyOf('Key1'), keys[2])
})

test('an answer that never comes ends at the caller’s own limit', async (t) => {
  t.after(() => cloud.faults.clear())
  cloud.cognitiveServices.add({ name: 'silent' })
  const client = cognitiveClient()
  await client.accounts.listKeys('rg', 'silent')
  cloud.faults.add(lostAnswer({ how: 'silence', operation: 'cognitive-services' }))

  const call = client.accounts.listKeys('rg', 'silent', { abortSignal: AbortSignal.timeout(50) })

  await assert.rejects(call, { name: 'AbortError' })
})

test('connections to hosts that are not Azure’s are refused with the reason', async () => {
  await assert.rejects(fetch('https://example.com/'), (error: Error) => {
    assert.match(String(error.cause), /The simulated Azure refuses a connection to example\.com/)
    return true
  })
})

test('certificates are verified: the authority of another run is not trusted', async (t) => {
  const otherRun = await startServer(simulatedCloud())
  const undoOtherRun = redirectAzure({ port: server.port, ca: otherRun.caPem })
  t.after(async () => {
    undoOtherRun()
    await otherRun.close()
  })

  const call = fetch('https://graph.microsoft.us/v1.0/nothing')

  await assert.rejects(call, (error: Error) => {
    assert.match(String(error.cause), /certificate/)
    return true
  })
})

// The local host runs a built app as the Functions runtime would: a process of its own, Azurite's queues.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { QueueServiceClient } from '@azure/storage-queue'
import { type HostChild, spawnHost } from '../../simulator/local/host-child.ts'
import { type Azurite, startAzurite } from '../../simulator/local/run-azurite.ts'
import { type TemporaryApp, temporaryApp } from './local-app.ts'

const source = `
import { app } from '@azure/functions'
const seen = []
app.http('greet', { route: 'greet/{name:alpha}', methods: ['GET', 'POST'], authLevel: 'function', handler: async (request, context) => {
  context.warn('greeting', { name: request.params.name })
  return { status: 201, headers: { 'x-made-by': 'greet' }, jsonBody: {
    name: request.params.name, q: request.query.get('q'), key: request.headers.get('x-functions-key'), body: await request.text() } }
} })
app.http('anyone', { route: 'greet/{*rest}', methods: ['GET'], authLevel: 'anonymous', handler: (request) => ({ body: 'rest ' + request.params.rest }) })
app.http('literal', { route: 'greet/everybody', methods: ['GET'], authLevel: 'anonymous', handler: () => ({ body: 'literal' }) })
app.http('secret', { route: 'secret', authLevel: 'admin', handler: () => {} })
app.http('throws', { authLevel: 'anonymous', handler: () => { throw new Error('thrown on purpose', { cause: new Error('deep cause') }) } })
app.http('slow', { authLevel: 'anonymous', handler: () => new Promise(() => {}) })
app.http('seen', { authLevel: 'anonymous', handler: () => ({ jsonBody: seen }) })
app.timer('tick', { schedule: '%TICK%', handler: (timer) => { seen.push({ tick: timer }) } })
app.timer('yearly', { schedule: '0 0 0 1 1 *', handler: (timer) => { seen.push({ yearly: timer }) } })
app.timer('missed', { schedule: '0 0 0 1 1 *', handler: (timer) => { seen.push({ missed: timer }) } })
app.timer('broken', { schedule: '%NOT_SET%', handler: () => {} })
app.storageQueue('work', { queueName: '%QUEUE%', connection: 'AzureWebJobsStorage', handler: (message, context) => {
  seen.push({ work: message, count: context.triggerMetadata.dequeueCount })
  if (message.fail) throw new Error('cannot work')
} })
app.eventGrid('event', { handler: (event) => { seen.push({ event }) } })
`
const queueSettings = { batchSize: 4, newBatchThreshold: 2, maxDequeueCount: 2, messageEncoding: 'base64' }

const before2000 = '1999-12-31T00:00:00.000Z'

let built: TemporaryApp
let azurite: Azurite
let host: HostChild
const lines: string[] = []

before(async () => {
  ;[built, azurite] = await Promise.all([
    temporaryApp(source, { functionTimeout: '00:00:01', extensions: { queues: queueSettings } }),
    startAzurite(),
  ])
  host = await spawnHost({
    directory: built.directory,
    port: 0,
    settings: { AzureWebJobsStorage: azurite.connectionString, TICK: '* * * * * *', QUEUE: 'work-items' },
    timers: { missed: { Last: before2000, Next: before2000, LastUpdated: before2000 } },
    onLine: (line) => lines.push(line),
  })
})

after(async () => {
  await host?.stop()
  await azurite?.close()
  built?.remove()
})

const get = (path: string, key?: string) =>
  fetch(`${host.url}${path}`, { headers: key === undefined ? {} : { 'x-functions-key': key } })

/** Lines travel through a pipe of their own: the answer may be here before them. */
const logged = (line: RegExp) => until(async () => line.test(lines.join('\n')))

type Seen = Readonly<Record<string, unknown>>
async function seen(match: (entry: Seen) => boolean): Promise<Seen> {
  for (let tries = 0; tries < 200; tries++) {
    const entries = (await (await get('/api/seen')).json()) as Seen[]
    const found = entries.find(match)
    if (found !== undefined) return found
    await pause(25)
  }
  assert.fail(`nothing seen in 5 s; the host wrote:\n${lines.slice(-20).join('\n')}`)
}

test('a request reaches its function with parameters, query, key and body, and its answer comes back', async () => {
  const response = await fetch(`${host.url}/api/greet/ada?q=1%202`, {
    method: 'POST',
    headers: { 'x-functions-key': host.keys.functions['greet'] ?? '' },
    body: 'hello ünïcode',
  })

  assert.equal(response.status, 201)
  assert.equal(response.headers.get('x-made-by'), 'greet')
  assert.deepEqual(await response.json(), {
    name: 'ada',
    q: '1 2',
    key: host.keys.functions['greet'],
    body: 'hello ünïcode',
  })
})

test('a function key opens its own function only, a host key every one, the master key the management routes too', async () => {
  const { functions, host: hostKey, master, eventGrid } = host.keys
  const statuses = async (path: string, keys: (string | undefined)[]) =>
    Promise.all(keys.map(async (key) => (await get(path, key)).status))

  assert.deepEqual(
    await statuses('/api/greet/ada', [undefined, 'wrong', functions['literal'], eventGrid]),
    [401, 401, 401, 401],
  )
  assert.deepEqual(await statuses('/api/greet/ada', [functions['greet'], hostKey, master]), [201, 201, 201])
  assert.equal((await get(`/api/greet/ada?code=${functions['greet']}`)).status, 201)
  assert.deepEqual(await statuses('/api/secret', [functions['secret'], hostKey, master]), [401, 401, 204])
  assert.deepEqual(await statuses('/admin/functions', [undefined, hostKey, master]), [401, 401, 200])
})

test('the more literal route wins, and a path that fails a constraint falls through to the next', async () => {
  assert.equal(await (await get('/api/greet/everybody')).text(), 'literal')
  assert.equal(await (await get('/api/greet/r2/d2')).text(), 'rest r2/d2')
})

test('an unknown route is 404, and so is a known one with another method', async () => {
  assert.equal((await get('/api/nothing')).status, 404)
  assert.equal((await fetch(`${host.url}/api/greet/everybody`, { method: 'DELETE' })).status, 404)
})

test('a function that throws is a 500 with nothing in it, and the error with its cause is in the log', async () => {
  const response = await get('/api/throws')

  assert.equal(response.status, 500)
  assert.equal(await response.text(), '')
  await logged(/error Function\.throws \[.+\] Executed 'Functions\.throws' \(Failed, .*thrown on purpose/)
  await logged(/deep cause/)
})

test('a function that outlasts functionTimeout is a 500', async () => {
  const response = await get('/api/slow')

  assert.equal(response.status, 500)
  await logged(/Timeout value of 1 s was exceeded by the function/)
})

test("an app's own log lines carry level, function and invocation", async () => {
  await get('/api/greet/ada', host.keys.host)

  await logged(/Z warning Function\.greet\.User \[[0-9a-f-]{36}\] greeting \{ name: 'ada' \}/)
})

test('a timer fires by its schedule, and knows when it ran last and runs next', async () => {
  const first = await seen(({ tick }) => tick !== undefined)
  const later = await seen(({ tick }) => (tick as Timer | undefined)?.scheduleStatus.last.startsWith('20') === true)

  assert.match((first['tick'] as Timer).scheduleStatus.last, /^0001-01-01/)
  const { last, next } = (later['tick'] as Timer).scheduleStatus
  assert.equal(Date.parse(next) - Date.parse(last), 1000)
})

interface Timer {
  readonly isPastDue: boolean
  readonly scheduleStatus: { readonly last: string; readonly next: string }
}

test('an occurrence that was missed while nothing ran is made up for at the start, and reported as past due', async () => {
  const { missed } = await seen((entry) => entry['missed'] !== undefined)

  assert.equal((missed as Timer).isPastDue, true)
  assert.equal((missed as Timer).scheduleStatus.last, before2000)
})

test('a management call fires a timer at once, and is 404 for an unknown function', async () => {
  const call = (name: string) =>
    fetch(`${host.url}/admin/functions/${name}`, {
      method: 'POST',
      headers: { 'x-functions-key': host.keys.master, 'content-type': 'application/json' },
      body: '{"input":""}',
    })

  assert.equal((await call('yearly')).status, 202)
  const { yearly } = await seen((entry) => entry['yearly'] !== undefined)
  assert.equal((yearly as Timer).isPastDue, false)
  assert.match((yearly as Timer).scheduleStatus.next, /^\d{4}-01-01T00:00:00/)
  assert.equal((await call('unknown')).status, 404)
})

test('a function whose setting is missing does not start, and all others run', async () => {
  assert.deepEqual(host.errors, { broken: "'%NOT_SET%' does not resolve to a value." })
  assert.equal(host.functions.length, 12)
})

test('a queue message reaches its function as an object, with its dequeue count', async () => {
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('work-items')
  await queue.sendMessage(Buffer.from('{"id":"good"}').toString('base64'))

  const entry = await seen(({ work }) => (work as { id?: string } | undefined)?.id === 'good')

  assert.equal(entry['count'], 1)
  await until(async () => (await queue.getProperties()).approximateMessagesCount === 0)
})

test('a message that fails comes back, and lies in the poison queue at its last try; so does one that is not base64', async () => {
  const service = QueueServiceClient.fromConnectionString(azurite.connectionString)
  const failing = Buffer.from('{"id":"bad","fail":true}').toString('base64')
  await service.getQueueClient('work-items').sendMessage(failing)
  await service.getQueueClient('work-items').sendMessage('{"id":"raw"}')

  await seen(({ work, count }) => (work as { id?: string } | undefined)?.id === 'bad' && count === 2)
  const poison = service.getQueueClient('work-items-poison')
  await until(async () => (await poison.exists()) && (await poison.getProperties()).approximateMessagesCount === 2)

  const { peekedMessageItems } = await poison.peekMessages({ numberOfMessages: 5 })
  assert.deepEqual(peekedMessageItems.map(({ messageText }) => messageText).sort(), [failing, '{"id":"raw"}'].sort())
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return
    await pause(25)
  }
  assert.fail(`it did not come about in 5 s; the host wrote:\n${lines.slice(-20).join('\n')}`)
}

test('events of both schemas reach their function, one run each, for the system key only', async () => {
  const deliver = (functionName: string, key: string, contentType: string, body: unknown) =>
    fetch(`${host.url}/runtime/webhooks/EventGrid?functionName=${functionName}&code=${key}`, {
      method: 'POST',
      headers: { 'aeg-event-type': 'Notification', 'content-type': contentType },
      body: JSON.stringify(body),
    })
  const cloudEvent = { specversion: '1.0', id: 'a', type: 'Microsoft.KeyVault.SecretNearExpiry', data: { Id: 'x' } }
  const gridEvents = [
    { id: 'b', eventType: 'Microsoft.KeyVault.SecretExpired', data: {} },
    { id: 'c', eventType: 'Microsoft.KeyVault.SecretExpired', data: {} },
  ]

  const statuses = [
    (await deliver('event', host.keys.host, 'application/json', gridEvents)).status,
    (await deliver('greet', host.keys.eventGrid, 'application/json', gridEvents)).status,
    (await deliver('event', host.keys.eventGrid, 'application/cloudevents+json', cloudEvent)).status,
    (await deliver('event', host.keys.eventGrid, 'application/json', gridEvents)).status,
  ]

  assert.deepEqual(statuses, [401, 404, 202, 202])
  const event = (id: string) => seen((entry) => (entry['event'] as { id?: string } | undefined)?.id === id)
  assert.deepEqual((await event('a'))['event'], cloudEvent)
  assert.deepEqual((await event('b'))['event'], gridEvents[0])
  assert.deepEqual((await event('c'))['event'], gridEvents[1])
})

test('the validation handshake of a subscription is answered', async () => {
  const response = await fetch(
    `${host.url}/runtime/webhooks/EventGrid?functionName=event&code=${host.keys.eventGrid}`,
    {
      method: 'POST',
      headers: { 'aeg-event-type': 'SubscriptionValidation' },
      body: JSON.stringify([{ data: { validationCode: '42' } }]),
    },
  )

  assert.deepEqual(await response.json(), { validationResponse: '42' })
})

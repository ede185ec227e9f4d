// How often a call is sent, and how long it waits between attempts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CognitiveServicesManagementClient } from '@azure/arm-cognitiveservices'
import { createAzureClients, type RawRequest } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { inLimit } from '../../src/azure/storage.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { callLimit } from '../../src/engine/target.ts'
import { anyToken, canned, cut, json, wire } from './wire.ts'

const busy = json(503, {})
const keys = json(200, { key1: 'one', key2: 'two' })

function azureAgainst(...answers: readonly (() => Response)[]) {
  const { fetch, sent } = canned(...answers)
  const pauses: number[] = []
  let time = 0
  const wait = async (ms: number) => {
    pauses.push(ms)
    time += ms
  }
  const around = { cloud: clouds.public, credential: anyToken, httpClient: wire(fetch) }
  const azure = createAzureClients({ ...around, wait, monotonic: () => time })
  return { azure, sent, pauses }
}

function get(more: Partial<RawRequest> = {}): RawRequest {
  const signal = new AbortController().signal
  return {
    method: 'GET',
    url: 'https://graph.microsoft.com/v1.0/x',
    attempts: 'retry',
    signal,
    operation: 'GET x',
    ...more,
  }
}

test('a read is sent again after 5xx and after a cut connection, with growing pauses', async () => {
  const { azure, sent, pauses } = azureAgainst(busy, cut, busy, keys)

  const answer = await azure.send(get())

  assert.deepEqual(answer.body, { key1: 'one', key2: 'two' })
  assert.equal(sent.length, 4)
  assert.deepEqual(pauses, [500, 1000, 2000])
})

test('a read is sent four times at most', async () => {
  const { azure, sent } = azureAgainst(busy)

  await assert.rejects(azure.send(get()), { code: 'ServiceUnavailable' })

  assert.equal(sent.length, 4)
})

test('A generated client whose answer was cut short reads again', async () => {
  const half = () => new Response('{"key1":"o', { status: 200, headers: { 'content-type': 'application/json' } })
  const { azure, sent } = azureAgainst(half, keys)
  const client = new CognitiveServicesManagementClient(anyToken, 'sub', azure.sdk('retry'))

  const answer = await client.accounts.listKeys('group', 'vision')

  assert.equal(answer.key1, 'one')
  assert.equal(sent.length, 2)
})

test('408 is tried again; 501 and 505 are not', async () => {
  const counts = []
  for (const status of [408, 501, 505]) {
    const { azure, sent } = azureAgainst(json(status, {}))
    await assert.rejects(azure.send(get()))
    counts.push(sent.length)
  }

  assert.deepEqual(counts, [4, 1, 1])
})

test('every call ends at the call limit, however long its caller has', async (t) => {
  const limits: number[] = []
  t.mock.method(AbortSignal, 'timeout', (ms: number) => {
    limits.push(ms)
    return AbortSignal.abort()
  })
  const { azure } = azureAgainst(keys)

  await assert.rejects(azure.send(get()), { code: 'ServiceUnavailable' })
  await assert.rejects(azure.send(get({ attempts: 'once' })), { code: 'ServiceUnavailable' })

  assert.deepEqual(limits, [callLimit, callLimit])
  assert.equal(inLimit(new AbortController().signal).aborted, true)
})

test('a token goes only with calls of its own scope', async () => {
  const { fetch, sent } = canned(keys)
  const credential = {
    getToken: async (scope: string | string[]) => ({
      token: `for ${scope}`,
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  }
  const azure = createAzureClients({ cloud: clouds.public, credential, httpClient: wire(fetch) })

  for (const attempts of ['retry', 'once'] as const) {
    for (const scope of ['a', 'b', undefined]) await azure.send(get({ attempts, ...(scope ? { scope } : {}) }))
  }

  const carried = sent.map(({ headers }) => headers.get('authorization'))
  assert.deepEqual(carried, ['Bearer for a', 'Bearer for b', null, 'Bearer for a', 'Bearer for b', null])
})

test('A 429 without Retry-After is waited for 1, 2 and 4 seconds, as Key Vault advises', async () => {
  const { azure, sent, pauses } = azureAgainst(json(429, {}))

  const error = await azure.send(get()).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.deepEqual([error.code, error.details.retryAfter], ['Throttled', 30_000])
  assert.deepEqual([sent.length, pauses], [4, [1000, 2000, 4000]])
})

test('A Retry-After whose date has no Date beside it, or is not a date, is ignored', async () => {
  for (const headers of [{ 'retry-after': 'Sun, 21 Nov 1999 08:00:07 GMT' }, { 'retry-after': 'soon' }]) {
    const { azure, pauses } = azureAgainst(json(429, {}, headers as never), keys)

    await azure.send(get())

    assert.deepEqual(pauses, [1000])
  }
})

test('An address with :443, as Azure’s next links have it, is the same host, and gets its token', async () => {
  const { azure, sent } = azureAgainst(keys)
  const scope = 'https://management.azure.com/.default'

  await azure.send(get({ url: 'https://management.azure.com:443/subscriptions/s', scope }))

  assert.equal(sent[0]?.headers.get('authorization'), 'Bearer token')
})

test('Retry-After is waited for', async () => {
  const { azure, pauses } = azureAgainst(json(429, {}, { 'retry-after': '7' }), keys)

  await azure.send(get())

  assert.deepEqual(pauses, [7000])
})

test('Retry-After in milliseconds is waited for, under either of its names', async () => {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const { azure, pauses } = azureAgainst(json(429, {}, { [name]: '1700', 'retry-after': '7' }), keys)

    await azure.send(get())

    assert.deepEqual(pauses, [1700])
  }
})

test('a Retry-After that is a date counts from the date of the answer, whatever our clock says', async () => {
  const headers = { date: 'Sun, 21 Nov 1999 08:00:00 GMT', 'retry-after': 'Sun, 21 Nov 1999 08:00:07 GMT' }
  const { azure, pauses } = azureAgainst(json(429, {}, headers), keys)

  await azure.send(get())

  assert.deepEqual(pauses, [7000])
})

test('a call goes on as long as its limit allows: each pause counts once', async () => {
  const { azure, sent, pauses } = azureAgainst(json(429, {}, { 'retry-after': '9' }))

  await assert.rejects(azure.send(get()), { code: 'Throttled' })

  assert.deepEqual(pauses, [9000, 9000])
  assert.equal(sent.length, 3)
})

test('A Retry-After too long for the call is handed on instead of waited for', async () => {
  const { azure, sent, pauses } = azureAgainst(json(429, {}, { 'retry-after': '600' }))

  const error = await azure.send(get()).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'Throttled')
  assert.equal(error.details.retryAfter, 600_000)
  assert.equal(sent.length, 1)
  assert.deepEqual(pauses, [])
})

test('a Retry-After of more than ten seconds is handed on, though the call would have had the time: a lease runs meanwhile', async () => {
  const { azure, sent, pauses } = azureAgainst(json(429, {}, { 'retry-after': '20' }), keys)

  await assert.rejects(azure.send(get()), { code: 'Throttled' })

  assert.equal(sent.length, 1)
  assert.deepEqual(pauses, [])
})

test('pauses never add up to more than the call limit', async () => {
  const { azure, pauses } = azureAgainst(json(429, {}, { 'retry-after': '10' }))

  await assert.rejects(azure.send(get()), { code: 'Throttled' })

  assert.deepEqual(pauses, [10_000, 10_000])
})

for (const [name, answer] of [
  ['5xx', busy],
  ['429', json(429, {}, { 'retry-after': '1' })],
  ['a cut connection', cut],
] as const) {
  test(`A call that must be sent once is sent once, also after ${name}`, async () => {
    const { azure, sent } = azureAgainst(answer)
    const client = new CognitiveServicesManagementClient(anyToken, 'sub', azure.sdk('once'))

    await assert.rejects(azure.send(get({ method: 'POST', attempts: 'once', body: {} })))
    await assert.rejects(client.accounts.regenerateKey('group', 'vision', 'Key1'))

    assert.equal(sent.length, 2)
  })
}

test('A call that must be sent once is sent once, also after a read of the same scope that was sent again', async () => {
  const { azure, sent } = azureAgainst(busy, keys, busy)
  await azure.send(get({ scope: 'a' }))

  await assert.rejects(azure.send(get({ scope: 'a', method: 'POST', attempts: 'once', body: {} })))

  assert.equal(sent.length, 3)
})

test('A read that was definitely refused is not sent again', async () => {
  const { azure, sent } = azureAgainst(json(403, {}))

  await assert.rejects(azure.send(get()), { code: 'PermissionDenied' })

  assert.equal(sent.length, 1)
})

test('a call ends when its caller does', async () => {
  const controller = new AbortController()
  const never = () => new Promise<Response>(() => controller.abort())
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: anyToken,
    httpClient: wire(canned(never).fetch),
  })

  const error = await azure.send(get({ signal: controller.signal })).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'ServiceUnavailable')
  assert.equal(error.details.outcomeUnknown, true)
})

test('An answer that is not the JSON it should be has an unknown outcome, and is not quoted', async () => {
  const { azure } = azureAgainst(() => new Response('{"primaryKey":"abc', { status: 200 }))

  const error = await azure.send(get({ attempts: 'once' })).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'UnexpectedAnswer')
  assert.equal(error.details.outcomeUnknown, true)
  assert.doesNotMatch(error.message, /abc/)
})

test('an empty answer has no body', async () => {
  const { azure } = azureAgainst(() => new Response(null, { status: 204 }))

  const answer = await azure.send(get())

  assert.equal(answer.status, 204)
  assert.equal(answer.body, undefined)
})

test('a probe takes any status as an answer, carries no token, and follows no redirect', async () => {
  const { azure, sent } = azureAgainst(
    json(401, {}),
    () => new Response(null, { status: 307, headers: { location: 'https://graph.microsoft.com/elsewhere' } }),
  )

  const refused = await azure.ask(get({ attempts: 'once', headers: { 'api-key': 'k' } }))
  const moved = await azure.ask(get({ attempts: 'once', headers: { 'api-key': 'k' } }))

  assert.deepEqual([refused.status, moved.status], [401, 307])
  assert.ok(sent.every(({ url }) => !url.includes('elsewhere')))
  assert.ok(sent.every((request) => !request.headers.has('authorization')))
})

test('a probe that gets no answer throws', async () => {
  const { azure } = azureAgainst(cut)

  await assert.rejects(azure.ask(get({ attempts: 'once' })), { code: 'ServiceUnavailable' })
})

test('a raw call carries the token of its scope, its headers, and its body as JSON', async () => {
  const { azure, sent } = azureAgainst(keys)

  await azure.send(
    get({
      method: 'PUT',
      scope: 'https://graph.microsoft.com/.default',
      headers: { 'if-match': 'e' },
      body: { a: null },
    }),
  )

  assert.equal(sent[0]?.headers.get('authorization'), 'Bearer token')
  assert.equal(sent[0]?.headers.get('if-match'), 'e')
  assert.equal(await sent[0]?.text(), '{"a":null}')
})

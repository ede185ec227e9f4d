// Azure SignalR Service: what Azure was recorded, documented or reported to answer, a token that was computed elsewhere, and
// regenerates that do not go as their answers say. The answers of the control plane were read by @azure/arm-signalr 5.2.0 as well. Web
// PubSub shares the code; its own facts are in web-pubsub.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { type Fault, lostAnswer } from '../../simulator/faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { signalr } from '../../src/providers/signalr.ts'
import { signedToken } from '../../src/providers/wire/signalr-service.ts'
import { estate, vaultHost } from '../matrix/crash-estate.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/signalr/tests/latest/recordings/test_signalr_commands.yaml',
  date: '2024-10-16',
}
const reported: Source = { repository: 'Azure/azure-webpubsub', file: 'issue 68', date: '2021-04-08' }
const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }

function service(options: { losesKeys?: true } = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.signalrServices.add({ name: 'contoso', ...options })
  const azure = connect(cloud)
  const holder = signalr.open({ resource: handle.resourceId }, azure)
  const send = caller(cloud)
  const manage = (method: string, path: string, body?: unknown) =>
    send(method, arm(`${handle.resourceId}${path}`, '2023-02-01'), body)
  const head = (token: string) =>
    anonymousCaller(cloud)(
      'HEAD',
      'https://contoso.service.signalr.net/api/hubs/rekey/users/rekey?api-version=2022-06-01',
      undefined,
      { authorization: `Bearer ${token}` },
    )
  return { cloud, handle, azure, holder, manage, head }
}

fact('both keys are listed, with their connection strings', recording, async () => {
  const { manage, handle } = service()

  const { status, body } = await manage('POST', '/listKeys')

  assert.equal(status, 200)
  assert.equal(body.primaryKey, handle.keyOf('primary'))
  assert.match(body.primaryKey, /^[0-9A-Za-z]{84}$/)
  assert.equal(
    body.secondaryConnectionString,
    `Endpoint=https://contoso.service.signalr.net;AccessKey=${body.secondaryKey};Version=1.0;`,
  )
})

fact('a regenerate answers 202 with the new key and an operation below the resource', recording, async () => {
  const { manage, handle } = service()
  const before = handle.keys()

  const { status, body, headers } = await manage('POST', '/regenerateKey', { keyType: 'Secondary' })

  assert.equal(status, 202)
  assert.deepEqual(Object.keys(body), [
    'primaryKey',
    'secondaryKey',
    'primaryConnectionString',
    'secondaryConnectionString',
  ])
  assert.equal(body.primaryKey, before['primary'])
  assert.notEqual(body.secondaryKey, before['secondary'])
  const operation = new URL(headers.get('azure-asyncoperation')!)
  assert.ok(operation.pathname.startsWith(`${handle.resourceId}/operationStatuses/`))
})

fact('an operation is Running, then Succeeded, and its key is the one that was answered', recording, async () => {
  const { cloud, manage, handle } = service()
  const { body, headers } = await manage('POST', '/regenerateKey', { keyType: 'primary' })
  const status = async () => (await caller(cloud)('GET', headers.get('azure-asyncoperation')!)).body.status as string

  const during = await status()
  cloud.clock.advance(20_000)

  assert.deepEqual([during, await status()], ['Running', 'Succeeded'])
  assert.equal(handle.keyOf('primary'), body.primaryKey)
})

fact(
  'the result of an operation is 200 without a body',
  {
    repository: 'Azure/azure-sdk-for-net',
    file: 'Microsoft.Azure.Management.SignalR/SessionRecords/SignalRTests/SignalRStandardTierToFreeTest.json',
    date: '2021-07-12',
  },
  async () => {
    const { cloud, manage } = service()
    const { headers } = await manage('POST', '/regenerateKey', { keyType: 'primary' })
    cloud.clock.advance(20_000)

    const { status, text } = await caller(cloud)('GET', headers.get('location')!)

    assert.deepEqual([status, text], [200, ''])
  },
)

fact('a second regenerate during the first is refused: the service must be in an active state', reported, async () => {
  const { manage } = service()
  await manage('POST', '/regenerateKey', { keyType: 'Primary' })

  const { status, body } = await manage('POST', '/regenerateKey', { keyType: 'Primary' })

  assert.deepEqual([status, body.error.message], [409, 'Service must be active state'])
})

fact('an operation may succeed although the key was never changed', reported, async () => {
  const { cloud, manage, handle } = service({ losesKeys: true })
  const before = handle.keys()
  const { headers } = await manage('POST', '/regenerateKey', { keyType: 'Primary' })
  cloud.clock.advance(20_000)

  const { body } = await caller(cloud)('GET', headers.get('azure-asyncoperation')!)

  assert.equal(body.status, 'Succeeded')
  assert.deepEqual(handle.keys(), before)
})

fact(
  'a user that is not connected gets 404 with a code of its own, where the token is accepted',
  {
    repository: 'Azure/azure-sdk-for-js',
    file: 'web-pubsub/recordings/…/recording_can_manage_users.json',
    date: '2022-11-01',
  },
  async () => {
    const { cloud, handle, head } = service()
    const audience = 'https://contoso.service.signalr.net/api/hubs/rekey/users/rekey'

    const { status, headers } = await head(signedToken(audience, Secret.of(handle.keyOf('primary')), cloud.clock.now()))

    assert.deepEqual([status, headers.get('x-ms-error-code')], [404, 'Warning.User.NotExisted'])
  },
)

fact(
  'a token for another address gets 401, and the header says so',
  { repository: 'Azure/azure-signalr', file: 'issue 883', date: '2020' },
  async () => {
    const { cloud, handle, head } = service()

    const { status, headers } = await head(
      signedToken('https://another.example/', Secret.of(handle.keyOf('primary')), cloud.clock.now()),
    )

    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate')!, /error_description="The audience is invalid"/)
  },
)

test('a token for SignalR is the one that another program computes', () => {
  const key = Secret.of('0123456789abcdef0123456789abcdef0123456789AB')

  const token = signedToken(
    'https://rekey-test.service.signalr.net/api/hubs/rekey/users/rekey',
    key,
    (1_788_264_000 - 300) * 1000,
  )

  assert.equal(token.split('.')[2], 'hEQ0UOrgBH40TXgMPwvjRXzS9L_C39KDNfgUSm-u6xE')
  assert.deepEqual(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()), {
    aud: 'https://rekey-test.service.signalr.net/api/hubs/rekey/users/rekey',
    exp: 1_788_264_000,
  })
})

test('a regenerate returns when its operation is over, with the key that is listed then', async () => {
  const { cloud, handle, holder } = service()

  const made = await holder.regenerate('secondary', call)

  assert.equal(made['secondary']!['key']!.reveal(), handle.keyOf('secondary'))
  assert.ok(cloud.history.some(({ operation }) => operation === 'signalr/operationStatus'))
})

test('an operation that succeeds without a new key leaves the outcome open, and is not begun again', async () => {
  const { cloud, holder } = service({ losesKeys: true })

  await assert.rejects(holder.regenerate('secondary', call), (error: { details: { outcomeUnknown?: boolean } }) => {
    assert.equal(error.details.outcomeUnknown, true)
    return true
  })

  assert.equal(cloud.history.filter(({ operation }) => operation === 'signalr/regenerateKey').length, 1)
})

test('nothing is sent while a change of the service is under way', async () => {
  const { cloud, manage, holder } = service()
  await manage('POST', '/regenerateKey', { keyType: 'Primary' })

  await assert.rejects(holder.regenerate('secondary', call), { code: 'ServiceBusy' })

  assert.equal(cloud.history.filter(({ operation }) => operation === 'signalr/regenerateKey').length, 1)
})

test('a key that was never changed is not published as a new one', async () => {
  const lived = estate(signalr)
  await lived.settle(lived.request())
  lived.cloud.clock.advance(3 * 86_400_000)
  const before = lived.cloud.vault(vaultHost).read('target-key')
  lived.cloud.faults.add(forgetting())

  await lived.deliver(lived.request({ createdAfter: lived.cloud.clock.now() }))

  assert.equal(lived.cloud.vault(vaultHost).read('target-key'), before)
})

for (const [status, headers, verdict] of [
  [200, {}, 'accepted'],
  [404, { 'x-ms-error-code': 'Warning.User.NotExisted' }, 'accepted'],
  [404, {}, 'unknown'],
  [401, {}, 'refused'],
  [401, { 'www-authenticate': 'Bearer error_description="The audience is invalid"' }, 'unknown'],
  [403, {}, 'unknown'],
  [429, {}, 'unknown'],
] as const) {
  test(`an answer ${status} with ${JSON.stringify(headers)} leaves the verdict ${verdict}`, async () => {
    const on = opened(signalr)
    const ring = await on.holder.read(on.signal)
    on.cloud.faults.add({
      name: 'answering',
      install: () => ({
        after: (each) => (each.operation.operation === 'signalr/userExists' ? { status, headers } : undefined),
      }),
    })

    assert.equal(await on.holder.probe!('primary', ring['primary']!, on.signal), verdict)
  })
}

test('a regenerate whose answer is lost is found by the state of the resource', async () => {
  const { cloud, handle, holder } = service()
  cloud.faults.add(lostAnswer({ operation: 'signalr/regenerateKey' }))

  const made = await holder.regenerate('primary', call)

  assert.equal(made['primary']!['key']!.reveal(), handle.keyOf('primary'))
  assert.equal(cloud.history.filter(({ operation }) => operation === 'signalr/regenerateKey').length, 1)
})

/** Listings go on to show the key from before, as if no regenerate had ever been. */
function forgetting(): Fault {
  const first = new Map<string, unknown>()
  return {
    name: 'forgetting',
    install: () => ({
      after(each, reply) {
        if (each.operation.operation !== 'signalr/listKeys') return undefined
        const body = first.get('keys') ?? reply.body
        first.set('keys', body)
        return { ...reply, body }
      },
    }),
  }
}

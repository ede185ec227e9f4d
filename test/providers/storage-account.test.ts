// Storage accounts: what Azure was recorded or documented to answer, signatures that were computed elsewhere, and Azurite as the
// judge of keys that were rotated through the simulated control plane.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { type Azurite, startAzurite } from '../../simulator/local/run-azurite.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import type { KeyHolder } from '../../src/engine/ports.ts'
import { Secret } from '../../src/engine/secret.ts'
import { sharedKeyHeaders, storageAccount } from '../../src/providers/storage-account.ts'
import { wire } from '../azure/wire.ts'
import { oldMetadata } from '../memory-lease.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'

const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/storage/tests/latest/recordings/test_renew_account_key.yaml',
  date: '2022-08-19',
}
const refusal: Source = { repository: 'Azure/azure-sdk-for-net', file: 'issue 4078', date: '2018' }
const disabled: Source = { repository: 'Azure/AI-Landing-Zones', file: 'issue 64', date: '2025-11' }

function account(options: { services?: readonly ('blob' | 'queue')[] } = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.storageAccounts.add({ name: 'clitest000002', ...options })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2022-05-01'), body)
  return { cloud, handle, post }
}

/** The answer to a signed request of the queue service. */
async function shown(cloud: Cloud, key: string, host = 'clitest000002.queue.core.windows.net') {
  const url = new URL(`https://${host}/?comp=properties&restype=service`)
  const headers = sharedKeyHeaders(url, 'clitest000002', Secret.of(key), cloud.clock.now())
  const answer = await cloud.fetch(new Request(url, { headers }))
  return { status: answer.status, code: answer.headers.get('x-ms-error-code'), text: await answer.text() }
}

fact(
  'listing the keys of an account answers both, by name, with rights and the time of their creation',
  recording,
  async () => {
    const { post, handle } = account()

    const { status, body } = await post('listKeys')

    assert.equal(status, 200)
    assert.deepEqual(
      body.keys.map(({ keyName, value, permissions }: Record<string, string>) => [keyName, value, permissions]),
      [
        ['key1', handle.keyOf('key1'), 'FULL'],
        ['key2', handle.keyOf('key2'), 'FULL'],
      ],
    )
    assert.ok(body.keys.every(({ value }: { value: string }) => /^[\w+/]{86}==$/.test(value) && value.includes('+ASt')))
  },
)

fact(
  'regenerating a key answers both keys at once, and only the one that was named has changed',
  recording,
  async () => {
    const { post, handle } = account()
    const before = handle.keys()

    const { status, body } = await post('regenerateKey', { keyName: 'key1' })

    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body.keys[0]), ['creationTime', 'keyName', 'value', 'permissions'])
    assert.notEqual(body.keys[0].value, before['key1'])
    assert.equal(body.keys[1].value, before['key2'])
  },
)

fact('the time of creation of a new key is later than the date of the answer', recording, async () => {
  const { post } = account()

  const { headers, body } = await post('regenerateKey', { keyName: 'key1' })

  assert.ok(Date.parse(body.keys[0].creationTime) > Date.parse(headers.get('date')!))
})

fact(
  'a wrong key gets 403 with the code AuthenticationFailed, in XML that repeats the signature',
  refusal,
  async () => {
    const { cloud, handle } = account()

    const accepted = await shown(cloud, handle.keyOf('key2'))
    const refused = await shown(cloud, Buffer.alloc(64).toString('base64'))

    assert.deepEqual([accepted.status, refused.status, refused.code], [200, 403, 'AuthenticationFailed'])
    assert.match(
      refused.text,
      /<Code>AuthenticationFailed<\/Code>.*The MAC signature found in the HTTP request '[\w+/=]+'/s,
    )
  },
)

fact('An account that allows no shared keys refuses valid ones with a code of its own', disabled, async () => {
  const { cloud, handle } = account()
  handle.disableLocalAuth(true)

  const { status, code } = await shown(cloud, handle.keyOf('key1'))

  assert.deepEqual([status, code], [403, 'KeyBasedAuthenticationNotPermitted'])
})

// Computed with the official SDKs for JavaScript, from the key of bytes 00 to 3f.
for (const [address, signature] of [
  [
    'https://rekeytest.queue.core.windows.net/?restype=service&comp=properties',
    'iN8GW3jJKAo6rNjI8FgDGvcYMiX9VRadG8qT26cl7pU=',
  ],
  [
    'https://rekeytest.blob.core.windows.net/?restype=account&comp=properties',
    'EZMpQcodME3de6RUS98zjxw9nMWW5fSrnW2UJhq1Klk=',
  ],
] as const) {
  test(`a request to ${address} is signed as the official SDK signs it`, () => {
    const key = Secret.of(Buffer.from(Array.from({ length: 64 }, (_, index) => index)).toString('base64'))

    const headers = sharedKeyHeaders(new URL(address), 'rekeytest', key, 1_700_000_000_000)

    assert.equal(headers['Authorization'], `SharedKey rekeytest:${signature}`)
  })
}

fact('an account says when each of its keys was created', recording, async () => {
  const { cloud, handle, post } = account()
  cloud.clock.advance(60_000)
  await post('regenerateKey', { keyName: 'key2' })
  const holder = storageAccount.open({ resource: handle.resourceId }, connected(cloud))

  const created = [await holder.createdAt!('key1', signal), await holder.createdAt!('key2', signal)]

  assert.deepEqual(created, [Date.UTC(2026, 0, 1) + 1000, Date.UTC(2026, 0, 1) + 61_000])
})

test('a key from before the time of its creation was kept has no age', async () => {
  const { cloud, handle } = account()
  const holder = storageAccount.open({ resource: handle.resourceId }, connected(cloud))
  cloud.faults.add({
    name: 'old keys',
    install: () => ({
      after: ({ operation }) =>
        operation.operation === 'storage-account/get'
          ? { status: 200, body: { properties: { keyCreationTime: { key1: null, key2: null } } } }
          : undefined,
    }),
  })

  assert.equal(await holder.createdAt!('key1', signal), undefined)
})

test('a probe of a storage account that refuses shared keys says nothing about the key', async () => {
  const on = opened(storageAccount)
  const { key1 } = await on.holder.read(on.signal)
  on.cloud.storageAccounts.add({ name: 'other' })
  ;(on.handle as unknown as { disableLocalAuth(disabled: boolean): void }).disableLocalAuth(true)

  assert.equal(await on.holder.probe!('key1', key1!, on.signal), 'unknown')
})

test('an account without queues is probed at its blob service', async () => {
  const { cloud, handle } = account({ services: ['blob'] })
  const holder = storageAccount.open({ resource: handle.resourceId }, connected(cloud))
  const { key2 } = await holder.read(signal)

  const verdicts = [
    await holder.probe!('key2', key2!, signal),
    await holder.probe!('key2', { key: Secret.of(Buffer.alloc(64).toString('base64')) }, signal),
  ]

  assert.deepEqual(verdicts, ['accepted', 'refused'])
  assert.deepEqual([...new Set(cloud.history.map(({ host }) => host))].toSorted(), [
    'clitest000002.blob.core.windows.net',
    'management.azure.com',
  ])
})

test('a connection string of a storage account has the fields that its SDKs read', async () => {
  const on = opened(storageAccount)

  const { key2 } = await on.holder.read(on.signal)

  const name = on.handle.resourceId.split('/').at(-1)
  assert.equal(
    key2!['connectionString']!.reveal(),
    `DefaultEndpointsProtocol=https;AccountName=${name};AccountKey=${on.handle.keyOf('key2')};EndpointSuffix=core.windows.net`,
  )
})

test('keys that are listed beside key1 and key2 are left alone, and a listing without one of the two is refused', async () => {
  const { cloud, handle } = account()
  const holder = storageAccount.open({ resource: handle.resourceId }, connected(cloud))
  const listed = (keys: readonly string[]) =>
    cloud.faults.add({
      name: 'listed',
      install: () => ({
        after: ({ operation }) =>
          operation.operation === 'storage-account/listKeys'
            ? { status: 200, body: { keys: keys.map((keyName) => ({ keyName, value: `value of ${keyName}` })) } }
            : undefined,
      }),
    })

  listed(['kerb1', 'kerb2', 'key2', 'key1'])
  const ring = await holder.read(signal)
  cloud.faults.clear()
  listed(['key1', 'kerb1'])

  assert.deepEqual([Object.keys(ring), ring['key1']!['key']!.reveal()], [['key1', 'key2'], 'value of key1'])
  await assert.rejects(holder.read(signal), { code: 'UnexpectedAnswer' })
})

test('Azurite accepts the key that a rotation made, and refuses the one before it', async (t) => {
  const { cloud, handle } = account()
  const before = process.env['AZURITE_ACCOUNTS']
  let azurite: Azurite | undefined
  t.after(async () => {
    await azurite?.close()
    if (before === undefined) delete process.env['AZURITE_ACCOUNTS']
    else process.env['AZURITE_ACCOUNTS'] = before
  })
  /** Azurite reads the keys of its accounts when it starts. */
  const restart = async () => {
    await azurite?.close()
    process.env['AZURITE_ACCOUNTS'] = `clitest000002:${handle.keyOf('key1')}:${handle.keyOf('key2')}`
    azurite = await startAzurite()
  }
  await restart()
  const holder = storageAccount.open(
    { resource: handle.resourceId },
    connected(cloud, () => azurite!),
  )
  const old = await holder.read(signal)
  const first = await verdicts(holder, [old['key1']!, old['key2']!])

  const made = await holder.regenerate('key1', call)
  const early = await verdicts(holder, [made['key1']!])
  await restart()
  const late = await verdicts(holder, [made['key1']!, old['key1']!, old['key2']!])

  assert.deepEqual(first, ['accepted', 'accepted'])
  assert.deepEqual(early, ['refused'])
  assert.deepEqual(late, ['accepted', 'refused', 'accepted'])
})

async function verdicts(holder: KeyHolder, credentials: readonly Parameters<NonNullable<KeyHolder['probe']>>[1][]) {
  const found: string[] = []
  for (const credential of credentials) found.push(await holder.probe!('key1', credential, signal))
  return found
}

/** Clients of the simulated Azure, whose clock is the machine's where Azurite answers for the queue service. */
function connected(cloud: Cloud, azurite?: () => Azurite) {
  return createAzureClients({
    cloud: clouds.public,
    credential: cloud.identity.credential(),
    now: azurite === undefined ? () => cloud.clock.now() : Date.now,
    wait: async () => {},
    httpClient: wire((sent) => {
      const isQueue = new URL(sent.url).hostname.endsWith('.queue.core.windows.net')
      return azurite !== undefined && isQueue ? atAzurite(azurite(), sent) : cloud.fetch(sent)
    }),
  })
}

/** Sends a request to Azurite under the host name that it was meant for, from which Azurite takes the account. */
function atAzurite({ queueUrl }: Azurite, sent: Request): Promise<Response> {
  const { hostname, pathname, search } = new URL(sent.url)
  const { port } = new URL(queueUrl)
  return new Promise((resolve, reject) => {
    const headers = { ...Object.fromEntries(sent.headers), host: hostname }
    const asked = request(
      { host: '127.0.0.1', port, path: `${pathname}${search}`, method: sent.method, headers },
      (answer) => {
        answer.setEncoding('utf8')
        let text = ''
        answer.on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('end', () => {
          const code = answer.headers['x-ms-error-code']
          const said = code === undefined ? {} : { 'x-ms-error-code': String(code) }
          resolve(new Response(text, { status: answer.statusCode ?? 0, headers: said }))
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

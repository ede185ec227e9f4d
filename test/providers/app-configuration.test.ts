// App Configuration: what Azure was recorded or documented to answer, signatures that were computed elsewhere, the ids of keys, and the
// two rings of a store. The answers of the control plane were read by @azure/arm-appconfiguration 4.0.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { networkRule } from '../../simulator/wire-faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { appConfiguration } from '../../src/providers/app-configuration.ts'
import { signedHeaders } from '../../src/providers/wire/hmac.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-powershell',
  file: 'src/AppConfiguration/test/New-AzAppConfigurationStoreKey.Recording.json',
  date: '2020-07-22',
}
const document = (file: string): Source => ({ repository: 'MicrosoftDocs/azure-docs', file, date: '2025' })
const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }

function store() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const { resourceId, ring } = cloud.configurationStores.add({ name: 'contoso' })
  const holder = (keys: 'readWrite' | 'readOnly') =>
    appConfiguration.open(appConfiguration.resource.parse({ resource: resourceId, keys }), connect(cloud))
  const post = (action: string, body?: unknown) =>
    caller(cloud)('POST', arm(`${resourceId}/${action}`, '2020-06-01'), body)
  const head = (key: string, id: string, at = cloud.clock.now()) => {
    const url = new URL('https://contoso.azconfig.io/kv/rekey-probe?api-version=1.0')
    return anonymousCaller(cloud)('HEAD', url.href, undefined, signedHeaders('HEAD', url, Secret.of(key), at, id))
  }
  return { cloud, resourceId, ring, holder, post, head }
}

fact('the four keys of a store are listed with their ids and connection strings', recording, async () => {
  const { post, ring } = store()

  const { status, body } = await post('ListKeys')

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['value', 'nextLink'])
  assert.deepEqual(
    body.value.map(({ name, readOnly }: Record<string, unknown>) => [name, readOnly]),
    [
      ['Primary', false],
      ['Secondary', false],
      ['Primary Read Only', true],
      ['Secondary Read Only', true],
    ],
  )
  const [{ id, value, connectionString }] = body.value
  assert.equal(value, ring('readWrite').keyOf('primary'))
  assert.match(value, /^[0-9A-Za-z+/]{43}=$/)
  assert.match(id, /^.{4}-l0-s0:/)
  assert.equal(connectionString, `Endpoint=https://contoso.azconfig.io;Id=${id};Secret=${value}`)
})

fact('a regenerate names the id, answers the one new key, and that is the last of the list', recording, async () => {
  const { cloud, post } = store()
  const before = (await post('ListKeys')).body.value
  cloud.clock.advance(1000)

  const { status, body } = await post('RegenerateKey', { id: before[0].id })

  const after = (await post('ListKeys')).body.value
  assert.equal(status, 200)
  assert.equal(body.name, 'Primary')
  assert.notEqual(body.id, before[0].id)
  assert.deepEqual(after, [...before.slice(1), body])
})

test('An answer to a regenerate that names another key than the one asked for leaves its outcome open', async () => {
  for (const keys of ['readWrite', 'readOnly'] as const) {
    const { cloud, holder } = store()
    const opened = holder(keys)
    await opened.read(signal)
    cloud.faults.add({
      name: 'anotherName',
      install: () => ({
        after: ({ operation }, reply) =>
          operation.operation === 'app-configuration/regenerateKey' && reply.status === 200
            ? { ...reply, body: { ...Object(reply.body), name: keys === 'readOnly' ? 'Primary' : 'Secondary' } }
            : undefined,
      }),
    })

    await assert.rejects(opened.regenerate('primary', call), {
      code: 'UnexpectedAnswer',
      message: /another key/,
    })
  }
})

fact(
  'a store without local authentication has no keys',
  document('azure-app-configuration/howto-disable-access-key-authentication.md'),
  async () => {
    const { post, ring } = store()
    ring('readWrite').disableLocalAuth(true)

    const { status, body } = await post('ListKeys')

    assert.deepEqual([status, body.value], [200, []])
  },
)

fact(
  'a setting that a store does not have gets 404 with a token for the state of the store',
  {
    repository: 'Azure/azure-powershell',
    file: 'src/AppConfiguration/AppConfigurationdata.Autorest/test/Test-AzAppConfigurationKeyValue.Recording.json',
    date: '2026-04-16',
  },
  async () => {
    const { post, head } = store()
    const [{ id, value }] = (await post('ListKeys')).body.value

    const { status, headers } = await head(value, id)

    assert.equal(status, 404)
    assert.ok(headers.get('sync-token'))
  },
)

fact(
  'a refusal says whether the signature, the id or the date is wrong',
  document('azure-app-configuration/rest-api-authentication-hmac.md'),
  async () => {
    const { cloud, post, head } = store()
    const [{ id, value }, other] = (await post('ListKeys')).body.value
    const why = async (...request: Parameters<typeof head>) => {
      const { status, headers } = await head(...request)
      return [status, /error_description="([^"]+)"/.exec(headers.get('www-authenticate')!)?.[1]]
    }

    assert.deepEqual(await why(other.value, id), [401, 'Invalid Signature'])
    assert.deepEqual(await why(value, 'AAAA-l0-s0:none'), [401, 'Invalid Credential'])
    assert.deepEqual(await why(value, id, cloud.clock.now() - 16 * 60_000), [401, 'The access token has expired'])
  },
)

fact(
  'a network rule answers 403 without a body',
  { repository: 'MicrosoftDocs/azure-docs', file: 'issue 68728', date: '2021-01' },
  async () => {
    const { cloud, post, head } = store()
    const [{ id, value }] = (await post('ListKeys')).body.value
    cloud.faults.add(networkRule({ service: 'app-configuration' }))

    assert.equal((await head(value, id)).status, 403)
  },
)

for (const [method, path, signature] of [
  ['GET', '/keys?api-version=1.0', '4SUJBX3d6vRQtfAqrog5ZM8TSU/tssQ77uwv9SqKpfs='],
  ['HEAD', '/kv/rekey-probe?api-version=1.0', 'dSv30NrmQV98Odj7wXZfMUS96gB4N33KX70cqfN0p4M='],
] as const) {
  test(`the signature of ${method} ${path} is the one that another program computes`, () => {
    const key = Secret.of('MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=')
    const url = new URL(path, 'https://rekey-test.azconfig.io')

    const headers = signedHeaders(method, url, key, Date.UTC(2026, 8, 1, 12), '10iV-l0-s0:id')

    assert.equal(
      headers['Authorization'],
      `HMAC-SHA256 Credential=10iV-l0-s0:id&SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    )
  })
}

test('a slot of a ring is regenerated by the id that it has now, however often', async () => {
  const { ring, holder } = store()
  const on = holder('readWrite')
  const first = (await on.read(signal))['secondary']!['key']!

  const second = (await on.regenerate('secondary', call))['secondary']!
  const third = (await on.regenerate('secondary', call))['secondary']!

  const values = [first, second['key']!, third['key']!].map((key) => key.reveal())
  assert.equal(new Set(values).size, 3)
  assert.equal(ring('readWrite').keyOf('secondary'), values[2])
  assert.ok(third['connectionString']!.reveal().endsWith(`;Secret=${values[2]}`))
})

test('the two rings of a store have a lease in common, and a rotation of one leaves the keys of the other', async () => {
  const { resourceId, ring, holder } = store()
  const places = (['readWrite', 'readOnly'] as const).map((keys) =>
    appConfiguration.place(appConfiguration.resource.parse({ resource: resourceId, keys })),
  )
  const before = ring('readWrite').keys()

  const made = await holder('readOnly').regenerate('primary', call)

  assert.equal(made['primary']!['key']!.reveal(), ring('readOnly').keyOf('primary'))
  assert.deepEqual(ring('readWrite').keys(), before)
  assert.equal(places[0]!.lease, places[1]!.lease)
  assert.notEqual(places[0]!.credential, places[1]!.credential)
  assert.deepEqual(
    places.map(({ address }) => address),
    [resourceId, `${resourceId}/readOnlyKeys`],
  )
})

test('a key that is replaced is refused with the id that it had', async () => {
  const { holder } = store()
  const on = holder('readOnly')
  const before = (await on.read(signal))['primary']!
  await on.regenerate('primary', call)

  assert.equal(await on.probe!('primary', { connectionString: before['connectionString']! }, signal), 'refused')
})

test('a key that no listing has, and whose id is not known, has no verdict', async () => {
  const on = opened(appConfiguration)
  const { length } = on.azure.sent

  const verdict = await on.holder.probe!(
    'primary',
    { key: Secret.of(Buffer.alloc(32, 7).toString('base64')) },
    on.signal,
  )

  assert.equal(verdict, 'unknown')
  assert.deepEqual(
    on.azure.sent.slice(length).map(({ url }) => url.host),
    ['management.azure.com'],
  )
})

for (const [status, headers, verdict] of [
  [200, {}, 'accepted'],
  [404, { 'sync-token': 'a=b;sn=1' }, 'accepted'],
  [404, {}, 'unknown'],
  [401, { 'www-authenticate': 'HMAC-SHA256 error="invalid_token" error_description="Invalid Signature"' }, 'refused'],
  [401, { 'www-authenticate': 'HMAC-SHA256 error="invalid_token" error_description="Invalid Credential"' }, 'refused'],
  [401, { 'www-authenticate': 'HMAC-SHA256 error_description="The access token has expired"' }, 'unknown'],
  [401, {}, 'unknown'],
  [403, {}, 'unknown'],
  [429, { 'retry-after-ms': '10' }, 'unknown'],
] as const) {
  test(`a store that answers ${status} with ${JSON.stringify(headers)} leaves the verdict ${verdict}`, async () => {
    const on = opened(appConfiguration)
    const ring = await on.holder.read(on.signal)
    on.cloud.faults.add({
      name: 'answering',
      install: () => ({
        after: (each) =>
          each.operation.operation === 'app-configuration/checkKeyValue' ? { status, headers } : undefined,
      }),
    })

    assert.equal(await on.holder.probe!('primary', ring['primary']!, on.signal), verdict)
  })
}

// Azure Managed Redis: what Azure was recorded or documented to answer, databases that differ from the usual one, and a real
// redis-server as the judge. The answers of the control plane were read by @azure/arm-redisenterprisecache 2.2.0 (2022-01-01) as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { type Fault, failingOperation, missingPermission, serverError } from '../../simulator/faults.ts'
import type { ManagedRedisOptions } from '../../simulator/services/managed-redis.ts'
import type { KeyRing } from '../../src/engine/key-ring.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { managedRedis } from '../../src/providers/managed-redis.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'
import { withoutRedis } from './real-redis.ts'
import { rotatedKeys } from './redis-rotation.ts'

const recorded = (file: string, date: string): Source => ({
  repository: 'Azure/azure-powershell',
  file: `src/RedisEnterpriseCache/RedisEnterpriseCache.Autorest/test/${file}`,
  date,
})
const example: Source = {
  repository: 'Azure/azure-rest-api-specs',
  file: 'redisenterprise/2025-04-01/examples/RedisEnterpriseDatabasesRegenerateKey.json',
  date: '2025-04-01',
}
const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }

function database(options: Omit<ManagedRedisOptions, 'cluster'> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.managedRedis.add({ cluster: 'Contoso', ...options })
  const azure = connect(cloud)
  const holder = managedRedis.open({ resource: handle.resourceId }, azure)
  const send = caller(cloud)
  const manage = (method: string, path: string, body?: unknown) =>
    send(method, arm(`${handle.resourceId}${path}`, '2024-10-01'), body)
  return { cloud, handle, azure, holder, manage }
}

fact(
  'both keys of a database are listed',
  recorded('Get-AzRedisEnterpriseCacheKey.Recording.json', '2024-09-19'),
  async () => {
    const { manage, handle } = database()

    const { status, body } = await manage('POST', '/listKeys')

    assert.equal(status, 200)
    assert.deepEqual(body, { primaryKey: handle.keyOf('Primary'), secondaryKey: handle.keyOf('Secondary') })
  },
)

fact(
  'a regenerate of a database answers 200 with both keys, and names no operation',
  recorded('New-AzRedisEnterpriseCacheKey.Recording.json', '2024-09-19'),
  async () => {
    const { manage, handle } = database()
    const before = handle.keys()

    const { status, body, headers } = await manage('POST', '/regenerateKey', { keyType: 'Secondary' })

    assert.equal(status, 200)
    assert.deepEqual(body, { primaryKey: before['Primary'], secondaryKey: handle.keyOf('Secondary') })
    assert.notEqual(body.secondaryKey, before['Secondary'])
    assert.deepEqual([headers.get('azure-asyncoperation'), headers.get('location')], [null, null])
  },
)

fact('a regenerate may be accepted with 202, an operation and no keys', example, async () => {
  const { cloud, manage, handle } = database({ regenerates: 'accepted' })
  const before = handle.keys()

  const { status, text, headers } = await manage('POST', '/regenerateKey', { keyType: 'Secondary' })

  assert.deepEqual([status, text], [202, ''])
  assert.match(
    headers.get('azure-asyncoperation')!,
    /\/providers\/Microsoft\.Cache\/locations\/\w+\/operationsStatus\//,
  )
  assert.deepEqual(handle.keys(), before)
  cloud.clock.advance(5000)
  assert.notEqual(handle.keyOf('Secondary'), before['Secondary'])
})

fact(
  'a database that is being changed refuses another change with 409',
  { repository: 'Azure/bicep', file: 'issue 11465', date: '2023-08' },
  async () => {
    const { manage } = database({ regenerates: 'accepted' })
    await manage('POST', '/regenerateKey', { keyType: 'Primary' })

    const { status, body } = await manage('POST', '/regenerateKey', { keyType: 'Secondary' })

    assert.deepEqual([status, body.error.code], [409, 'Conflict'])
    assert.match(body.error.message, /is busy processing a previous update request/)
  },
)

fact(
  'the address of an operation says how a regenerate goes, at the subscription',
  {
    repository: 'Azure/azure-rest-api-specs',
    file: 'redisenterprise/2025-08-01-preview/examples/OperationsStatusGet.json',
    date: '2025-08-01',
  },
  async () => {
    const { cloud, manage } = database({ regenerates: 'accepted' })
    const { headers } = await manage('POST', '/regenerateKey', { keyType: 'Secondary' })
    const ask = () => caller(cloud)('GET', headers.get('azure-asyncoperation')!)

    const during = await ask()
    cloud.clock.advance(5000)
    const after = await ask()

    assert.deepEqual([during.status, during.body.status], [200, 'InProgress'])
    assert.deepEqual([after.status, after.body.status], [200, 'Succeeded'])
    assert.match(
      after.body.id,
      /^\/subscriptions\/[^/]+\/providers\/Microsoft\.Cache\/locations\/\w+\/operationsStatus\//,
    )
  },
)

/** What a regenerate that is accepted asks of the service after it was sent, and what became of it. */
async function followed(...faults: readonly Fault[]) {
  const on = database({ regenerates: 'accepted' })
  const before = on.handle.keyOf('Secondary')
  for (const fault of faults) on.cloud.faults.add(fault)
  const outcome = await on.holder.regenerate('Secondary', call).catch((error: unknown) => error)
  const asked = on.cloud.history.map(({ operation, status }) => `${operation} ${status}`)
  const sent = asked.findIndex((each) => each.startsWith('managed-redis/regenerateKey'))
  return { ...on, before, outcome, asked: asked.slice(sent), took: on.cloud.clock.now() - Date.UTC(2026, 0, 1) }
}

test('A regenerate that is accepted without keys is sent once; its operation is followed, then the keys are listed', async () => {
  const { before, handle, outcome, asked } = await followed()

  const key = (outcome as KeyRing)['Secondary']!['key']!.reveal()
  assert.notEqual(key, before)
  assert.equal(key, handle.keyOf('Secondary'))
  assert.deepEqual(asked, [
    'managed-redis/regenerateKey 202',
    'managed-redis/getOperation 200',
    'managed-redis/getOperation 200',
    'managed-redis/listKeys 200',
  ])
})

test('An operation that may not be followed is over when the database says that nothing goes on, and a listing shows the new key', async () => {
  const { handle, outcome, asked } = await followed(
    missingPermission({ action: 'Microsoft.Cache/locations/operationsStatus/read' }),
  )

  assert.equal((outcome as KeyRing)['Secondary']!['key']!.reveal(), handle.keyOf('Secondary'))
  assert.equal(asked.filter((each) => each === 'managed-redis/getOperation 403').length, 1)
  assert.equal(asked.filter((each) => each.startsWith('managed-redis/regenerateKey')).length, 1)
})

test('An operation that fails ends the wait, and leaves open what became of the key', async () => {
  const { handle, before, outcome, took } = await followed(failingOperation())

  assert.ok(outcome instanceof RekeyError)
  assert.equal(outcome.code, 'ServiceRefused')
  assert.equal(outcome.details.outcomeUnknown, true)
  assert.equal(handle.keyOf('Secondary'), before)
  assert.ok(took < 60_000, `${took} ms`)
})

// As Cosmos DB was recorded to answer, and as a specification of 202 allows.
test('A 202 with a body has no keys yet, whatever the body has', async () => {
  for (const body of [{ status: 'Enqueued' }, { primaryKey: 'not yet', secondaryKey: 'nor this' }]) {
    const says: Fault = {
      name: 'says',
      install: () => ({ after: (_, reply) => (reply.status === 202 ? { ...reply, body } : undefined) }),
    }

    const { handle, outcome } = await followed(says)

    assert.equal((outcome as KeyRing)['Secondary']!['key']!.reveal(), handle.keyOf('Secondary'))
  }
})

test('Nothing is sent while the database is being changed: the request waits', async () => {
  const { cloud, handle, holder, manage } = database({ regenerates: 'accepted' })
  await manage('POST', '/regenerateKey', { keyType: 'Primary' })
  const { length } = cloud.history

  await assert.rejects(holder.regenerate('Secondary', call), { code: 'ServiceBusy', transient: true })

  assert.ok(cloud.history.slice(length).every(({ effect }) => !effect))
  assert.equal(await holder.operation!.isUnderWay(signal), true)
  cloud.clock.advance(5000)
  assert.equal(await holder.operation!.isUnderWay(signal), false)
  assert.ok(handle.keyOf('Primary'))
})

test('A request for a database is answered when it is done: its regenerate usually ends with its answer', () => {
  assert.equal(managedRedis.longRunning, undefined)
})

test('a database is tried at the port that it has, and its connection string says so', async () => {
  const { handle, azure, holder } = database({ port: 12_345 })

  const { Primary: primary } = await holder.read(signal)
  const verdict = await holder.probe!('Primary', primary!, signal)

  const at = 'contoso.westeurope.redis.azure.net:12345'
  assert.equal(verdict, 'accepted')
  assert.equal(azure.sent.at(-1)?.url.host, at)
  assert.equal(
    primary!['connectionString']!.reveal(),
    `${at},password=${handle.keyOf('Primary')},ssl=True,abortConnect=False`,
  )
})

test('a database without TLS is shown no key, and its connection string is for clients without TLS', async () => {
  const { azure, holder } = database({ clientProtocol: 'Plaintext' })

  const { Primary: primary } = await holder.read(signal)
  const verdict = await holder.probe!('Primary', primary!, signal)

  assert.equal(verdict, 'unknown')
  assert.match(primary!['connectionString']!.reveal(), /,ssl=False,abortConnect=False$/)
  assert.deepEqual(new Set(azure.sent.map(({ url }) => url.host)), new Set(['management.azure.com']))
})

test('the cluster is read only where a secret holds the connection string', async () => {
  const { cloud, handle } = database()
  const reads = async (outputs: readonly string[]) => {
    const { length } = cloud.history
    await managedRedis.open({ resource: handle.resourceId }, connect(cloud), outputs).read(signal)
    return cloud.history.slice(length).map(({ operation }) => operation)
  }

  assert.deepEqual(await reads(['key']), ['managed-redis/listKeys'])
  assert.deepEqual(await reads(['key', 'connectionString']), [
    'managed-redis/listKeys',
    'managed-redis/get',
    'managed-redis/getCluster',
  ])
})

for (const hostName of [
  'evil.example',
  'contoso.westeurope.redis.azure.net.evil.example',
  '169.254.169.254',
  'evil.example/.redis.azure.net',
  'user@contoso.westeurope.redis.azure.net',
  'contoso.westeurope.redis.azure.net:443',
]) {
  test(`a cluster that says its host is ${hostName} is shown no key`, async () => {
    const on = opened(managedRedis)
    const misleading: Fault = {
      name: 'misleading',
      install: () => ({
        after: (call, reply) =>
          call.operation.operation === 'managed-redis/getCluster'
            ? { ...reply, body: { properties: { hostName } } }
            : undefined,
      }),
    }
    on.cloud.faults.add(misleading)

    const verdict = await on.holder.probe!('Primary', { key: Secret.of(on.handle.keyOf('Primary')) }, on.signal)

    assert.equal(verdict, 'unknown')
    assert.deepEqual(new Set(on.azure.sent.map(({ url }) => url.host)), new Set(['management.azure.com']))
  })
}

test('a database whose cluster cannot be read has no verdict', async () => {
  const on = opened(managedRedis)
  on.cloud.faults.add(serverError({ operation: 'managed-redis/getCluster', when: 'before', status: 404 }))

  const verdict = await on.holder.probe!('Primary', { key: Secret.of(on.handle.keyOf('Primary')) }, on.signal)

  assert.equal(verdict, 'unknown')
})

test('a real server accepts the key of a database that a rotation made, and refuses the one before', {
  skip: withoutRedis,
}, async (t) => {
  const { cloud, handle } = database()

  const verdicts = await rotatedKeys({
    t,
    cloud,
    handle,
    host: 'contoso.westeurope.redis.azure.net',
    provider: managedRedis,
  })

  assert.deepEqual(verdicts, {
    before: 'accepted',
    made: 'accepted',
    old: 'refused',
    other: 'accepted',
    asString: 'accepted',
  })
})

// The domains of Managed Redis in StackExchange.Redis, AzureManagedRedisOptionsProvider.cs; for China docs.azure.cn, nodejs-get-started, too.
test('A key is shown to a database in each cloud, at the hosts that the service has there and at no other', async () => {
  const verdictAt = async (cloud: 'public' | 'usgov' | 'china', hostName: string) => {
    const on = database()
    on.cloud.faults.add({
      name: 'elsewhere',
      install: () => ({
        after: ({ operation }, reply) =>
          operation.operation === 'managed-redis/getCluster'
            ? { ...reply, body: { properties: { hostName } } }
            : undefined,
      }),
    })
    const azure = connect(on.cloud, { cloud })
    const holder = managedRedis.open({ resource: on.handle.resourceId }, azure)
    return holder.probe!('Primary', { key: Secret.of(on.handle.keyOf('Primary')) }, signal)
  }

  assert.equal(await verdictAt('public', 'contoso.westeurope.redis.azure.net'), 'accepted')
  assert.equal(await verdictAt('public', 'contoso.westeurope.redisenterprise.cache.azure.net'), 'accepted')
  assert.equal(await verdictAt('usgov', 'contoso.usgovvirginia.redis.usgovcloudapi.net'), 'accepted')
  assert.equal(await verdictAt('china', 'contoso.chinanorth3.redis.chinacloudapi.cn'), 'accepted')
  assert.equal(await verdictAt('china', 'contoso.westeurope.redis.azure.net'), 'unknown')
  assert.equal(await verdictAt('usgov', 'contoso.redis.cache.usgovcloudapi.net'), 'unknown')
})

test('Only the database of a cluster is a target', () => {
  const cluster =
    '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Cache/redisEnterprise/one'
  const taken = (resource: string) => managedRedis.resource.safeParse({ resource }).success

  assert.deepEqual([`${cluster}/databases/default`, cluster, `${cluster}/databases/other`].map(taken), [
    true,
    false,
    false,
  ])
})

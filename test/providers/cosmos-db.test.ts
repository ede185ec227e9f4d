// Cosmos DB accounts: what Azure was recorded or reported to answer, signatures that were computed elsewhere, and what a key has to pass
// before it counts as accepted. The deserialiser and the poller of @azure/arm-cosmosdb 17.0.0 read the simulated answers (tried once, 2026-11-21).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { lostAnswer, slowOperation, untrackableOperations } from '../../simulator/faults.ts'
import type { Ring } from '../../simulator/services/cosmos-account.ts'
import { networkRule } from '../../simulator/wire-faults.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { hours, minutes } from '../../src/engine/target.ts'
import { cosmosDb, masterKeyHeaders } from '../../src/providers/cosmos-db.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

const cli: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/cosmosdb/tests/latest/recordings/test_keys_database_account.yaml',
  date: '2022-06-27',
}
const net: Source = {
  repository: 'Azure/azure-sdk-for-net',
  file: 'sdk/cosmosdb/…/DatabaseAccountListKeysAndRegenerateKeysTest.json',
  date: '2023-03-23',
}
const late: Source = { repository: 'gist.github.com', file: 'a gist of rudolphjacksonm', date: '2021-12' }
const issue = (repository: string, number: number, date: string): Source => ({
  repository,
  file: `issue ${number}`,
  date,
})

const { signal } = new AbortController()
const names = ['primaryMasterKey', 'secondaryMasterKey', 'primaryReadonlyMasterKey', 'secondaryReadonlyMasterKey']

type Options = Parameters<ReturnType<typeof simulatedCloud>['cosmosAccounts']['add']>[0]

function account(options: Partial<Options> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.cosmosAccounts.add({ name: 'cli000003', ...options })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2022-11-15'), body)
  const get = (url = arm(handle.resourceId, '2022-11-15')) => send('GET', url)
  return { cloud, handle, post, get }
}

/** An account opened as the app opens it, its keys read. */
async function opened(options: Partial<Options> = {}, keys: Ring = 'readWrite') {
  const { cloud, handle } = account(options)
  const holder = cosmosDb.open({ resource: handle.resourceId, keys }, connect(cloud))
  const ring = await holder.read(signal)
  const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }
  const sent = (operation: string) => cloud.history.filter((entry) => entry.operation === `cosmos-db/${operation}`)
  const failure = () =>
    holder.regenerate('primary', call).then(
      () => assert.fail('nothing was thrown'),
      (error: unknown) => (error instanceof RekeyError ? error : assert.fail(String(error))),
    )
  return { cloud, handle: handle.ring(keys), account: handle, holder, ring, call, sent, failure }
}

/** The answer of one region to a signed read of the account. */
async function shown(cloud: ReturnType<typeof account>['cloud'], key: string, host: string, at = cloud.clock.now()) {
  const headers = masterKeyHeaders('GET', '', '', Secret.of(key), at)
  const answer = await cloud.fetch(new Request(`https://${host}/`, { headers }))
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
}

fact('listing the keys of an account answers four of them, by name, and readonlykeys two', cli, async () => {
  const { post, handle } = account()

  const [all, read] = [await post('listKeys'), await post('readonlykeys')]

  assert.deepEqual([all.status, read.status], [200, 200])
  assert.deepEqual(Object.keys(all.body), names)
  assert.deepEqual(Object.keys(read.body), names.slice(2))
  assert.equal(all.body.primaryMasterKey, handle.ring('readWrite').keyOf('primary'))
  assert.equal(Buffer.from(all.body.primaryMasterKey, 'base64').length, 64)
})

fact(
  'a regenerate answers 202 with two addresses of different scope, and without a key or a time to wait',
  net,
  async () => {
    const { post, handle } = account()

    const { status, body, headers } = await post('regenerateKey', { keyKind: 'secondary' })

    const polled = new URL(headers.get('azure-asyncoperation')!).pathname
    const result = new URL(headers.get('location')!).pathname
    assert.deepEqual([status, body, headers.get('retry-after')], [202, { status: 'Enqueued' }, null])
    assert.match(
      polled,
      /^\/subscriptions\/[^/]+\/providers\/Microsoft\.DocumentDB\/locations\/\w+\/operationsStatus\/[\w-]+$/,
    )
    assert.ok(result.startsWith(`${handle.resourceId}/regenerateKey/operationResults/`))
  },
)

fact('an operation is Enqueued, then Dequeued, then Succeeded, always with 200 and never with a key', net, async () => {
  const { cloud, post, get } = account()
  const { headers } = await post('regenerateKey', { keyKind: 'secondaryReadonly' })

  const said = [await get(headers.get('azure-asyncoperation')!)]
  for (const wait of [10_000, 20_000]) {
    cloud.clock.advance(wait)
    said.push(await get(headers.get('azure-asyncoperation')!))
  }
  const result = await get(headers.get('location')!)

  assert.deepEqual(
    said.map(({ status, body }) => [status, body]),
    ['Enqueued', 'Dequeued', 'Succeeded'].map((status) => [200, { status }]),
  )
  assert.deepEqual([result.status, result.body], [200, { status: 'Succeeded' }])
})

fact(
  'the result of an operation that goes on is 202 with its state',
  issue('Azure/azure-sdk-for-net', 44_079, '2024-05-16'),
  async () => {
    const { cloud, post, get } = account()
    const { headers } = await post('regenerateKey', { keyKind: 'secondaryReadonly' })
    cloud.clock.advance(10_000)

    const { status, body } = await get(headers.get('location')!)

    assert.deepEqual([status, body], [202, { status: 'Dequeued' }])
  },
)

fact(
  'after its operation has succeeded, a new key is not listed and the old one is, for more than 80 seconds',
  late,
  async () => {
    const { cloud, post, get, handle } = account()
    const before = handle.ring('readWrite').keyOf('primary')
    const { headers } = await post('regenerateKey', { keyKind: 'primary' })
    cloud.clock.advance(30_000)

    const { body } = await get(headers.get('azure-asyncoperation')!)
    cloud.clock.advance(79_000)
    const still = (await post('listKeys')).body.primaryMasterKey
    cloud.clock.advance(1000)

    assert.equal(body.status, 'Succeeded')
    assert.equal(still, before)
    assert.notEqual((await post('listKeys')).body.primaryMasterKey, before)
  },
)

fact(
  'while an operation goes on, another one is refused with 412, in an error without an envelope',
  issue('hashicorp/terraform-provider-azurerm', 15_842, '2022-03-15'),
  async () => {
    const { cloud, post } = account()
    await post('regenerateKey', { keyKind: 'primary' })
    cloud.clock.advance(10_000)

    const { status, body } = await post('regenerateKey', { keyKind: 'secondaryReadonly' })

    assert.deepEqual([status, body.code], [412, 'PreconditionFailed'])
    assert.match(
      body.message,
      /operation in progress which requires an exclusive lock on \[cli000003\].*\r\nActivityId: /,
    )
  },
)

fact('a regenerate two seconds after the last one has succeeded is taken', net, async () => {
  const { cloud, post } = account()
  await post('regenerateKey', { keyKind: 'primary' })
  cloud.clock.advance(32_000)

  const { status } = await post('regenerateKey', { keyKind: 'secondary' })

  assert.equal(status, 202)
})

fact('an account says when each of its four keys was made', net, async () => {
  const { cloud, post, get } = account()
  const before = (await get()).body.properties.keysMetadata
  await post('regenerateKey', { keyKind: 'secondary' })
  cloud.clock.advance(minutes(2))

  const after = (await get()).body.properties.keysMetadata

  assert.deepEqual(Object.keys(after), names)
  const moved = names.filter((name) => after[name].generationTime !== before[name].generationTime)
  assert.deepEqual(moved, ['secondaryMasterKey'])
  assert.match(after.secondaryMasterKey.generationTime, /^2026-01-01T00:0\d:\d\d\.\d{7}Z$/)
})

fact(
  'a wrong key gets 401 and an error without an envelope',
  issue('Azure/azure-cosmos-dotnet-v2', 971, '2023-10'),
  async () => {
    const { cloud, handle } = account()
    const host = 'cli000003-westeurope.documents.azure.com'

    const good = await shown(cloud, handle.ring('readOnly').keyOf('secondary'), host)
    const bad = await shown(cloud, Buffer.alloc(64).toString('base64'), host)

    assert.deepEqual([good.status, bad.status, bad.body.code], [200, 401, 'Unauthorized'])
    assert.match(
      bad.body.message,
      /^The input authorization token can't serve the request\. The wrong key is being used/,
    )
  },
)

fact(
  'with local authentication disabled a good key gets 401, with the substatus 5202',
  issue('Azure/data-api-builder', 1939, '2023-12-20'),
  async () => {
    const { cloud, handle } = account()
    handle.disableLocalAuth(true)

    const { status, headers, body } = await shown(
      cloud,
      handle.ring('readWrite').keyOf('primary'),
      'cli000003.documents.azure.com',
    )

    assert.deepEqual([status, headers.get('x-ms-substatus')], [401, '5202'])
    assert.match(body.message, /^Local Authorization is disabled/)
  },
)

fact('a clock that is off gets 403', issue('microsoft/vscode-cosmosdb', 842, '2018-10-02'), async () => {
  const { cloud, handle } = account()
  const key = handle.ring('readWrite').keyOf('primary')

  const { status, body } = await shown(cloud, key, 'cli000003.documents.azure.com', cloud.clock.now() - minutes(16))

  assert.equal(status, 403)
  assert.match(body.message, /not valid at the current time/)
})

// Computed with node:crypto, and equal to what the official SDK for JavaScript (sdk/cosmosdb/cosmos/src/utils) returns.
for (const [what, type, signature] of [
  ['the list of databases', 'dbs', 'WrSUNtfvlZ6IjktJGnFOkxrrzx3NqdYyd5b579BaxeM='],
  ['the account', '', 'G/wmAYhltmIi14L89lEqUxXbmjTxu+J1zRw8VWJIhKU='],
] as const) {
  test(`a request for ${what} is signed as the official SDK signs it`, () => {
    const key = Secret.of(Buffer.from(Array.from({ length: 64 }, (_, index) => index)).toString('base64'))

    const headers = masterKeyHeaders('GET', type, '', key, 1_700_000_000_000)

    assert.equal(headers['x-ms-date'], 'Tue, 14 Nov 2023 22:13:20 GMT')
    assert.equal(headers['authorization'], encodeURIComponent(`type=master&ver=1.0&sig=${signature}`))
  })
}

test('a connection string of a Cosmos DB account names its endpoint and ends with a semicolon', async () => {
  const { ring, handle } = await opened()

  assert.equal(
    ring['secondary']!['connectionString']!.reveal(),
    `AccountEndpoint=https://cli000003.documents.azure.com:443/;AccountKey=${handle.keyOf('secondary')};`,
  )
})

test('a read-only target rotates the read-only keys of its account, and leaves the others', async () => {
  const { account: both, holder, ring, call, handle } = await opened({}, 'readOnly')
  const others = both.ring('readWrite').keys()

  const made = await holder.regenerate('secondary', call)

  assert.notEqual(made['secondary']!['key']!.reveal(), ring['secondary']!['key']!.reveal())
  assert.equal(made['secondary']!['key']!.reveal(), handle.keyOf('secondary'))
  assert.equal(made['primary']!['key']!.reveal(), ring['primary']!['key']!.reveal())
  assert.deepEqual(both.ring('readWrite').keys(), others)
  assert.equal(await holder.probe!('secondary', made['secondary']!, signal), 'accepted')
})

test('the two rings of an account are two credentials with one lease and different addresses', () => {
  const resource = account().handle.resourceId
  const placeOf = (fields: object) => cosmosDb.place(cosmosDb.resource.parse({ resource, ...fields }))

  const [first, write, read] = [placeOf({}), placeOf({ keys: 'readWrite' }), placeOf({ keys: 'readOnly' })]

  assert.deepEqual(first, write)
  assert.equal(read.lease, write.lease)
  assert.notEqual(read.credential, write.credential)
  assert.deepEqual([write.address, read.address], [resource, `${resource}/readOnlyKeys`])
})

test('a new key is not accepted before the last region of its account accepts it', async () => {
  const { cloud, holder, call } = await opened({ regions: ['West Europe', 'North Europe', 'East US 2'] })
  const made = (await holder.regenerate('primary', call))['primary']!
  const verdicts = []

  for (let time = 0; time < 3; time += 1) {
    verdicts.push(await holder.probe!('primary', made, signal))
    cloud.clock.advance(90_000)
  }

  assert.deepEqual(verdicts, ['refused', 'refused', 'accepted'])
  const hosts = new Set(
    cloud.history.filter(({ operation }) => operation === 'cosmos-db/readAccount').map(({ host }) => host),
  )
  assert.deepEqual(
    [...hosts].toSorted(),
    ['eastus2', 'northeurope', 'westeurope'].map((region) => `cli000003-${region}.documents.azure.com`),
  )
})

for (const nth of [1, 2, 3]) {
  test(`one refusal among the answers of a region refuses a key: number ${nth}`, async () => {
    const { cloud, holder, ring } = await opened()
    let answers = 0
    cloud.faults.add({
      name: 'one gateway that does not know the key',
      install: () => ({
        before: (call) => {
          if (call.operation.operation !== 'cosmos-db/readAccount') return undefined
          answers += 1
          return answers === nth
            ? call.refuse(401, 'Unauthorized', "The input authorization token can't serve").reply
            : undefined
        },
      }),
    })

    assert.equal(await holder.probe!('primary', ring['primary']!, signal), 'refused')
    cloud.faults.clear()
    assert.equal(await holder.probe!('primary', ring['primary']!, signal), 'accepted')
  })
}

test('a region that does not answer leaves the verdict on a key open', async () => {
  const { cloud, holder, ring } = await opened({ regions: ['West Europe', 'North Europe'] })
  cloud.faults.add({
    name: 'one region',
    install: () => ({
      gate: (call) =>
        call.host.includes('-northeurope.') ? call.refuse(503, 'ServiceUnavailable', 'No.').reply : undefined,
    }),
  })

  assert.equal(await holder.probe!('primary', ring['primary']!, signal), 'unknown')
})

test('a probe says nothing of a key behind a firewall, nor where local authentication is disabled', async () => {
  const { cloud, account: own, holder, ring } = await opened()
  const wrong = { key: Secret.of(Buffer.alloc(64).toString('base64')) }

  cloud.faults.add(networkRule({ service: 'cosmos-db' }))
  const outside = [
    await holder.probe!('primary', ring['primary']!, signal),
    await holder.probe!('primary', wrong, signal),
  ]
  cloud.faults.clear()
  own.disableLocalAuth(true)
  const disabled = [
    await holder.probe!('primary', ring['primary']!, signal),
    await holder.probe!('primary', wrong, signal),
  ]

  assert.deepEqual(
    [outside, disabled],
    [
      ['unknown', 'unknown'],
      ['unknown', 'unknown'],
    ],
  )
})

test('no key is made for an account that lets no keys in, and the target says why', async () => {
  const { account: own, sent, failure } = await opened()
  own.disableLocalAuth(true)

  const error = await failure()

  assert.equal(error.code, 'LocalAuthDisabled')
  assert.match(error.details.remedy!, /disableLocalAuth/)
  assert.equal(sent('regenerateKey').length, 0)
})

test('an account that reports an operation is sent no other one, and the request waits', async () => {
  const { account: own, cloud, holder, failure, sent } = await opened()
  await caller(cloud)('POST', arm(`${own.resourceId}/regenerateKey`, '2022-11-15'), { keyKind: 'primaryReadonly' })

  const [isUnderWay, error] = [await holder.operation!.isUnderWay(signal), await failure()]
  cloud.clock.advance(minutes(2))

  assert.deepEqual([isUnderWay, await holder.operation!.isUnderWay(signal)], [true, false])
  assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
  assert.equal(sent('regenerateKey').length, 1)
})

test('an account that does not report its operation refuses another one with 412, and the request waits', async () => {
  const { account: own, cloud, failure, sent, handle } = await opened({ saysUpdating: false })
  const before = handle.keys()
  await caller(cloud)('POST', arm(`${own.resourceId}/regenerateKey`, '2022-11-15'), { keyKind: 'primaryReadonly' })

  const error = await failure()

  assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
  assert.deepEqual([sent('regenerateKey').map(({ status }) => status), handle.keys()], [[202, 412], before])
})

test('a key that was made since its age was read is not made again: an earlier regenerate may have ended in between', async () => {
  const { holder, cloud, handle, failure, sent } = await opened()
  const before = await holder.createdAt!('primary', signal)
  cloud.clock.advance(minutes(1))
  handle.regenerateByHand('primary')

  const error = await failure()
  const after = await holder.createdAt!('primary', signal)

  assert.deepEqual([error.code, error.transient, sent('regenerateKey').length], ['ServiceChanged', true, 0])
  assert.deepEqual([before, after], [Date.UTC(2025, 11, 2), cloud.clock.now()])
})

for (const status of [403, 404] as const) {
  for (const saysUpdating of [true, false]) {
    const says = saysUpdating ? 'reports its operation' : 'does not report its operation'
    test(`an operation whose polls get ${status} is one regenerate whose key is found in the listing, where the account ${says}`, async () => {
      const { cloud, holder, call, sent, handle } = await opened({ saysUpdating })
      cloud.faults.add(untrackableOperations({ status }))

      const made = await holder.regenerate('primary', call)

      assert.equal(made['primary']!['key']!.reveal(), handle.keyOf('primary'))
      assert.deepEqual([sent('regenerateKey').length, sent('getOperation').length], [1, 1])
    })
  }
}

for (const saysUpdating of [true, false]) {
  const says = saysUpdating ? 'its operation' : 'only when the key was made'
  test(`a regenerate whose answer is lost is sent once, and its key found, where the account reports ${says}`, async () => {
    const { cloud, holder, call, sent, handle } = await opened({ saysUpdating })
    cloud.faults.add(lostAnswer({ operation: 'cosmos-db/regenerateKey' }))

    const made = await holder.regenerate('primary', call)

    assert.equal(made['primary']!['key']!.reveal(), handle.keyOf('primary'))
    assert.equal(sent('regenerateKey').length, 1)
  })
}

test('a regenerate that goes on for longer than a call may take leaves its outcome open, with one sent', async () => {
  const { cloud, failure, sent } = await opened()
  cloud.faults.add(slowOperation({ ms: hours(3) }))
  const begun = cloud.clock.now()

  const error = await failure()

  assert.equal(error.details.outcomeUnknown, true)
  assert.equal(sent('regenerateKey').length, 1)
  assert.ok(cloud.clock.now() - begun < minutes(7))
})

// What is particular to shared access policies of an IoT hub: one key changes, a whole hub is written.

import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import {
  failingOperation,
  lostAnswer,
  missingPermission,
  serverError,
  slowOperation,
  staleReads,
  truncatedBody,
  untrackableOperations,
} from '../../simulator/faults.ts'
import { readHostSettings } from '../../simulator/local/host-settings.ts'
import type { HubOptions } from '../../simulator/services/iot-hub.ts'
import type { Call, Log } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { callLimit, clockBound, settle } from '../../src/engine/target.ts'
import { iotHubPolicy } from '../../src/providers/iot-hub-policy.ts'
import { metadataInMemory, oldMetadata } from '../memory-lease.ts'
import { type ConnectOptions, connect } from '../simulated-azure.ts'
import { revealed } from './opened.ts'

function hub(policy = 'service', more: Partial<HubOptions> = {}, options: ConnectOptions = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.parse('2026-03-01T12:00:00Z')) })
  const handle = cloud.iotHubs.add({ name: 'Hub1', policies: { backup: 'RegistryRead, ServiceConnect' }, ...more })
  const azure = connect(cloud, options)
  const logged: object[] = []
  const log: Log = (level, message, fields) => void logged.push({ level, message, ...fields })
  const holder = iotHubPolicy.open({ resource: handle.resourceId, policy }, azure, undefined, log)
  const renewedAt: number[] = []
  const call: Call = {
    signal: new AbortController().signal,
    keepLease: async () => void renewedAt.push(cloud.clock.now()),
    metadata: oldMetadata(),
  }
  const sent = (operation: string) => cloud.history.filter((entry) => entry.operation === `iot-hub/${operation}`).length
  return { cloud, handle, azure, holder, call, renewedAt, sent, logged, read: () => holder.read(call.signal) }
}

async function rejection(run: Promise<unknown>): Promise<RekeyError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof RekeyError, 'a RekeyError is thrown')
  return error
}

for (const change of ['regenerate', 'swap'] as const) {
  test(`a ${change} changes keys of its own policy, and nothing else of the hub`, async () => {
    const { handle, holder, call, read } = hub('SERVICE')
    await read()
    const others = handle.policyNames.filter((name) => name !== 'service')
    const before = { document: handle.document(), names: handle.policyNames, keys: others.map((name) => keysOf(name)) }

    await (change === 'swap' ? holder.swap!(call) : holder.regenerate('secondary', call))

    assert.equal(others.length, 5)
    assert.deepEqual(handle.document(), before.document)
    assert.deepEqual(handle.policyNames, before.names)
    assert.deepEqual(
      others.map((name) => keysOf(name)),
      before.keys,
    )

    function keysOf(name: string) {
      const policy = handle.policy(name)
      return { ...policy.keys(), rights: policy.rights, accepted: policy.accepts(policy.keyOf('primary')) }
    }
  })
}

/** The bodies of the PUTs, as they went out. */
function bodiesPut(cloud: Cloud): { properties: Record<string, unknown> }[] {
  const bodies: { properties: Record<string, unknown> }[] = []
  const pass = cloud.fetch
  Object.assign(cloud, {
    fetch: async (request: Request) => {
      if (request.method === 'PUT') bodies.push(JSON.parse(await request.clone().text()))
      return pass(request)
    },
  })
  return bodies
}

test('the service is asked for a key by leaving it out, as the Azure CLI does; every other key goes along', async () => {
  const { cloud, holder, call } = hub()
  const bodies = bodiesPut(cloud)

  await holder.regenerate('secondary', call)

  const policies = bodies[0]!.properties['authorizationPolicies'] as Record<string, unknown>[]
  const missing = policies.flatMap((policy) =>
    ['primaryKey', 'secondaryKey'].filter((key) => !(key in policy)).map((key) => `${policy['keyName']} ${key}`),
  )
  assert.deepEqual(missing, ['service secondaryKey'])
  assert.ok(!JSON.stringify(policies).includes('null'))
})

test('what a hub says of itself and may not be set is not sent back', async () => {
  const { cloud, holder, call } = hub()
  const bodies = bodiesPut(cloud)

  await holder.regenerate('secondary', call)

  const { properties, ...resource } = bodies[0]!
  assert.deepEqual(Object.keys(resource).toSorted(), ['etag', 'identity', 'location', 'sku', 'tags'])
  assert.deepEqual(properties['eventHubEndpoints'], { events: { retentionTimeInDays: 7, partitionCount: 4 } })
  assert.deepEqual(properties['rootCertificate'], { enableRootCertificateV2: true })
  for (const name of ['state', 'provisioningState', 'hostName', 'locations']) assert.ok(!(name in properties), name)
})

test("the connection string is the hub's, with the policy in its own spelling and the key", async () => {
  const { handle, read } = hub('SERVICE')

  const { primary } = await read()

  const key = handle.policy('service').keyOf('primary')
  assert.equal(
    primary!['connectionString']!.reveal(),
    `HostName=Hub1.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=${key}`,
  )
})

test('keys that changed since they were read are not written back', async () => {
  const { handle, holder, call, read, sent } = hub()
  await read()
  handle.policy('service').regenerateByHand('primary')
  const before = handle.policy('service').keys()

  const error = await rejection(holder.regenerate('secondary', call))

  assert.equal(error.code, 'ServiceChanged')
  assert.equal(error.transient, true)
  assert.equal(error.details.outcomeUnknown, undefined)
  assert.equal(sent('putHub'), 0)
  assert.deepEqual(handle.policy('service').keys(), before)
})

test('a hub that changes between our look and our write keeps its change', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const look = call.keepLease
  const meddle = async () => {
    handle.changeByHand({ comments: 'mine' })
    await look()
  }

  const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: meddle }))

  assert.equal(error.code, 'ServiceChanged')
  assert.equal(error.transient, true)
  assert.equal(error.details.outcomeUnknown, undefined)
  assert.equal(handle.properties()['comments'], 'mine')
  assert.equal(cloud.history.at(-1)!.status, 412)
})

test('a hub that is being written already is busy, not broken', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  cloud.faults.add(slowOperation({ ms: 3_600_000 }))
  const impatient = { ...call, keepLease: counted(3, call) }
  await rejection(holder.regenerate('secondary', impatient))

  const error = await rejection(holder.regenerate('secondary', call))

  assert.equal(error.code, 'ServiceBusy')
  assert.equal(error.transient, true)
  assert.equal(error.details.outcomeUnknown, undefined)
})

test('while the service is at it, the lease is renewed often enough to outlive any pause', async () => {
  const { cloud, handle, holder, call, renewedAt, read, sent } = hub()
  await read()
  cloud.faults.add(slowOperation({ ms: 95_000 }))

  const made = revealed(await holder.regenerate('secondary', call))

  const pauses = renewedAt.slice(1).map((at, index) => at - renewedAt[index]!)
  assert.ok(Math.max(...pauses) <= 15_000, String(pauses))
  assert.ok(renewedAt.at(-1)! - renewedAt[0]! >= 95_000)
  assert.equal(sent('putHub'), 1)
  assert.equal(made['secondary'], handle.policy('service').keyOf('secondary'))
})

test('a call whose time runs out while the service is at it says so, and leaves open what became of the write', async () => {
  const ending = new AbortController()
  const wait = async () => {
    ending.abort()
    throw ending.signal.reason
  }
  const { cloud, holder, call, read, sent } = hub(undefined, {}, { wait })
  await read()
  cloud.faults.add(slowOperation({ ms: 60_000 }))

  const error = await rejection(holder.regenerate('secondary', { ...call, signal: ending.signal }))

  assert.equal(error.code, 'OutOfTime')
  assert.equal(error.transient, true)
  assert.equal(error.details.outcomeUnknown, true)
  assert.equal(sent('putHub'), 1)
})

test('a 202 without a body is the older way of saying that the service is still at it', async () => {
  const polls = [new Response(null, { status: 202 }), Response.json({ status: 'Succeeded' })]
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const pass = cloud.fetch
  Object.assign(cloud, {
    fetch: (request: Request) =>
      request.url.includes('operationResults') ? Promise.resolve(polls.shift()!) : pass(request),
  })

  const made = revealed(await holder.regenerate('secondary', call))

  assert.deepEqual(made, handle.policy('service').keys())
  assert.deepEqual(polls, [])
})

test('all pages of the policies are read: the first by POST, the others by GET, as the generated clients do', async () => {
  const { azure, handle, holder, call, read } = hub('service', { pageSize: 3 })
  await read()

  await holder.regenerate('secondary', call)

  const pages = azure.sent.filter(({ url }) => url.pathname === `${handle.resourceId}/listkeys`)
  assert.deepEqual([pages[0]?.method, ...new Set(pages.slice(1).map(({ method }) => method))], ['POST', 'GET'])
})

test('a Retry-After between polls is honoured, in pauses that the lease outlives', async () => {
  const waits: number[] = []
  const polls: Response[] = [
    Response.json({ status: 'Running' }, { headers: { 'retry-after': '25' } }),
    Response.json({ status: 'Succeeded' }),
  ]
  const { cloud, holder, call, read } = hub()
  await read()
  const pass = cloud.fetch
  const { advance } = cloud.clock
  cloud.clock.advance = (ms) => {
    waits.push(ms)
    advance(ms)
  }
  Object.assign(cloud, {
    fetch: (request: Request) =>
      request.url.includes('operationResults') ? Promise.resolve(polls.shift()!) : pass(request),
  })

  await holder.regenerate('secondary', call)

  assert.deepEqual(waits.slice(0, 4), [2_000, 10_000, 10_000, 5_000])
})

test('an operation that was cancelled has ended, and leaves open what became of the write', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  const pass = cloud.fetch
  let polls = 0
  Object.assign(cloud, {
    fetch: async (request: Request) => {
      if (!request.url.includes('operationResults')) return pass(request)
      polls += 1
      return Response.json({ status: 'Canceled' })
    },
  })

  const error = await rejection(holder.regenerate('secondary', call))

  assert.deepEqual([error.code, error.details.outcomeUnknown, polls], ['ServiceRefused', true, 1])
})

test('the lease is renewed before the first poll as well: the write itself may have taken long', async () => {
  const { cloud, holder, call, renewedAt, read } = hub()
  await read()
  const pass = cloud.fetch
  const renewals: number[] = []
  Object.assign(cloud, {
    fetch: async (request: Request) => {
      if (request.method === 'PUT' || request.url.includes('operationResults')) renewals.push(renewedAt.length)
      return pass(request)
    },
  })

  await holder.regenerate('secondary', call)

  assert.ok(renewals[1]! > renewals[0]!, String(renewals))
})

test('the name of a policy may hold what an address would read as something else', async () => {
  const { handle, read } = hub('a%41', { policies: { 'a%41': 'ServiceConnect' } })

  assert.deepEqual(revealed(await read()), handle.policy('a%41').keys())
})

for (const afterFailure of ['changed', 'unchanged'] as const) {
  test(`a write whose operation fails leaves open what became of it (${afterFailure})`, async () => {
    const { cloud, handle, holder, call, read } = hub('service', { afterFailure })
    await read()
    cloud.faults.add(failingOperation({ times: 1 }))

    const error = await rejection(holder.regenerate('secondary', call))

    assert.equal(error.code, 'ServiceRefused')
    assert.equal(error.details.service?.code, '500001')
    assert.equal(error.details.outcomeUnknown, true)
    assert.equal(error.transient, true)
    assert.deepEqual(revealed(await read()), handle.policy('service').keys())
  })
}

test('keys that cannot be read for as long as a change may take leave its outcome open', async () => {
  for (const status of [403, 404, 500]) {
    const { cloud, holder, call, read, sent } = hub()
    await read()
    cloud.faults.add(serverError({ operation: 'iot-hub/listKeysOfPolicy', when: 'before', status }))

    const error = await rejection(holder.regenerate('secondary', call))

    assert.equal(error.details.outcomeUnknown, true, String(status))
    assert.equal(error.transient, true, String(status))
    assert.equal(sent('putHub'), 1, String(status))
  }
})

describe('an operation that may not be followed', () => {
  for (const [why, fault] of [
    ['is 401', untrackableOperations({ status: 401 })],
    ['is 403', untrackableOperations({ status: 403 })],
    ['is 404', untrackableOperations({ status: 404 })],
    [
      'needs a right that is missing',
      missingPermission({ action: 'Microsoft.Devices/locations/operationresults/Read' }),
    ],
    ['fails at every poll', serverError({ operation: 'iot-hub/getOperation', when: 'before' })],
    ['answers what cannot be read', truncatedBody({ operation: 'iot-hub/getOperation' })],
  ] as const) {
    test(`because it ${why}: the hub itself is read until it is settled, and the key is made by one write`, async () => {
      const { cloud, handle, holder, call, read, sent } = hub()
      await read()
      cloud.faults.add(fault)
      const before = cloud.clock.now()

      const made = revealed(await holder.regenerate('secondary', call))

      assert.deepEqual(made, handle.policy('service').keys())
      assert.equal(sent('putHub'), 1)
      assert.ok(cloud.clock.now() - before < 60_000)
    })
  }

  test('is asked for once, and the log says with which status that was refused', async () => {
    const { cloud, holder, call, read, sent, logged } = hub()
    await read()
    cloud.faults.add(untrackableOperations())

    await holder.regenerate('secondary', call)

    assert.equal(sent('getOperation'), 1)
    assert.deepEqual(logged, [
      {
        level: 'info',
        message: 'the operation cannot be followed: its resource is read instead',
        operation: 'PUT …/IotHubs/Hub1',
        status: 403,
      },
    ])
  })

  test('is over when the hub is active again with another etag, though it fails or is not found meanwhile', async () => {
    for (const status of [404, 429, 500]) {
      const { cloud, handle, holder, call, read, sent } = hub()
      await read()
      cloud.faults.add(untrackableOperations())
      const pass = cloud.fetch
      let refusals = 3
      Object.assign(cloud, {
        fetch: (request: Request) => {
          const isRead = request.method === 'GET' && request.url.includes('/IotHubs/Hub1?') && sent('putHub') === 1
          return isRead && refusals-- > 0 ? Promise.resolve(new Response(null, { status })) : pass(request)
        },
      })

      const made = revealed(await holder.regenerate('secondary', call))

      assert.deepEqual(made, handle.policy('service').keys(), String(status))
      assert.equal(sent('putHub'), 1, String(status))
    }
  })

  test('and whose hub may not be read either leaves open what became of the write', async () => {
    const { cloud, holder, call, read } = hub()
    await read()
    cloud.faults.add(untrackableOperations())
    const late = { ...call, keepLease: async () => cloud.faults.add(missingPermission({ action: '*/iotHubs/Read' })) }

    const error = await rejection(holder.regenerate('secondary', late))

    assert.deepEqual([error.code, error.details.outcomeUnknown], ['PermissionDenied', true])
  })
})

describe('a hub that was just written', () => {
  const written = (ms: number) => ({ hubwritten: new Date(ms).toISOString() })
  const settled = settle + clockBound

  test('is left alone until every listing must show the write, whoever of us made it', async () => {
    const { cloud, holder, call, read, sent } = hub()
    await read()
    await call.metadata.write(written(cloud.clock.now() - 1000), call.signal)

    const error = await rejection(holder.regenerate('secondary', call))

    assert.deepEqual(
      [error.code, error.details.retryAfter, error.details.outcomeUnknown],
      ['ServiceBusy', settled - 1000, undefined],
    )
    assert.equal(sent('putHub'), 0)
    cloud.clock.advance(error.details.retryAfter!)
    await holder.regenerate('secondary', call)
  })

  test('is one whose lease says nothing, if its blob is new: it may have been lost just after a write', async () => {
    const { cloud, holder, call, read, sent } = hub()
    await read()
    const fresh = { ...call, metadata: metadataInMemory(cloud.clock.now)('new') }
    cloud.clock.advance(60_000)

    const error = await rejection(holder.regenerate('secondary', fresh))
    cloud.clock.advance(error.details.retryAfter!)
    await holder.regenerate('secondary', fresh)

    assert.deepEqual([error.code, error.details.retryAfter], ['ServiceBusy', settled - 60_000])
    assert.equal(sent('putHub'), 1)
  })

  for (const [what, entries] of [
    ['says nothing at all', {}],
    ['holds no moment', { since: 'yesterday' }],
    ['speaks of next year', written(Date.parse('2027-03-01T12:00:00Z'))],
  ] as const) {
    test(`is one whose lease ${what}: from then on it is known, so the wait ends`, async () => {
      const { cloud, holder, call, read } = hub()
      await read()
      const kept: Record<string, string> = { ...entries }
      const metadata = { read: async () => kept, write: async (more: object) => void Object.assign(kept, more) }

      const error = await rejection(holder.regenerate('secondary', { ...call, metadata }))
      cloud.clock.advance(error.details.retryAfter!)
      await holder.regenerate('secondary', { ...call, metadata })

      assert.deepEqual([error.code, error.details.retryAfter], ['ServiceBusy', settled])
    })
  }

  test('is noted before the write, with the longest that it may take, and afterwards as it was', async () => {
    const { cloud, holder, call, read } = hub()
    await read()
    const noted: number[] = []
    const { metadata } = call
    const write: typeof metadata.write = async (entries, signal) => {
      noted.push(Date.parse(entries['hubwritten']!) - cloud.clock.now())
      await metadata.write(entries, signal)
    }

    await holder.regenerate('secondary', { ...call, metadata: { ...metadata, write } })

    assert.deepEqual(noted, [6 * 60_000, 0])
  })

  test('is not one whose write was refused', async () => {
    const { cloud, handle, holder, call, read } = hub()
    await read()
    const meddle = async () => handle.changeByHand({ comments: 'mine' })

    const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: meddle }))
    await holder.regenerate('secondary', call)

    assert.equal(error.code, 'ServiceChanged')
    assert.equal(cloud.history.filter(({ effect }) => effect).length, 1)
  })

  test('is one whose write got no answer: it may land for as long as a write may take', async () => {
    const { cloud, azure, handle, holder, call, read } = hub()
    await read()
    const sentAt = cloud.clock.now()
    cloud.faults.add(serverError({ operation: 'iot-hub/putHub', when: 'before' }))
    await rejection(holder.regenerate('secondary', call))
    cloud.faults.clear()
    cloud.clock.advance(sentAt + settled - cloud.clock.now())
    const other = iotHubPolicy.open({ resource: handle.resourceId, policy: 'backup' }, azure)

    const error = await rejection(other.regenerate('secondary', call))

    assert.deepEqual([error.code, error.details.retryAfter], ['ServiceBusy', 6 * 60_000])
  })

  test('cannot be noted: then it is not written', async () => {
    const { holder, call, read, sent } = hub()
    await read()
    const down = new RekeyError('ServiceUnavailable', { message: 'storage is down', retryAfter: 1000 })
    const metadata = { ...call.metadata, write: async () => Promise.reject(down) }

    const error = await rejection(holder.regenerate('secondary', { ...call, metadata }))

    assert.equal(error, down)
    assert.equal(sent('putHub'), 0)
  })

  test('and cannot be noted afterwards has its key all the same: what was noted before says more than enough', async () => {
    const { handle, holder, call, read } = hub()
    await read()
    const { metadata } = call
    let writes = 0
    const write: typeof metadata.write = async (entries, signal) => {
      if (++writes > 1) throw new RekeyError('ServiceUnavailable', { message: 'storage is down', retryAfter: 1000 })
      await metadata.write(entries, signal)
    }

    const made = revealed(await holder.regenerate('secondary', { ...call, metadata: { ...metadata, write } }))

    assert.deepEqual(made, handle.policy('service').keys())
  })
})

test('a hub that says that it is being changed is busy, and neither listed nor written', async () => {
  const { cloud, azure, handle, holder, call, read, sent } = hub()
  await read()
  await azure.send({
    method: 'PUT',
    url: `https://management.azure.com${handle.resourceId}?api-version=2023-06-30`,
    headers: { 'If-Match': '*' },
    body: { ...handle.document(), properties: handle.properties() },
    scope: 'https://management.azure.com/.default',
    attempts: 'once',
    signal: call.signal,
    operation: 'somebody else',
  })

  const error = await rejection(holder.regenerate('secondary', call))

  assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
  assert.deepEqual([sent('putHub'), sent('listKeys')], [1, 0])
  cloud.clock.advance(60_000)
  await read()
  await holder.regenerate('secondary', call)
})

test('a hub whose last change failed, of whoever, can be written: its state says so for ever', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const pass = cloud.fetch
  Object.assign(cloud, {
    fetch: async (request: Request) => {
      const answer = await pass(request)
      if (request.method !== 'GET' || !request.url.includes('/IotHubs/Hub1?')) return answer
      const text = (await answer.text()).replace('"provisioningState":"Succeeded"', '"provisioningState":"Failed"')
      return new Response(text, answer)
    },
  })

  const made = revealed(await holder.regenerate('secondary', call))

  assert.deepEqual(made, handle.policy('service').keys())
})

test('a write without an answer leaves open what became of it where the hub may not be read, and does not look refused', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  cloud.faults.add(lostAnswer({ operation: 'iot-hub/putHub' }))
  let renewals = 0
  const keepLease = async () => {
    if (++renewals > 1) cloud.faults.add(missingPermission({ action: '*/iotHubs/Read' }))
  }

  const error = await rejection(holder.regenerate('secondary', { ...call, keepLease }))

  assert.deepEqual([error.code, error.details.outcomeUnknown], ['PermissionDenied', true])
})

test('a hub that is not found for a moment after it was written is asked again', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  cloud.faults.add(serverError({ operation: 'iot-hub/listKeysOfPolicy', when: 'before', status: 404, times: 2 }))

  const made = revealed(await holder.regenerate('secondary', call))

  assert.deepEqual(made, handle.policy('service').keys())
})

test('a listing that lags is asked again until it shows the new key', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const before = cloud.clock.now()
  cloud.faults.add(staleReads({ ms: 60_000, operation: 'iot-hub/listKeysOfPolicy' }))

  const ring = await holder.regenerate('secondary', call)

  assert.equal(ring['secondary']!['key']!.reveal(), handle.policy('service').keyOf('secondary'))
  assert.ok(cloud.clock.now() - before >= 60_000)
})

test('a listing that never shows the new key leaves open what happened', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  cloud.faults.add(staleReads({ ms: 3_600_000, operation: 'iot-hub/listKeysOfPolicy' }))

  const error = await rejection(holder.regenerate('secondary', call))

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.equal(error.details.outcomeUnknown, true)
})

const staleListing = staleReads({ ms: 3_600_000, operation: 'iot-hub/listKeysOfPolicy' })
for (const [name, faults, polled] of [
  ['an operation that does not end', [slowOperation({ ms: 3_600_000 })], undefined],
  ['a listing that does not follow a slow operation', [slowOperation({ ms: 240_000 }), staleListing], undefined],
  ['an operation that is to be polled in an hour', [], { status: 202, headers: { 'retry-after': '3600' } }],
] as const) {
  test(`${name} is waited for no longer than the function may run, with room for other calls`, async () => {
    const { cloud, holder, call, read } = hub()
    await read()
    for (const fault of faults) cloud.faults.add(fault)
    const pass = cloud.fetch
    Object.assign(cloud, {
      fetch: async (request: Request) =>
        polled && request.url.includes('operationResults') ? new Response(null, polled) : pass(request),
    })
    const before = cloud.clock.now()

    const error = await rejection(holder.regenerate('secondary', call))

    const { functionTimeout } = readHostSettings(fileURLToPath(new URL('../..', import.meta.url)))
    const took = cloud.clock.now() - before
    assert.ok(took + 8 * callLimit <= functionTimeout, `${took / 1000} s of ${functionTimeout / 1000} s`)
    assert.equal(error.details.outcomeUnknown, true)
  })
}

test('a lost lease ends the waiting, as itself', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  cloud.faults.add(slowOperation({ ms: 60_000 }))

  const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: counted(3, call) }))

  assert.equal(error.code, 'LeaseLost')
  assert.equal(error.details.outcomeUnknown, undefined)
})

test('a hub without local authentication is said to be so, and not written', async () => {
  const { holder, call, sent } = hub('service', { properties: { disableLocalAuth: true } })

  const error = await rejection(holder.regenerate('secondary', call))

  assert.equal(error.code, 'LocalAuthDisabled')
  assert.equal(sent('putHub'), 0)
})

test('a policy that the hub does not have is not made', async () => {
  const { handle, holder, call, read } = hub('nobody')
  const names = handle.policyNames

  const errors = [await rejection(read()), await rejection(holder.regenerate('primary', call))]

  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ResourceNotFound', 'ResourceNotFound'],
  )
  assert.match(errors[1]!.message, /no policy "nobody"/)
  assert.deepEqual(handle.policyNames, names)
})

for (const [policy, verdict] of [
  ['registryRead', 'accepted'],
  ['registryReadWrite', 'accepted'],
  ['service', 'accepted'],
  ['iothubowner', 'accepted'],
  ['device', 'unknown'],
] as const) {
  test(`the key of the policy ${policy} is shown by a read that its rights allow: ${verdict}`, async () => {
    const { holder, call, read } = hub(policy)
    const ring = await read()

    assert.equal(await holder.probe!('primary', ring['primary']!, call.signal), verdict)
  })
}

test('rights are read with or without a space between them', async () => {
  const { holder, call, read } = hub('spaced', { policies: { spaced: 'DeviceConnect, ServiceConnect' } })
  const ring = await read()

  assert.equal(await holder.probe!('primary', ring['primary']!, call.signal), 'accepted')
})

test('two policies of one hub are two credentials under one lease', () => {
  const resource = hub().handle.resourceId

  const [one, other] = ['service', 'device'].map((policy) => iotHubPolicy.place({ resource, policy }))

  assert.notEqual(one!.credential, other!.credential)
  assert.equal(one!.lease, other!.lease)
})

/** Renews the lease so often; then it is lost. */
function counted(times: number, call: Call): () => Promise<void> {
  let left = times
  return async () => {
    if (left-- <= 0) throw new RekeyError('LeaseLost', { message: 'the lease was lost' })
    await call.keepLease()
  }
}

test('two policies of one hub: a listing that lags does not bring back the key that the other one had before', async () => {
  const { cloud, handle, azure, holder, call, read } = hub()
  const other = iotHubPolicy.open({ resource: handle.resourceId, policy: 'backup' }, azure)
  await read()
  await holder.regenerate('secondary', call)
  const made = handle.policy('service').keyOf('secondary')
  cloud.faults.add(staleReads({ ms: 120_000, operation: 'iot-hub/listKeys' }))

  const error = await rejection(other.regenerate('secondary', call))
  cloud.clock.advance(error.details.retryAfter!)
  await other.regenerate('secondary', call)

  assert.equal(error.code, 'ServiceBusy')
  assert.equal(error.details.outcomeUnknown, undefined)
  assert.equal(handle.policy('service').keyOf('secondary'), made)
})

test('one holder may write its hub twice in a row: it has seen the listing show its own change', async () => {
  const { handle, holder, call, read } = hub()
  await read()
  await holder.regenerate('secondary', call)

  await holder.regenerate('primary', call)

  assert.equal(handle.policy('service').accepts(handle.policy('service').keyOf('primary')), true)
})

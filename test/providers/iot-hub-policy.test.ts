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

    await (change === 'swap' ? holder.swap!(call, 'secondary') : holder.regenerate('secondary', call))

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

test('A key is requested by leaving it out, as the Azure CLI does; every other key is sent back', async () => {
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

test('Read-only properties of a hub are not sent back', async () => {
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

test('A hub that changes between our read and our write keeps its change', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const keepLease = call.keepLease
  const meddle = async () => {
    handle.changeByHand({ comments: 'mine' })
    await keepLease()
  }

  const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: meddle }))

  assert.equal(error.code, 'ServiceChanged')
  assert.equal(error.transient, true)
  assert.equal(error.details.outcomeUnknown, undefined)
  assert.equal(handle.properties()['comments'], 'mine')
  assert.equal(cloud.history.at(-1)!.status, 412)
})

test('A hub that another client is writing is ServiceBusy', async () => {
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

test('While a hub is written, the lease is renewed often enough to outlive any pause', async () => {
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

test('A call whose time runs out while the hub is written has an unknown outcome, and says why', async () => {
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

test('A 202 without a body means that the hub is still being written', async () => {
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

test('An operation that was cancelled has ended, with an unknown outcome of the write', async () => {
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

test('The lease is renewed before the first poll as well, because the write itself may have taken long', async () => {
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

test('The name of a policy may have characters that are special in a URL', async () => {
  const { handle, read } = hub('a%41', { policies: { 'a%41': 'ServiceConnect' } })

  assert.deepEqual(revealed(await read()), handle.policy('a%41').keys())
})

for (const afterFailure of ['changed', 'unchanged'] as const) {
  test(`A write whose operation fails has an unknown outcome (${afterFailure})`, async () => {
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

test('A change whose keys cannot be read for as long as it may take has an unknown outcome', async () => {
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

describe('An operation of a hub that may not be polled', () => {
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
    test(`Where the operation ${why}, the hub itself is read until it is settled, and one write makes the key`, async () => {
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

  test('An operation that may not be polled is polled once, and the log has the status of the refusal', async () => {
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

  test('An operation that may not be polled has ended when the hub is active with another etag, though the hub fails or is not found meanwhile', async () => {
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

  test('An operation that may not be polled, of a hub that may not be read, leaves the outcome unknown', async () => {
    const { cloud, holder, call, read } = hub()
    await read()
    cloud.faults.add(untrackableOperations())
    const late = { ...call, keepLease: async () => cloud.faults.add(missingPermission({ action: '*/iotHubs/Read' })) }

    const error = await rejection(holder.regenerate('secondary', late))

    assert.deepEqual([error.code, error.details.outcomeUnknown], ['PermissionDenied', true])
  })
})

describe('A hub that was just written', () => {
  const written = (ms: number) => ({ hubwritten: new Date(ms).toISOString() })
  const settled = settle + clockBound

  test('A hub that was just written is left alone until every listing must show the write, whichever worker made it', async () => {
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

  test('A hub counts as just written when its lease has no record and its blob is new, because the blob may have been lost after a write', async () => {
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
    test(`A hub counts as just written when its lease ${what}; the time is recorded, so the wait ends`, async () => {
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

  test('The time of a write is recorded before it, with the longest that it may take, and afterwards as it was', async () => {
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

  test('A hub whose write was refused does not count as just written', async () => {
    const { cloud, handle, holder, call, read } = hub()
    await read()
    const meddle = async () => handle.changeByHand({ comments: 'mine' })

    const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: meddle }))
    await holder.regenerate('secondary', call)

    assert.equal(error.code, 'ServiceChanged')
    assert.equal(cloud.history.filter(({ effect }) => effect).length, 1)
  })

  test('A hub whose write got no answer counts as just written for as long as a write may take', async () => {
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

  test('A hub is not written when the time of the write cannot be recorded', async () => {
    const { holder, call, read, sent } = hub()
    await read()
    const down = new RekeyError('ServiceUnavailable', { message: 'storage is down', retryAfter: 1000 })
    const metadata = { ...call.metadata, write: async () => Promise.reject(down) }

    const error = await rejection(holder.regenerate('secondary', { ...call, metadata }))

    assert.equal(error, down)
    assert.equal(sent('putHub'), 0)
  })

  test('A write whose time cannot be recorded afterwards still has its key, because the earlier record suffices', async () => {
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

test('A hub that reports a change under way is ServiceBusy, and neither listed nor written', async () => {
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
    operation: 'another client',
  })

  const error = await rejection(holder.regenerate('secondary', call))

  assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
  assert.deepEqual([sent('putHub'), sent('listKeys')], [1, 0])
  cloud.clock.advance(60_000)
  await read()
  await holder.regenerate('secondary', call)
})

test('A hub whose last change failed can be written, because its state stays Failed until the next change', async () => {
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

test('A write without an answer has an unknown outcome where the hub may not be read, and does not count as refused', async () => {
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

test('A hub that is not found for a moment after it was written is read again', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  cloud.faults.add(serverError({ operation: 'iot-hub/listKeysOfPolicy', when: 'before', status: 404, times: 2 }))

  const made = revealed(await holder.regenerate('secondary', call))

  assert.deepEqual(made, handle.policy('service').keys())
})

test('A listing that lags is read again until it shows the new key', async () => {
  const { cloud, handle, holder, call, read } = hub()
  await read()
  const before = cloud.clock.now()
  cloud.faults.add(staleReads({ ms: 60_000, operation: 'iot-hub/listKeysOfPolicy' }))

  const ring = await holder.regenerate('secondary', call)

  assert.equal(ring['secondary']!['key']!.reveal(), handle.policy('service').keyOf('secondary'))
  assert.ok(cloud.clock.now() - before >= 60_000)
})

test('A listing that never shows the new key leaves the outcome unknown', async () => {
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
  test(`${name} is waited for no longer than the function may run, with time left for other calls`, async () => {
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

test('A lost lease ends the wait for a hub with LeaseLost', async () => {
  const { cloud, holder, call, read } = hub()
  await read()
  cloud.faults.add(slowOperation({ ms: 60_000 }))

  const error = await rejection(holder.regenerate('secondary', { ...call, keepLease: counted(3, call) }))

  assert.equal(error.code, 'LeaseLost')
  assert.equal(error.details.outcomeUnknown, undefined)
})

test('A hub without local authentication is LocalAuthDisabled, and not written', async () => {
  const { holder, call, sent } = hub('service', { properties: { disableLocalAuth: true } })

  const error = await rejection(holder.regenerate('secondary', call))

  assert.equal(error.code, 'LocalAuthDisabled')
  assert.equal(sent('putHub'), 0)
})

test('a policy that the hub does not have is not made', async () => {
  const { handle, holder, call, read } = hub('unknown')
  const names = handle.policyNames

  const errors = [await rejection(read()), await rejection(holder.regenerate('primary', call))]

  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ResourceNotFound', 'ResourceNotFound'],
  )
  assert.match(errors[1]!.message, /no policy "unknown"/)
  assert.deepEqual(handle.policyNames, names)
})

for (const [policy, verdict] of [
  ['registryRead', 'accepted'],
  ['registryReadWrite', 'accepted'],
  ['service', 'accepted'],
  ['iothubowner', 'accepted'],
  ['device', 'unknown'],
] as const) {
  test(`The key of the policy ${policy} is tried by a read that its rights allow: ${verdict}`, async () => {
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

test("The holder of a hub's lease may write it twice in a row, because it has seen the listing show its own change", async () => {
  const { handle, holder, call, read } = hub()
  await read()
  await holder.regenerate('secondary', call)

  await holder.regenerate('primary', call)

  assert.equal(handle.policy('service').accepts(handle.policy('service').keyOf('primary')), true)
})

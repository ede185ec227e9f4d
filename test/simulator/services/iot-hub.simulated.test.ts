// IoT hubs in Azure Resource Manager: what a write of the whole hub loses and keeps.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { failingOperation, missingPermission, slowOperation, staleReads } from '../../../simulator/faults.ts'
import type { HubOptions } from '../../../simulator/services/iot-hub.ts'
import { type Answer, arm, caller } from '../raw-caller.ts'

interface SentPolicy {
  keyName: string
  primaryKey?: string | null
  secondaryKey?: string | null
  rights: string
}

const writeTime = 30_000

function world(options: Partial<HubOptions> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.parse('2026-01-01T00:00:00Z')) })
  const hub = cloud.iotHubs.add({ name: 'hub1', ...options })
  const call = caller(cloud)
  const url = (rest = '') => arm(`${hub.resourceId}${rest}`, '2023-06-30')

  async function policies(): Promise<SentPolicy[]> {
    const found: SentPolicy[] = []
    let page = await call('POST', url('/listkeys'))
    for (;;) {
      found.push(...page.body.value)
      if (!page.body.nextLink) return found
      page = await call('GET', page.body.nextLink)
    }
  }
  /** Sends the hub back as a careful client does, with the policies changed. */
  async function send(change: (policies: SentPolicy[]) => unknown, etag?: string): Promise<Answer> {
    const { body } = await call('GET', url())
    const properties = { ...body.properties, authorizationPolicies: change(await policies()) }
    return call('PUT', url(), { ...body, properties }, { 'if-match': etag ?? body.etag })
  }
  /** The same, and half a minute later the write has landed. */
  async function write(change: (policies: SentPolicy[]) => unknown, etag?: string): Promise<Answer> {
    const answer = await send(change, etag)
    cloud.clock.advance(writeTime)
    return answer
  }
  return { cloud, hub, call, url, policies, send, write }
}

/** Asks the service for a new key in one slot of one policy. */
const renew = (name: string, slot: 'primaryKey' | 'secondaryKey') => (policies: SentPolicy[]) =>
  policies.map((policy) => (policy.keyName === name ? { ...policy, [slot]: null } : policy))

const unchanged = (policies: SentPolicy[]) => policies

test('a hub describes itself without keys, with its routing secrets masked, and with a setting of a future api-version', async () => {
  const { cloud, hub, call, url } = world()

  const { status, text, body } = await call('GET', url())

  assert.equal(status, 200)
  assert.deepEqual([body.etag, body.properties.state, body.properties.hostName], [hub.tag, 'Active', hub.host])
  assert.match(body.properties.routing.endpoints.eventHubs[0].connectionString, /SharedAccessKey=\*\*\*\*;/)
  assert.match(body.properties.storageEndpoints.$default.connectionString, /AccountKey=\*\*\*\*;/)
  assert.deepEqual(body.properties.settingOfTomorrow, { mode: 'kept', since: 2031 })
  assert.equal(
    [...cloud.minted].some((secret) => text.includes(secret)),
    false,
  )
})

test('the keys of all policies come in pages, those of one policy by its name without case', async () => {
  const { hub, call, url, policies } = world({ policies: { 'a-sixth': 'RegistryRead, ServiceConnect' }, pageSize: 3 })

  const first = await call('POST', url('/listkeys'))
  const all = await policies()
  const one = await call('POST', url('/IotHubKeys/SERVICE/listkeys'))
  const none = await call('POST', url('/IotHubKeys/ghost/listkeys'))

  assert.equal(first.body.value.length, 3)
  assert.deepEqual(
    all.map(({ keyName }) => keyName),
    hub.policyNames,
  )
  assert.equal(all.length, 6)
  assert.deepEqual(one.body, {
    keyName: 'service',
    primaryKey: hub.policy('service').keyOf('primary'),
    secondaryKey: hub.policy('service').keyOf('secondary'),
    rights: 'ServiceConnect',
  })
  assert.equal(none.status, 404)
})

test('null asks for a new key in that slot, and everything sent back as it came stays as it was', async () => {
  const { hub, call, url, write } = world()
  const [before, keys] = [hub.document(), hub.policyNames.map((name) => hub.policy(name).keys())]
  const service = hub.policy('service')
  const old = service.keys()

  const put = await write(renew('service', 'secondaryKey'))
  const poll = await call('GET', put.headers.get('azure-asyncoperation')!)
  const after = await call('GET', url())

  assert.equal(put.status, 201)
  assert.deepEqual(poll.body, { status: 'Succeeded' })
  assert.equal(after.body.properties.state, 'Active')
  assert.equal(service.keyOf('primary'), old['primary'])
  assert.deepEqual([service.accepts(old['secondary']!), service.accepts(service.keyOf('secondary'))], [false, true])
  assert.deepEqual(hub.document(), before)
  assert.deepEqual(
    hub.policyNames.filter((name, index) => hub.policy(name).keyOf('primary') !== keys[index]!['primary']),
    [],
  )
})

test('a key that is left out is made anew, so a client that sends no keys rotates every policy', async () => {
  const { hub, write } = world()
  const before = hub.policy('device').keys()

  await write((policies) => policies.map(({ keyName, rights }) => ({ keyName, rights })))

  assert.notEqual(hub.policy('device').keyOf('primary'), before['primary'])
  assert.notEqual(hub.policy('device').keyOf('secondary'), before['secondary'])
})

test('a property, a tag or a policy that is left out is lost', async () => {
  const { cloud, hub, call, url, policies } = world()
  const lost = hub.policy('device')
  const { body } = await call('GET', url())
  const { settingOfTomorrow: _, ...properties } = body.properties
  const authorizationPolicies = (await policies()).filter(({ keyName }) => keyName !== 'device')
  const { tags: __, ...rest } = body

  const put = await call(
    'PUT',
    url(),
    { ...rest, properties: { ...properties, authorizationPolicies } },
    { 'if-match': body.etag },
  )
  cloud.clock.advance(writeTime)

  assert.equal(put.status, 201)
  assert.deepEqual([hub.properties()['settingOfTomorrow'], hub.document()['tags']], [undefined, undefined])
  assert.equal(hub.policyNames.includes('device'), false)
  assert.equal(lost.accepts(lost.keyOf('primary')), false)
  assert.throws(() => hub.policy('device'), TypeError)
})

test('a masked secret that comes back as it was shown is kept; one that was changed is stored unchanged', async () => {
  const { cloud, hub, call, url, policies } = world()
  const { body } = await call('GET', url())
  const endpoint = body.properties.routing.endpoints.eventHubs[0]
  endpoint.connectionString = endpoint.connectionString.replace('EntityPath=events', 'EntityPath=other')
  body.properties.authorizationPolicies = await policies()

  await call('PUT', url(), body, { 'if-match': body.etag })
  cloud.clock.advance(writeTime)

  const { routing, storageEndpoints } = hub.properties() as {
    routing: { endpoints: { eventHubs: { connectionString: string }[] } }
    storageEndpoints: { $default: { connectionString: string } }
  }
  assert.match(routing.endpoints.eventHubs[0]!.connectionString, /SharedAccessKey=\*\*\*\*;EntityPath=other$/)
  assert.match(storageEndpoints.$default.connectionString, /AccountKey=[^*;]{40,};/)
})

test('masked secrets are kept by the names of their endpoints, in whatever order these come back', async () => {
  const { cloud, hub, call, url, policies } = world()
  const endpoint = (name: string) => ({
    name,
    connectionString: `Endpoint=sb://x/;SharedAccessKey=of-${name};EntityPath=e`,
  })
  hub.changeByHand({ routing: { endpoints: { eventHubs: [endpoint('one'), endpoint('two')] } } })
  const { body } = await call('GET', url())
  body.properties.routing.endpoints.eventHubs.reverse()
  body.properties.authorizationPolicies = await policies()

  await call('PUT', url(), body, { 'if-match': body.etag })
  cloud.clock.advance(writeTime)

  assert.deepEqual(hub.properties()['routing'], { endpoints: { eventHubs: [endpoint('two'), endpoint('one')] } })
})

test('two keys exchanged by the client change places', async () => {
  const { hub, write } = world()
  const service = hub.policy('service')
  const { primary, secondary } = service.keys()

  await write((policies) =>
    policies.map((policy) =>
      policy.keyName === 'service'
        ? { ...policy, primaryKey: policy.secondaryKey, secondaryKey: policy.primaryKey }
        : policy,
    ),
  )

  assert.deepEqual(service.keys(), { primary: secondary, secondary: primary })
})

test('without the etag, or with one that is out of date, a write is 412 with a numeric code, and changes nothing', async () => {
  const { hub, call, url, write } = world()
  const before = hub.policy('service').keys()
  const old = hub.tag
  hub.changeByHand({ minTlsVersion: '1.3' })
  const { body } = await call('GET', url())

  const stale = await write(renew('service', 'primaryKey'), old)
  const without = await call('PUT', url(), body)
  const any = await write(unchanged, '*')
  const quoted = await write(unchanged, `"${hub.tag}"`)

  assert.equal(stale.status, 412)
  assert.deepEqual([stale.body.code, stale.body.httpStatusCode], [412002, 'PreconditionFailed'])
  assert.match(stale.body.message, /errorcode: IH412002\.$/)
  assert.deepEqual([without.status, without.body.code], [412, 412001])
  assert.deepEqual([any.status, quoted.status], [201, 201])
  assert.deepEqual(hub.policy('service').keys(), before)
})

test('the etag of a hub changes with every change, by a client or by an operator', async () => {
  const { hub, write } = world()
  const tags = [hub.tag]

  await write(unchanged)
  tags.push(hub.tag)
  hub.policy('service').regenerateByHand('primary')
  tags.push(hub.tag)
  hub.policy('service').swapByHand()
  tags.push(hub.tag)
  hub.changeByHand({ features: 'DeviceManagement' })
  tags.push(hub.tag)

  assert.equal(new Set(tags).size, 5)
})

test('a write lands at its end, which a fault can put off; until then the hub is not active and refuses another', async () => {
  const { cloud, hub, call, url, send } = world()
  cloud.faults.add(slowOperation({ ms: 90_000 }))
  const service = hub.policy('service')
  const old = service.keyOf('primary')

  const put = await send(renew('service', 'primaryKey'))
  const poll = put.headers.get('azure-asyncoperation')!
  cloud.clock.advance(89_999)
  const running = await call('GET', poll)
  const between = await call('GET', url())
  const second = await send(renew('service', 'secondaryKey'))
  const before = service.accepts(old)
  cloud.clock.advance(1)
  const done = await call('GET', poll)

  assert.deepEqual([running.body.status, done.body.status], ['Running', 'Succeeded'])
  assert.notEqual(between.body.properties.state, 'Active')
  assert.deepEqual([second.status, second.body.code, second.body.httpStatusCode], [409, 409002, 'Conflict'])
  assert.deepEqual([before, service.accepts(old)], [true, false])
})

test('a write of a hub finishes although no client polls for it', async () => {
  const { cloud, hub, write } = world()
  const service = hub.policy('service')
  const old = service.keyOf('primary')

  await write(renew('service', 'primaryKey'))
  cloud.clock.advance(3_600_000)

  assert.notEqual(service.keyOf('primary'), old)
})

for (const [afterFailure, says] of [
  ['unchanged', 'leaves the keys as they were'],
  ['changed', 'may have changed the key all the same'],
] as const) {
  test(`an operation that fails says so, and ${says}`, async () => {
    const { cloud, hub, call, write } = world({ afterFailure })
    cloud.faults.add(failingOperation({ times: 1 }))
    const old = hub.policy('service').keyOf('primary')

    const put = await write(renew('service', 'primaryKey'))
    const poll = await call('GET', put.headers.get('azure-asyncoperation')!)
    const kept = hub.policy('service').keyOf('primary') === old
    const again = await write(renew('service', 'primaryKey'))
    const second = await call('GET', again.headers.get('azure-asyncoperation')!)

    assert.equal(put.status, 201)
    assert.equal(poll.body.status, 'Failed')
    assert.equal(kept, afterFailure === 'unchanged')
    assert.equal(second.body.status, 'Succeeded')
  })
}

test('a write with an invalid hub, key or right, or with a policy twice, is refused and changes nothing', async () => {
  const { hub, call, url, write } = world()
  const [document, keys] = [hub.document(), hub.policy('service').keys()]
  const set = (more: object) => (policies: SentPolicy[]) => policies.map((policy) => ({ ...policy, ...more }))

  const answers = [
    await write(set({ primaryKey: '' })),
    await write(set({ primaryKey: 'not base64!' })),
    await write(set({ rights: 11 })),
    await write(set({ rights: 'RegistryRead,ServiceConnect' })),
    await write(set({ keyName: 'Service' })),
    await write(() => 'none'),
    await call('PUT', url(), { properties: {} }, { 'if-match': hub.tag }),
    await call('PUT', url(), { location: 'northeurope', sku: {} }, { 'if-match': hub.tag }),
  ]

  assert.deepEqual(
    answers.map(({ status }) => status),
    Array.from({ length: 8 }, () => 400),
  )
  assert.deepEqual(hub.document(), document)
  assert.deepEqual(hub.policy('service').keys(), keys)
})

test('a stale read of the hub shows the etag of its moment, so a write based on it is refused', async () => {
  const { cloud, hub, write } = world()
  cloud.clock.advance(120_000)
  await write(renew('service', 'primaryKey'))
  const current = hub.policy('service').keys()
  cloud.faults.add(staleReads({ ms: 60_000 }))

  const answer = await write(renew('service', 'secondaryKey'))

  assert.equal(answer.status, 412)
  assert.deepEqual(hub.policy('service').keys(), current)
})

test('each call to an IoT hub needs its own permission', async () => {
  const { cloud, hub, call, url } = world()
  const subscription = hub.resourceId.split('/').slice(0, 3).join('/')
  const rights = [
    'iotHubs/Read',
    'iotHubs/Write',
    'iotHubs/listkeys/Action',
    'iotHubs/iotHubKeys/listkeys/Action',
    'locations/operationresults/Read',
  ]
  const calls: [string, string][] = [
    ['GET', url()],
    ['PUT', url()],
    ['POST', url('/listkeys')],
    ['POST', url('/IotHubKeys/service/listkeys')],
    ['GET', arm(`${subscription}/providers/Microsoft.Devices/locations/westeurope/operationResults/1`, '2023-06-30')],
  ]
  const statuses: number[][] = []

  for (const right of rights) {
    cloud.faults.add(missingPermission({ action: `Microsoft.Devices/${right}` }))
    const answers = await Promise.all(calls.map(([method, where]) => call(method, where)))
    statuses.push(answers.map(({ status }) => status))
    cloud.faults.clear()
  }

  assert.deepEqual(
    statuses.map((row) => row.map((status) => status === 403)),
    rights.map((_, index) => calls.map((_, other) => other === index)),
  )
})

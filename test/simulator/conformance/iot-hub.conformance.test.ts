// IoT hubs in Resource Manager: what Azure was recorded or documented to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { missingPermission, untrackableOperations } from '../../../simulator/faults.ts'
import { arm, caller } from '../raw-caller.ts'
import { fact, type Source } from './fact.ts'

/** `az iot hub policy renew-key`: GET, listkeys, PUT, two polls, GET, listkeys. */
const renewKey: Source = {
  repository: 'Azure/azure-cli',
  file: 'src/azure-cli/azure/cli/command_modules/iot/tests/latest/recordings/test_iot_hub.yaml',
  date: '2025-09-22',
}
const noEtag: Source = { repository: 'crossplane-contrib/provider-upjet-azure', file: 'issue 299', date: '2023-02-03' }
const etagMismatch: Source = {
  repository: 'hashicorp/terraform-provider-azurerm',
  file: 'issue 9060',
  date: '2020-10-28',
}
const notActive: Source = { repository: 'microsoft/vscode', file: 'issue 68251', date: '2019-02-08' }
const permissions: Source = {
  repository: 'learn.microsoft.com',
  file: 'azure/role-based-access-control/permissions/internet-of-things',
  date: '2026-02-23',
}
const tracking: Source = {
  repository: 'learn.microsoft.com',
  file: 'azure/azure-resource-manager/management/async-operations',
  date: '2025',
}
const version = '2023-06-30'

interface Policy {
  readonly keyName: string
  readonly primaryKey?: string
  readonly secondaryKey?: string
  readonly rights: string
}

function hub() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.iotHubs.add({ name: 'contoso', policies: { mine: 'RegistryWrite, ServiceConnect' } })
  const call = caller(cloud)
  const url = arm(handle.resourceId, version)
  const get = () => call('GET', url)
  const policies = async (): Promise<Policy[]> =>
    (await call('POST', arm(`${handle.resourceId}/listkeys`, version))).body.value
  /** The write of the recording: the policy's primary key is left out. */
  async function renew(etag?: string) {
    const { body } = await get()
    const authorizationPolicies = (await policies()).map((policy) => {
      const { primaryKey: _, ...rest } = policy
      return policy.keyName === 'mine' ? rest : policy
    })
    const properties = { ...body.properties, authorizationPolicies }
    return call('PUT', url, { ...body, properties }, { 'if-match': etag ?? body.etag })
  }
  return { cloud, handle, call, get, policies, renew }
}

fact(
  'listkeys answers every policy, the defaults first, with both keys and its rights as one string',
  renewKey,
  async () => {
    const { policies, handle } = hub()

    const all = await policies()

    assert.deepEqual(
      all.map(({ keyName, rights }) => [keyName, rights]),
      [
        ['iothubowner', 'RegistryWrite, ServiceConnect, DeviceConnect'],
        ['service', 'ServiceConnect'],
        ['device', 'DeviceConnect'],
        ['registryRead', 'RegistryRead'],
        ['registryReadWrite', 'RegistryWrite'],
        ['mine', 'RegistryWrite, ServiceConnect'],
      ],
    )
    assert.deepEqual(Object.keys(all[5]!), ['keyName', 'primaryKey', 'secondaryKey', 'rights'])
    assert.equal(all[5]!.primaryKey, handle.policy('mine').keyOf('primary'))
  },
)

fact('GET shows no policies; systemData has createdAt alone, after many writes as well', renewKey, async () => {
  const { cloud, get, renew } = hub()
  const before = await get()
  await renew()
  cloud.clock.advance(60_000)

  const { status, body } = await get()

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body.systemData), ['createdAt'])
  assert.deepEqual(body.systemData, before.body.systemData)
  assert.equal(body.properties.authorizationPolicies, undefined)
  assert.deepEqual([body.properties.state, body.properties.provisioningState], ['Active', 'Succeeded'])
})

fact(
  'GET shows fields that no client may set: endpoints, their paths, the date of the root certificate, the tier',
  renewKey,
  async () => {
    const { get } = hub()

    const { body } = await get()

    const { events } = body.properties.eventHubEndpoints
    assert.deepEqual(events.partitionIds, [])
    assert.match(events.endpoint, /^sb:\/\/.+\.servicebus\.windows\.net\/$/)
    assert.equal(typeof events.path, 'string')
    assert.ok(Date.parse(body.properties.rootCertificate.lastUpdatedTimeUtc))
    assert.equal(body.sku.tier, 'Standard')
    assert.deepEqual(
      body.properties.locations.map(({ role }: { role: string }) => role),
      ['primary', 'secondary'],
    )
    for (const name of ['id', 'name', 'type', 'etag', 'subscriptionid', 'resourcegroup']) assert.ok(body[name], name)
  },
)

fact(
  'PUT answers 201 and echoes the keys of all policies, null where one is to be made, with the etag from before',
  renewKey,
  async () => {
    const { handle, get, renew } = hub()
    const { body: before } = await get()

    const { status, body } = await renew()

    const { authorizationPolicies, provisioningState, ...properties } = body.properties
    assert.equal(status, 201)
    assert.equal(body.etag, before.etag)
    assert.equal(provisioningState, 'Accepted')
    assert.deepEqual(authorizationPolicies.at(-1), {
      keyName: 'mine',
      primaryKey: null,
      secondaryKey: handle.policy('mine').keyOf('secondary'),
      rights: 'RegistryWrite, ServiceConnect',
    })
    assert.equal(authorizationPolicies[0].primaryKey, handle.policy('iothubowner').keyOf('primary'))
    assert.equal(body.systemData, undefined)
    for (const name of ['state', 'hostName', 'locations']) assert.ok(!(name in properties), name)
    assert.deepEqual(Object.keys(properties.eventHubEndpoints.events), ['retentionTimeInDays', 'partitionCount'])
    assert.deepEqual(properties.rootCertificate, { enableRootCertificateV2: true })
  },
)

fact(
  'the operation is at a location of the subscription, at an address of several kB, without Retry-After',
  renewKey,
  async () => {
    const { renew } = hub()

    const { headers } = await renew()

    const address = new URL(headers.get('azure-asyncoperation')!)
    assert.match(
      address.pathname,
      /^\/subscriptions\/[^/]+\/providers\/Microsoft\.Devices\/locations\/westeurope\/operationResults\/[\w-]+$/,
    )
    assert.deepEqual(
      [...address.searchParams.keys()],
      ['api-version', 'operationSource', 'asyncinfo', 't', 'c', 's', 'h'],
    )
    assert.ok(address.href.length > 3000)
    for (const name of ['retry-after', 'location']) assert.equal(headers.get(name), null)
  },
)

fact(
  'the first poll says Running, the one 30 seconds later Succeeded; then the hub has another etag and the key is made',
  renewKey,
  async () => {
    const { cloud, handle, call, get, renew } = hub()
    const { primary, secondary } = handle.policy('mine').keys()
    const { body: before } = await get()
    const put = await renew()
    const poll = () => call('GET', put.headers.get('azure-asyncoperation')!)

    const first = await poll()
    cloud.clock.advance(30_000)
    const second = await poll()
    const { body: after } = await get()

    assert.deepEqual([first.status, first.body], [200, { status: 'Running' }])
    assert.deepEqual([second.status, second.body], [200, { status: 'Succeeded' }])
    assert.equal(second.headers.get('retry-after'), null)
    assert.notEqual(after.etag, before.etag)
    assert.notEqual(handle.policy('mine').keyOf('primary'), primary)
    assert.equal(handle.policy('mine').keyOf('secondary'), secondary)
  },
)

fact(
  'to follow a write takes Microsoft.Devices/locations/operationresults/Read; a hub has only an obsolete right of that name',
  permissions,
  async () => {
    const { cloud, call, renew } = hub()
    const put = await renew()
    const poll = () => call('GET', put.headers.get('azure-asyncoperation')!)
    cloud.faults.add(missingPermission({ action: 'Microsoft.Devices/iotHubs/operationresults/Read' }))
    const withoutObsolete = await poll()
    cloud.faults.clear()
    cloud.faults.add(missingPermission({ action: 'Microsoft.Devices/locations/operationresults/Read' }))

    const without = await poll()

    assert.deepEqual(
      [withoutObsolete.status, without.status, without.body.error.code],
      [200, 403, 'AuthorizationFailed'],
    )
  },
)

fact('a role granted on a hub or its group begins a write and cannot follow it', tracking, async () => {
  for (const segments of [9, 5]) {
    const { cloud, handle, call, renew } = hub()
    const scope = handle.resourceId.split('/').slice(0, segments).join('/')
    cloud.identity.deny('Microsoft.Devices/*')
    cloud.identity.grant('Microsoft.Devices/*', scope)

    const put = await renew()
    const poll = await call('GET', put.headers.get('azure-asyncoperation')!)

    assert.deepEqual([put.status, poll.status], [201, 403], scope)
  }
})

fact('an operation can be refused to a principal that may read the resource', tracking, async () => {
  for (const status of [401, 403, 404] as const) {
    const { cloud, call, get, renew } = hub()
    const put = await renew()
    cloud.faults.add(untrackableOperations({ status }))

    const poll = await call('GET', put.headers.get('azure-asyncoperation')!)

    assert.deepEqual([poll.status, (await get()).status], [status, 200])
  }
})

fact('a write without an etag is 412 with a numeric code, without `error` around it', noEtag, async () => {
  const { renew } = hub()

  const { status, body } = await renew('')

  assert.equal(status, 412)
  assert.deepEqual([body.code, body.httpStatusCode], [412001, 'PreconditionFailed'])
  assert.match(body.message, /^Invalid ETag supplied\..*errorcode: IH412001\.$/)
})

fact('an etag that does not match is refused as a bad one, or a changed description', etagMismatch, async () => {
  const { renew } = hub()

  const { status, body } = await renew('AAAAAAAAAAA=')

  assert.equal(status, 412)
  assert.match(body.message, /^Either bad ETag was supplied or IotHub description was changed\./)
})

fact('a write while another one is under way is 409, IH409002', notActive, async () => {
  const { renew } = hub()
  await renew()

  const { status, body } = await renew()

  assert.equal(status, 409)
  assert.deepEqual([body.code, body.httpStatusCode], [409002, 'Conflict'])
  assert.match(body.message, /not in Active state.*IH409002\.$/)
})

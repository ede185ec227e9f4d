// IoT hubs in Azure Resource Manager: a hub is read whole and replaced whole.

import type { Kernel } from '../kernel.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armPath, armResourceId, defaultGroup, defaultSubscription } from './arm.ts'
import { entityTag } from './etag.ts'
import { filledIn, isObject, type Json, masked, newDescription, writable } from './iot-hub-description.ts'
import { type HubHandle, hubHandle } from './iot-hub-handle.ts'
import { type Hub, hubKeys, type Policy, propertiesOf, settle } from './iot-hub-state.ts'
import { checkTag, defaultPolicies, devicesError, replacement } from './iot-hub-write.ts'
import { hubDialect, iotRegistry } from './iot-registry.ts'

export interface HubOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Default 1. */
  readonly units?: number
  /** Name to rights, in addition to the five policies that every hub has. */
  readonly policies?: Readonly<Record<string, string>>
  /** Added to the properties of a new hub, or replacing them. */
  readonly properties?: Readonly<Record<string, unknown>>
  /** How many policies are listed at a time. Default: all of them. */
  readonly pageSize?: number
  /** Whether a failed operation has changed the hub nevertheless. Default `unchanged`. */
  readonly afterFailure?: 'changed' | 'unchanged'
}

const type = 'Microsoft.Devices/IotHubs'
const rights = 'Microsoft.Devices/iotHubs'
const day = 86_400_000
const apiVersions = ['2021-07-02', '2023-06-30', '2023-06-30-preview']
const path = armPath(type, 'hub')
/** How long a write takes from its 201 to its end. */
const writeTime = 30_000

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof iotHub> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    { group: 'iot-hub', hosts: ['.azure-devices.net', '.azure-devices.us', '.azure-devices.cn'], dialect: hubDialect },
  ],
  install: iotHub,
}

function iotHub(kernel: Kernel) {
  const hubs = new Map<string, Hub>()
  const byHost = new Map<string, Hub>()
  /** The hubs of the accepted writes, by the id of the operation. */
  const written = new Map<string, Hub>()
  const dice = kernel.dice.fork('iot-hub')
  const mint = (): Buffer => dice.bytes(32)

  const hubOf = (call: Call): Hub => {
    const hub = hubs.get(armResourceId(call, type, 'hub').toLowerCase())
    if (!hub) throw call.refuse(404, 'ResourceNotFound', `The Resource '${type}/${call.params['hub']}' was not found.`)
    return settle(hub, call.now)
  }

  function put(call: Call): Reply {
    const hub = hubOf(call)
    if (hub.pending) {
      const message = `IotHub ${hub.name} is not in Active state. Try again when it is.`
      throw devicesError(call, 409, 409002, 'Conflict', message)
    }
    checkTag(call, hub)
    const apply = replacement(kernel, call, hub, mint)
    const id = Buffer.from(`os_ih_${dice.uuid()}`).toString('base64url')
    const endsAt = call.now + kernel.faults.operationTime(writeTime)
    hub.pending = { id, endsAt, fails: kernel.faults.operationFails(), apply }
    written.set(id, hub)
    return { status: 201, headers: { 'azure-asyncoperation': pollAddress(call, hub, id) }, body: echoed(call, hub) }
  }

  /** The address belongs to a location, not to the hub. It is several kB long: it carries a certificate and a signature. */
  function pollAddress(call: Call, hub: Hub, id: string): string {
    const { subscription } = call.params
    const query = [
      `api-version=${call.query.get('api-version')}`,
      'operationSource=os_ih',
      'asyncinfo',
      `t=${call.now}`,
      `c=${dice.bytes(2100).toString('base64url')}`,
      `s=${dice.bytes(256).toString('base64url')}`,
      `h=${dice.bytes(32).toString('base64url')}`,
    ]
    return `https://${call.host}/subscriptions/${subscription}/providers/Microsoft.Devices/locations/${hub.document['location']}/operationResults/${id}?${query.join('&')}`
  }

  kernel.register([
    {
      operation: 'iot-hub/getHub',
      permission: `${rights}/Read`,
      host: 'resource-manager',
      method: 'GET',
      path,
      apiVersions,
      handle: (call) => ({ status: 200, body: described(hubOf(call), call.readAt) }),
    },
    {
      operation: 'iot-hub/putHub',
      effect: true,
      permission: `${rights}/Write`,
      host: 'resource-manager',
      method: 'PUT',
      path,
      apiVersions,
      handle: put,
    },
    {
      operation: 'iot-hub/getOperation',
      tracks: true,
      permission: 'Microsoft.Devices/locations/operationresults/Read',
      scope: ({ params }) => `/subscriptions/${params['subscription']}`,
      host: 'resource-manager',
      method: 'GET',
      path: '/subscriptions/:subscription/providers/Microsoft.Devices/locations/:location/operationResults/:id',
      apiVersions,
      handle: (call) => operationStatus(written.get(call.params['id']!), call),
    },
    // The first page is read with POST; the generated clients follow nextLink with GET.
    ...['POST', 'GET'].map((method) => ({
      operation: 'iot-hub/listKeys',
      permission: `${rights}/listkeys/Action`,
      host: 'resource-manager' as const,
      method,
      path: `${path}/listkeys`,
      apiVersions,
      handle: (call: Call) => policyPage(hubOf(call), call),
    })),
    {
      operation: 'iot-hub/listKeysOfPolicy',
      permission: `${rights}/iotHubKeys/listkeys/Action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${path}/IotHubKeys/:policy/listkeys`,
      apiVersions,
      handle(call) {
        const name = call.params['policy']!
        const policy = hubOf(call).policies.get(name.toLowerCase())
        if (!policy) throw devicesError(call, 404, 404008, 'NotFound', `No SharedAccessPolicy ${name} was found.`)
        return { status: 200, body: withKeys(policy, call.readAt) }
      },
    },
  ])
  iotRegistry(kernel, (host) => byHost.get(host.split('.')[0]!.toLowerCase()))

  return {
    iotHubs: {
      /** A new hub with the five usual policies, a setting of a future api-version, and secrets in its routing. */
      add(options: HubOptions): HubHandle {
        const id = armResourceId(options, type, options.name)
        const hub = newHub(kernel, id, options, mint)
        hubs.set(id.toLowerCase(), hub)
        byHost.set(options.name.toLowerCase(), hub)
        const handle = hubHandle(kernel, hub, mint)
        // Every policy is known to the management API, mentioned or not.
        for (const name of handle.policyNames) handle.policy(name)
        return handle
      },
    },
  }
}

function newHub(kernel: Kernel, id: string, options: HubOptions, mint: () => Buffer): Hub {
  const { name, group = defaultGroup, subscription = defaultSubscription, units = 1 } = options
  const secret = (): string => {
    const key = mint().toString('base64')
    kernel.minted.add(key)
    return key
  }
  const document = newDescription({ group, subscription, units, secret })
  const policies = Object.entries({ ...defaultPolicies, ...options.policies })
  return {
    id,
    name,
    host: `${name.toLowerCase()}.azure-devices.net`,
    createdAt: kernel.clock.now() - 30 * day,
    tag: entityTag(kernel, id),
    document: { ...document, properties: { ...(document['properties'] as object), ...options.properties } },
    policies: new Map(
      policies.map(([name, rights]) => [name.toLowerCase(), { name, rights, slots: hubKeys(kernel, mint) }]),
    ),
    devices: new Map(),
    pending: undefined,
    finished: new Map(),
    pageSize: options.pageSize ?? Number.POSITIVE_INFINITY,
    afterFailure: options.afterFailure ?? 'unchanged',
  }
}

/** As GET answers it: no policies, secrets masked, the service's own fields filled in. */
function described(hub: Hub, at?: number): unknown {
  return {
    ...(masked({ ...hub.document, properties: undefined }) as object),
    ...named(hub, at),
    sku: { ...(hub.document['sku'] as object), tier: 'Standard' },
    systemData: { createdAt: new Date(hub.createdAt).toISOString() },
    properties: {
      ...(masked(filledIn(propertiesOf(hub), hub.name, hub.createdAt)) as object),
      // The state during a write is not recorded; a device provisioning service reports Transitioning.
      state: hub.pending ? 'Transitioning' : 'Active',
      provisioningState: hub.pending ? 'Accepted' : 'Succeeded',
      hostName: hub.host,
      locations: [
        { location: 'West Europe', role: 'primary' },
        { location: 'North Europe', role: 'secondary' },
      ],
    },
  }
}

/**
 * As PUT answers it: what was sent, the keys of all policies among it, null where the service is to make one. The etag is
 * still the one from before.
 */
function echoed(call: Call, hub: Hub): unknown {
  const sent = call.json() as Json
  const { properties, sku, ...rest } = writable(sent)
  const { authorizationPolicies } = isObject(sent['properties']) ? sent['properties'] : {}
  const policies = Array.isArray(authorizationPolicies) ? authorizationPolicies : []
  return {
    ...rest,
    ...named(hub),
    properties: {
      operationsMonitoringProperties: { events: { None: 'None', Connections: 'None', DeviceTelemetry: 'None' } },
      provisioningState: 'Accepted',
      authorizationPolicies: policies.map(({ keyName, primaryKey = null, secondaryKey = null, rights }: Json) => ({
        keyName,
        primaryKey,
        secondaryKey,
        rights,
      })),
      ...(properties as object),
    },
    sku: { ...(sku as object), tier: 'Standard' },
  }
}

function named(hub: Hub, at?: number) {
  const [, , subscription, , group] = hub.id.split('/')
  return {
    id: hub.id,
    name: hub.name,
    type,
    subscriptionid: subscription,
    resourcegroup: group,
    etag: hub.tag.value(at),
  }
}

function operationStatus(hub: Hub | undefined, call: Call): Reply {
  const id = call.params['id']!
  if (hub && settle(hub, call.now).pending?.id === id) return { status: 200, body: { status: 'Running' } }
  const status = hub?.finished.get(id)
  if (!status) throw devicesError(call, 404, 404001, 'NotFound', 'The operation does not exist.')
  if (status === 'Succeeded') return { status: 200, body: { status } }
  return { status: 200, body: { status, error: { code: '500001', message: 'The update of the hub failed.' } } }
}

function withKeys({ name, rights, slots }: Policy, at: number): unknown {
  const { primary: primaryKey, secondary: secondaryKey } = slots.keys(at)
  return { keyName: name, primaryKey, secondaryKey, rights }
}

function policyPage(hub: Hub, call: Call): Reply {
  const start = Number(call.query.get('$skiptoken') ?? 0)
  const { readAt } = call
  const all = [...hub.policies.values()].map((policy) => withKeys(policy, readAt))
  const { pageSize } = hub
  const value = all.slice(start, start + pageSize)
  if (start + pageSize >= all.length) return { status: 200, body: { value } }
  const query = new URLSearchParams({
    'api-version': call.query.get('api-version')!,
    $skiptoken: `${start + pageSize}`,
  })
  return { status: 200, body: { value, nextLink: `https://${call.host}${call.url.pathname}?${query}` } }
}

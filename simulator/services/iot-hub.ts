// Room: the simulator. IoT hubs in Azure Resource Manager: a hub is read whole and replaced whole. May import simulator files only.

import type { Kernel } from '../kernel.ts'
import type { Call, Reply } from '../operations.ts'
import { armPath, armResourceId, defaultGroup, defaultSubscription } from './arm.ts'
import { entityTag } from './etag.ts'
import { masked, newDescription } from './iot-hub-description.ts'
import { type HubHandle, hubHandle } from './iot-hub-handle.ts'
import { type Hub, hubKeys, type Policy, propertiesOf, settle } from './iot-hub-state.ts'
import { checkTag, defaultPolicies, devicesError, replacement } from './iot-hub-write.ts'
import { iotRegistry } from './iot-registry.ts'

export interface HubOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** Default 1. */
  readonly units?: number
  /** Name to rights, beside the five that every hub has. */
  readonly policies?: Readonly<Record<string, string>>
  /** Beside, or instead of, what a new hub has. */
  readonly properties?: Readonly<Record<string, unknown>>
  /** Whether a failed operation has made its change all the same. Default `unchanged`. */
  readonly afterFailure?: 'changed' | 'unchanged'
}

const type = 'Microsoft.Devices/IotHubs'
const rights = 'Microsoft.Devices/iotHubs'
const apiVersions = ['2021-07-02', '2023-06-30', '2023-06-30-preview']
const path = armPath(type, 'hub')
/** Small, so that clients meet a second page. */
const pageSize = 3

export function iotHub(kernel: Kernel) {
  const hubs = new Map<string, Hub>()
  const byHost = new Map<string, Hub>()
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
    const id = dice.uuid()
    hub.tag.renew()
    hub.pending = { id, endsAt: call.now + kernel.faults.operationTime(), fails: kernel.faults.operationFails(), apply }
    const body = described(hub)
    settle(hub, call.now)
    const poll = `https://${call.host}${call.url.pathname}/operationResults/${id}?api-version=${call.query.get('api-version')}&asyncinfo`
    return { status: 201, headers: { 'azure-asyncoperation': poll }, body }
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
      permission: `${rights}/operationresults/Read`,
      host: 'resource-manager',
      method: 'GET',
      path: `${path}/operationResults/:id`,
      apiVersions,
      handle: (call) => operationStatus(hubOf(call), call),
    },
    // The first page is asked for with POST; the generated clients follow nextLink with GET.
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
      /** A new hub with the five usual policies, settings nobody knows yet, and secrets in its routing. */
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
  const document = newDescription({ name, group, subscription, units, secret })
  const policies = Object.entries({ ...defaultPolicies, ...options.policies })
  return {
    id,
    name,
    host: `${name.toLowerCase()}.azure-devices.net`,
    tag: entityTag(kernel, id),
    document: { ...document, properties: { ...(document['properties'] as object), ...options.properties } },
    policies: new Map(
      policies.map(([name, rights]) => [name.toLowerCase(), { name, rights, slots: hubKeys(kernel, mint) }]),
    ),
    devices: new Map(),
    pending: undefined,
    finished: new Map(),
    afterFailure: options.afterFailure ?? 'unchanged',
  }
}

/** As GET and PUT answer it: no policies, secrets masked, the service's own fields filled in. */
function described(hub: Hub, at?: number): unknown {
  const [, , subscription, , group] = hub.id.split('/')
  return {
    ...(masked({ ...hub.document, properties: undefined }) as object),
    id: hub.id,
    name: hub.name,
    type,
    etag: hub.tag.value(at),
    systemData: { lastModifiedAt: new Date(hub.tag.changedAt(at)).toISOString() },
    subscriptionid: subscription,
    resourcegroup: group,
    properties: {
      ...(masked(propertiesOf(hub)) as object),
      state: hub.pending ? 'Activating' : 'Active',
      provisioningState: hub.pending ? 'Accepted' : 'Succeeded',
      hostName: hub.host,
      locations: [{ location: 'West Europe', role: 'primary' }],
    },
  }
}

function operationStatus(hub: Hub, call: Call): Reply {
  const id = call.params['id']!
  if (hub.pending?.id === id) return { status: 200, body: { status: 'Running' } }
  const status = hub.finished.get(id)
  if (!status) throw devicesError(call, 404, 404001, 'NotFound', 'There is no such operation.')
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
  const value = all.slice(start, start + pageSize)
  if (start + pageSize >= all.length) return { status: 200, body: { value } }
  const query = new URLSearchParams({
    'api-version': call.query.get('api-version')!,
    $skiptoken: `${start + pageSize}`,
  })
  return { status: 200, body: { value, nextLink: `https://${call.host}${call.url.pathname}?${query}` } }
}

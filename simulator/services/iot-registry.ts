// An IoT hub's own host: the device registry, statistics, and a device's message queue.

import type { Dialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import { type Call, ConnectionLost, type Operation, type Reply } from '../service-operations.ts'
import { admit, admitDevice } from './iot-access.ts'
import { isObject, type Json } from './iot-hub-description.ts'
import { type Device, type Hub, settle } from './iot-hub-state.ts'
import { isKey } from './iot-hub-write.ts'

const apiVersions = ['2018-06-30', '2020-03-13', '2021-04-12', '2024-03-31']
const read = 'Microsoft.Devices/IotHubs/devices/read'
const write = 'Microsoft.Devices/IotHubs/devices/write'
const statistics = 'Microsoft.Devices/IotHubs/statistics/read'

/** Registers the operations of every hub's host. `hubAt` finds the hub of a host name. */
export function iotRegistry(kernel: Kernel, hubAt: (host: string) => Hub | undefined): void {
  const hubOf = (call: Call): Hub => {
    const hub = hubAt(call.host)
    // The host name of a hub that does not exist is not in DNS.
    if (!hub) throw new ConnectionLost(`the host name ${call.host} does not resolve: no IoT hub has it`)
    return settle(hub, call.now)
  }
  const deviceOf = (call: Call, hub: Hub): Device => {
    const id = call.params['device']!
    const device = hub.devices.get(id)
    if (!device) throw call.refuse(404, 'DeviceNotFound', `Device ${id} not registered`)
    return device
  }
  const operation = (
    name: string,
    method: string,
    path: string,
    more: Pick<Operation, 'effect' | 'apiVersions' | 'handle'>,
  ) => ({
    operation: `iot-registry/${name}`,
    host: 'iot-hub' as const,
    method,
    path,
    apiVersions,
    ...more,
  })

  kernel.register([
    operation('listDevices', 'GET', '/devices', {
      handle(call) {
        const hub = hubOf(call)
        admit(call, hub, 'RegistryRead', read)
        const top = Number(call.query.get('top') ?? 1000)
        return {
          status: 200,
          body: [...hub.devices.values()].slice(0, top).map((device) => described(device, call.readAt)),
        }
      },
    }),
    operation('getDevice', 'GET', '/devices/:device', {
      handle(call) {
        const hub = hubOf(call)
        admit(call, hub, 'RegistryRead', read)
        return answered(deviceOf(call, hub), call.readAt)
      },
    }),
    operation('putDevice', 'PUT', '/devices/:device', {
      effect: true,
      handle(call) {
        const hub = hubOf(call)
        admit(call, hub, 'RegistryWrite', write)
        const device = deviceOf(call, hub)
        checkTag(call, device)
        replace(call, device)
        return answered(device)
      },
    }),
    operation('regenerateKeys', 'POST', '/devices/keys/regenerate', {
      effect: true,
      apiVersions: ['2024-03-31'],
      handle(call) {
        const hub = hubOf(call)
        admit(call, hub, 'RegistryWrite', write)
        return regenerate(call, hub)
      },
    }),
    operation('deviceStatistics', 'GET', '/statistics/devices', {
      handle(call) {
        const hub = hubOf(call)
        admit(call, hub, 'RegistryRead', statistics)
        const total = hub.devices.size
        return { status: 200, body: { totalDeviceCount: total, enabledDeviceCount: total, disabledDeviceCount: 0 } }
      },
    }),
    operation('serviceStatistics', 'GET', '/statistics/service', {
      handle(call) {
        admit(call, hubOf(call), 'ServiceConnect', statistics)
        return { status: 200, body: { connectedDeviceCount: 0 } }
      },
    }),
    operation('receiveMessage', 'GET', '/devices/:device/messages/devicebound', {
      handle(call) {
        const hub = hubOf(call)
        admitDevice(call, hub, deviceOf(call, hub))
        return { status: 204 }
      },
    }),
  ])
}

function described(device: Device, at?: number): unknown {
  const { primary: primaryKey, secondary: secondaryKey } = device.slots.keys(at)
  const symmetricKey = device.type === 'sas' ? { primaryKey, secondaryKey } : { primaryKey: null, secondaryKey: null }
  return {
    ...device.document,
    deviceId: device.id,
    generationId: device.generationId,
    etag: device.tag.value(at),
    connectionState: 'Disconnected',
    lastActivityTime: '0001-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 0,
    authentication: {
      symmetricKey,
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
      type: device.type,
    },
  }
}

function answered(device: Device, at?: number): Reply {
  return { status: 200, headers: { etag: `"${device.tag.value(at)}"` }, body: described(device, at) }
}

/** A device that exists is replaced only with If-Match: `"<etag>"`, or any with `*`. */
function checkTag(call: Call, device: Device): void {
  const sent = call.headers.get('if-match')
  if (sent === null)
    throw call.refuse(409, 'DeviceAlreadyExists', `A device with ID '${device.id}' is already registered.`)
  if (sent === '*' || sent === '"*"') return
  if (!/^".*"$/.test(sent)) throw call.refuse(400, 'ArgumentInvalid', 'The If-Match header must be a quoted etag.')
  if (sent !== `"${device.tag.value()}"`) {
    const message = `Precondition failed: Device version did not match, existing ETag :${device.tag.value()}`
    throw call.refuse(412, 'PreconditionFailed', message)
  }
}

/** Everything is replaced by what was sent; a key that was not sent is made anew. Throws 400. */
function replace(call: Call, device: Device): void {
  const body = call.json()
  if (!isObject(body) || body['deviceId'] !== device.id) {
    throw call.refuse(400, 'ArgumentInvalid', 'The device id of the body must be that of the path.')
  }
  const { authentication } = body
  const { symmetricKey, type } = (isObject(authentication) ? authentication : {}) as Json
  if (type !== undefined && type !== device.type)
    throw call.refuse(400, 'InvalidOperation', 'The type cannot be changed here.')
  const keys = isObject(symmetricKey) ? symmetricKey : {}
  const written = (['primary', 'secondary'] as const).map((slot) => [slot, sentKey(call, keys[`${slot}Key`])] as const)
  for (const [slot, key] of device.type === 'sas' ? written : []) {
    if (key === undefined) device.slots.regenerate(slot)
    else device.slots.set(slot, key)
  }
  device.document = { status: 'enabled', capabilities: { iotEdge: false }, ...settings(body) }
  device.tag.renew()
}

function sentKey(call: Call, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && isKey(value)) return value
  throw call.refuse(400, 'ArgumentInvalid', 'A symmetric key must be the base64 of 16 to 64 bytes.')
}

/** What a client may set: all but what the service fills in, and the keys. */
function settings(body: Json): Json {
  const ours = ['deviceId', 'generationId', 'etag', 'connectionState', 'lastActivityTime', 'cloudToDeviceMessageCount']
  return Object.fromEntries(Object.entries(body).filter(([name]) => ![...ours, 'authentication'].includes(name)))
}

const slotsOf: Readonly<Record<string, readonly string[]>> = {
  primaryKey: ['primary'],
  secondaryKey: ['secondary'],
  both: ['primary', 'secondary'],
}

/** 200: all of them; 207: some; 400: none. The list names each device and the reason. */
function regenerate(call: Call, hub: Hub): Reply {
  const { policyKey, devices } = call.json() as { policyKey?: unknown; devices?: unknown }
  const slots = slotsOf[String(policyKey)]
  if (!slots) throw call.refuse(400, 'InvalidPolicyKey', 'policyKey must be primaryKey, secondaryKey or both.')
  if (!Array.isArray(devices) || devices.length < 1 || devices.length > 100) {
    throw call.refuse(400, 'ArgumentInvalid', 'Between 1 and 100 devices are required.')
  }
  const outcomes = (devices as { id?: unknown; moduleId?: unknown }[]).map(({ id, moduleId = null }) => {
    const device = hub.devices.get(String(id))
    const errorCode = obstacle(device, moduleId)
    if (errorCode) return { failed: { id, moduleId, errorCode, errorStatus: `${errorCode} for ${id}` } }
    for (const slot of slots) device!.slots.regenerate(slot)
    device!.tag.renew()
    const { primary: primaryKey, secondary: secondaryKey } = device!.slots.keys()
    return { rotated: { id, moduleId, primaryKey, secondaryKey } }
  })
  const rotatedKeys = outcomes.flatMap(({ rotated }) => rotated ?? [])
  const errors = outcomes.flatMap(({ failed }) => failed ?? [])
  const status = errors.length === 0 ? 200 : rotatedKeys.length === 0 ? 400 : 207
  return { status, body: { policyKey, rotatedKeys, errors } }
}

function obstacle(device: Device | undefined, moduleId: unknown): string | undefined {
  if (!device) return 'DeviceNotFound'
  if (moduleId !== null) return 'ModuleNotFound'
  return device.type === 'sas' ? undefined : 'InvalidOperation'
}

export const hubDialect: Dialect = {
  audiences: ['https://iothubs.azure.net', 'https://iothubs.azure.us', 'https://iothubs.azure.cn'],
  body: ({ code, message }, { requestId, now }) => ({
    Message: `ErrorCode:${code};${message}`,
    ExceptionMessage: `Tracking ID:${requestId.replaceAll('-', '').toUpperCase()}-G:0-TimeStamp:${new Date(now).toISOString()}`,
  }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId }),
  unauthenticated: { code: 'IotHubUnauthorizedAccess', message: 'Unauthorized' },
  // Behind a network rule the hub answers as it does to an invalid key.
  networkDenied: { status: 401, code: 'IotHubUnauthorizedAccess', message: 'Unauthorized' },
  challenge: () => ({ 'iothub-errorcode': 'IotHubUnauthorizedAccess' }),
  forbidden: (_action, _scope, objectId) => ({
    status: 401,
    code: 'IotHubUnauthorized',
    message: `Principal ${objectId} is not authorized due to no assigned permissions`,
  }),
  throttled: { code: 'ThrottlingException', message: 'Operations are throttled. Please back off and try again.' },
}

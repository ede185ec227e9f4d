// Devices of an IoT hub's registry: two keys; the registry makes new ones, one or both at once. Only a swap is read and
// write, guarded by the device's etag. There is no probe: reading as the device would lock a message meant for it.

import * as z from 'zod/mini'
import type { AzureClients, RawAnswer, RawRequest } from '../azure/clients.ts'
import { passes } from '../azure/service-error.ts'
import type { KeyRing } from '../engine/key-ring.ts'
import type { Allowance } from '../engine/pace.ts'
import type { Call, KeyHolder } from '../engine/ports.ts'
import { type ErrorCode, RekeyError } from '../engine/rekey-error.ts'
import { minutes, seconds } from '../engine/target.ts'
import { defineProvider } from './provider.ts'
import { assertUnchanged, parseAnswer, type ServiceOperation, serviceCall, unexpected } from './wire/answer.ts'
import { connectionString, hubHosts } from './wire/iot-hub.ts'
import { KeyPair } from './wire/key-pair.ts'

const id = 'iot-hub-device'
const apiVersion = '2024-03-31'
const scope = 'https://iothubs.azure.net/.default'
const rights = {
  read: 'Microsoft.Devices/IotHubs/devices/read',
  write: 'Microsoft.Devices/IotHubs/devices/write',
}

/** A hub's registry takes, on the smallest unit, 100 writes a minute, which is 1.67 a second. */
const registryAllowance: Allowance = { burst: 10, perSecond: 0.8 }

interface Device {
  readonly host: string
  readonly name: string
}

const Identity = z.object({
  etag: z.string().check(z.minLength(1)),
  authentication: z.object({ type: z.string(), symmetricKey: z.unknown() }),
})
/** For a swap: the whole identity goes back as it came. */
const WholeIdentity = z.looseObject({
  authentication: z.looseObject({ symmetricKey: z.looseObject({ primaryKey: z.string(), secondaryKey: z.string() }) }),
})
const Rotated = z.object({
  rotatedKeys: z.nullish(z.array(z.looseObject({ id: z.string() }))),
  errors: z.nullish(z.array(z.object({ id: z.string(), errorCode: z.nullish(z.union([z.string(), z.number()])) }))),
})

export const iotHubDevice = defineProvider({
  id,
  title: 'IoT Hub device',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  resource: z.strictObject({
    hub: z
      .string()
      .check(
        z.regex(
          /^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]\.azure-devices\.(net|us|cn)$/i,
          'the hub is its host name, such as hub1.azure-devices.net',
        ),
      )
      .register(z.globalRegistry, { description: "The hub's host name", examples: ['hub1.azure-devices.net'] }),
    device: z
      .string()
      .check(
        z.regex(
          /^[A-Za-z0-9\-.+%_#*?!(),:=@$']{1,128}$/,
          "a device id is 1 to 128 letters, digits or any of - . + % _ # * ? ! ( ) , : = @ $ '",
        ),
      )
      .register(z.globalRegistry, { description: 'The device id, in its own case', examples: ['thermostat-7'] }),
  }),
  actions: [
    { kind: 'dataAction', name: rights.read, why: "read the device's keys" },
    { kind: 'dataAction', name: rights.write, why: 'make new keys, and swap them' },
  ],
  grant: {
    title: 'IoT Hub device keys',
    resourceType: 'Microsoft.Devices/IotHubs',
    caution: 'They read and write any device of the hub.',
  },
  clouds: ['public', 'usgov', 'china'],
  hosts: hubHosts,
  can: { swap: true, atOnce: true },
  writes: 2,
  allowance: registryAllowance,
  limit: "an IoT hub's identity registry, smallest unit",
  place: ({ hub, device }) => {
    const credential = `${id}:${hub.toLowerCase()}/devices/${caseless(device)}`
    return {
      address: `${hub}/devices/${device}`,
      credential,
      lease: credential,
      budget: hub.toLowerCase(),
      shownBy: `az iot hub show --name ${hub.split('.')[0]}`,
    }
  },
  open: ({ hub, device }, azure) => openDevice({ host: hub, name: device }, azure),
})

/** Ids that differ in case are different devices, and credentials are compared without case: `^` marks a capital. */
function caseless(device: string): string {
  return device.replace(/[A-Z]/g, (capital) => `^${capital.toLowerCase()}`)
}

function openDevice(device: Device, azure: AzureClients): KeyHolder {
  assertOurCloud(device, azure)
  let seen: KeyRing | undefined

  function remember(keys: KeyPair): KeyRing {
    seen = ringOf(device, keys)
    return seen
  }

  return {
    read: async (signal) => remember((await getDevice(device, azure, signal)).keys),
    regenerate: async (slot, { signal }) =>
      remember(await regenerate(device, slot === 'primary' ? 'primaryKey' : 'secondaryKey', azure, signal)),
    regenerateAll: async ({ signal }) => remember(await regenerate(device, 'both', azure, signal)),
    swap: async (call) => remember(await swap(device, seen, azure, call)),
  }
}

/** GET Devices_GetIdentity, 2024-03-31. Throws `NotSupported` for a device without symmetric keys. */
async function getDevice(device: Device, azure: AzureClients, signal: AbortSignal) {
  const what = operation('GET', device, '', rights.read)
  const { body } = await send(what, azure, { method: 'GET', url: addressOf(device), attempts: 'retry', signal })
  const { etag, authentication } = parseAnswer(Identity, body, what)
  if (authentication.type !== 'sas') throw notSas(device)
  return { body, etag, keys: parseAnswer(KeyPair, authentication.symmetricKey, what) }
}

/** POST /devices/keys/regenerate, 2024-03-31. Sent once. Answers both keys, whichever is new. */
async function regenerate(
  device: Device,
  policyKey: 'primaryKey' | 'secondaryKey' | 'both',
  azure: AzureClients,
  signal: AbortSignal,
): Promise<KeyPair> {
  const what = operation('POST', device, ' keys/regenerate', rights.write)
  const { body } = await send(what, azure, {
    method: 'POST',
    url: `https://${device.host}/devices/keys/regenerate?api-version=${apiVersion}`,
    body: { policyKey, devices: [{ id: device.name }] },
    attempts: 'once',
    signal,
  }).catch((error: unknown) => {
    // 400 says that no device got its key; 207 that some did not. Either lists why.
    const service = error instanceof RekeyError ? error.details.service : undefined
    throw service?.status === 400 && service.code !== undefined ? refused(what, service.code) : error
  })
  const { rotatedKeys, errors } = parseAnswer(Rotated, body, what)
  const failed = errors?.find((error) => error.id === device.name)
  if (failed !== undefined) throw refused(what, failed.errorCode ?? undefined)
  const rotated = rotatedKeys?.find((keys) => keys.id === device.name)
  if (rotated === undefined) throw unexpected(what.operation, 'the answer says nothing of the device')
  return parseAnswer(KeyPair, rotated, what)
}

/** GET, then PUT Devices_CreateOrUpdateIdentity, 2024-03-31, If-Match, with the two keys exchanged. Sent once. */
async function swap(device: Device, seen: KeyRing | undefined, azure: AzureClients, call: Call): Promise<KeyPair> {
  const { body, etag, keys } = await getDevice(device, azure, call.signal)
  const what = operation('PUT', device, '', rights.write)
  assertUnchanged(seen, ringOf(device, keys), what.operation)

  const answer = await send(what, azure, {
    method: 'PUT',
    url: addressOf(device),
    // The header wants the quotes that the body leaves out.
    headers: { 'If-Match': etag.startsWith('"') ? etag : `"${etag}"` },
    body: swapped(parseAnswer(WholeIdentity, body, what)),
    attempts: 'once',
    signal: call.signal,
  })
  const { authentication } = parseAnswer(Identity, answer.body, what)
  return parseAnswer(KeyPair, authentication.symmetricKey, what)
}

function swapped(identity: z.output<typeof WholeIdentity>): unknown {
  const { authentication } = identity
  const { primaryKey, secondaryKey } = authentication.symmetricKey
  const symmetricKey = { ...authentication.symmetricKey, primaryKey: secondaryKey, secondaryKey: primaryKey }
  return { ...identity, authentication: { ...authentication, symmetricKey } }
}

function send(
  what: ServiceOperation,
  azure: AzureClients,
  request: Omit<RawRequest, 'scope' | 'operation'>,
): Promise<RawAnswer> {
  return serviceCall(what, () =>
    azure.send({
      ...request,
      scope,
      tokenHosts: hubHosts[azure.cloud.name],
      operation: what.operation,
      errorCodes: { header: 'iothub-errorcode' },
    }),
  )
}

function ringOf({ host, name }: Device, { primaryKey, secondaryKey }: KeyPair): KeyRing {
  const fields = `DeviceId=${name}`
  return {
    primary: { key: primaryKey, connectionString: connectionString(host, fields, primaryKey) },
    secondary: { key: secondaryKey, connectionString: connectionString(host, fields, secondaryKey) },
  }
}

/** What the registry says of one device in a call for several. Nothing was made for it. */
function refused({ operation }: ServiceOperation, errorCode: string | number | undefined): RekeyError {
  const name = /^\w{1,64}$/.test(String(errorCode ?? '')) ? String(errorCode) : undefined
  const { code, remedy, retryAfter } = meanings.find(({ pattern }) => pattern.test(name ?? '')) ?? {
    code: 'ServiceRefused' as const,
    remedy: 'Check the device in the registry of the hub.',
  }
  return new RekeyError(code, {
    message: `${operation}: the registry made no key for the device${name === undefined ? '' : ` (${name})`}`,
    remedy,
    service: { operation, ...(name === undefined ? {} : { code: name }) },
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

/** What the registry's per-device codes mean; any other is a refusal that an operator must deal with. */
const meanings: readonly { pattern: RegExp; code: ErrorCode; remedy: string; retryAfter?: number }[] = [
  { pattern: /NotFound|^404/, code: 'ResourceNotFound', remedy: 'Check the device id in targets.json.' },
  { pattern: /Throttl|^429/, code: 'Throttled', remedy: passes, retryAfter: seconds(30) },
  { pattern: /PreconditionFailed|Conflict|^409|^412/, code: 'ServiceChanged', remedy: passes, retryAfter: seconds(1) },
  {
    pattern: /^BulkRegenerateDeviceKeyOperationFailure$/,
    code: 'ServiceUnavailable',
    remedy: passes,
    retryAfter: minutes(1),
  },
]

function notSas({ host, name }: Device): RekeyError {
  return new RekeyError('NotSupported', {
    message: `the device ${name} of ${host} authenticates by certificate: it has no keys to rotate`,
    remedy: 'Take the target out of targets.json, or give the device symmetric keys.',
  })
}

/** A token for this cloud's registries must not go to a host of another one. */
function assertOurCloud({ host }: Device, azure: AzureClients): void {
  const suffixes = hubHosts[azure.cloud.name]
  if (suffixes.some((suffix) => host.toLowerCase().endsWith(`.${suffix}`))) return
  throw new RekeyError('BadConfiguration', {
    message: `the hub ${host} is not in this cloud, whose hubs end in .${suffixes.join(' or .')}`,
    remedy: 'Correct the hub in targets.json, or the cloud in AZURE_CLOUD.',
  })
}

function addressOf({ host, name }: Device): string {
  return `https://${host}/devices/${encodeURIComponent(name)}?api-version=${apiVersion}`
}

function operation(method: string, { host, name }: Device, action: string, permission: string): ServiceOperation {
  return { operation: `${method} ${host}/devices/${name}${action}`, permission }
}

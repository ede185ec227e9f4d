// App Configuration: Azure Resource Manager, and stores that check HMAC signatures with the key that an id names.
// The answers are checked by test/providers/app-configuration.test.ts.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type Dialect, plainDialect } from '../dialects.ts'
import type { Kernel } from '../kernel.ts'
import type { ServiceHandle } from '../keys.ts'
import type { Sample } from '../sample.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, type ArmResource, type ArmResourceOptions, armKeys } from './arm-keys.ts'

export interface ConfigurationStore {
  readonly resourceId: string
  /** Slots `primary` and `secondary` of one of the two rings. */
  ring(which: 'readWrite' | 'readOnly'): ServiceHandle & Pick<ArmKeysHandle, 'disableLocalAuth'>
}

const type = 'Microsoft.AppConfiguration/configurationStores'
const group = 'app-configuration'
const names = ['Primary', 'Secondary', 'Primary Read Only', 'Secondary Read Only'] as const
const allowedSkew = 15 * 60_000

export const sample: Sample = {
  add: (cloud, name = 'settings') => {
    const store = cloud.configurationStores.add({ name })
    return { fields: { resource: store.resourceId }, handle: store.ring('readWrite') }
  },
  read: 'app-configuration/listKeys',
  regenerate: 'app-configuration/regenerateKey',
  describes: 'app-configuration/get',
  apiVersions: ['2024-06-01'],
  rotation: ['app-configuration/regenerateKey', 'app-configuration/checkKeyValue'],
}

const dialect: Dialect = {
  ...plainDialect,
  body: ({ status, code, message }) => ({ type: `https://azconfig.io/errors/${code}`, title: message, status }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId }),
  // Recorded without a body.
  networkDenied: { status: 403, code: '', message: '' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof configurationStores> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group,
      hosts: [
        '.azconfig.io',
        '.appconfig.azure.com',
        '.azconfig.azure.us',
        '.appconfig.azure.us',
        '.azconfig.azure.cn',
        '.appconfig.azure.cn',
      ],
      dialect,
    },
  ],
  install: configurationStores,
}

function configurationStores(kernel: Kernel) {
  const stores = armKeys(kernel, {
    service: group,
    type,
    apiVersions: ['2020-06-01', '2023-03-01', '2024-06-01'],
    slots: names,
    mint: (dice) => dice.bytes(32).toString('base64'),
    // Disabling local authentication deletes the keys.
    list: { action: 'listKeys', permission: `${type}/ListKeys/action`, body: listing },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/RegenerateKey/action`,
      slot(call, store) {
        const { id } = call.json() as { id?: unknown }
        const slot = names.find((name) => !store.keysDisabled && idOf(store.slots.keyOf(name)) === id)
        // The status and the words for an id that is not known are unverified.
        if (slot === undefined) throw call.refuse(404, 'AccessKeyNotFound', 'The access key was not found.')
        return slot
      },
      reply: (store, slot, keys) => ({ status: 200, body: keyBody(store, slot, keys[slot]!) }),
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([
    ...stores.operations,
    {
      operation: 'app-configuration/checkKeyValue',
      host: group,
      method: 'HEAD',
      path: '/kv/:key',
      apiVersions: ['1.0', '2023-11-01'],
      handle: (call) =>
        refused(call, stores.byHost(call.host)) ?? {
          status: 404,
          headers: { 'sync-token': 'zAJw6V16=MDoxMiMyMw==;sn=23' },
        },
    },
  ])
  return {
    configurationStores: {
      /** A new store. Defaults: a fixed subscription, resource group `rg`. */
      add(options: ArmResourceOptions): ConfigurationStore {
        const handle = stores.add(options)
        const { resourceId } = handle
        const readWrite = { ...handle, ...ringOf(handle, '') }
        const readOnly = { ...handle, ...ringOf(handle, ' Read Only'), resourceId: `${resourceId}/readOnlyKeys` }
        kernel.adopt(readWrite)
        kernel.adopt(readOnly)
        return { resourceId, ring: (which) => (which === 'readOnly' ? readOnly : readWrite) }
      },
    },
  }
}

/** Two of the four keys, by the slots of their ring. */
function ringOf(handle: ServiceHandle, suffix: '' | ' Read Only') {
  const nameOf = (slot: string) => `${slot.charAt(0).toUpperCase()}${slot.slice(1)}${suffix}`
  return {
    keys: () => ({ primary: handle.keyOf(nameOf('primary')), secondary: handle.keyOf(nameOf('secondary')) }),
    keyOf: (slot: string) => handle.keyOf(nameOf(slot)),
    regenerateByHand: (slot: string) => handle.regenerateByHand(nameOf(slot)),
  }
}

/** A key's id, which changes with it. It may hold `/`, `+` and `:`. */
function idOf(key: string): string {
  const hash = createHash('sha256').update(`id of ${key}`).digest('base64')
  return `${hash.slice(0, 4)}-l0-s0:${hash.slice(4, 24)}`
}

/** In the order in which they were made. */
function listing(store: ArmResource, keys: Readonly<Record<string, string>>): unknown {
  const made = (name: string) => store.slots.madeAt(keys[name]!)!
  const sorted = names.toSorted((one, other) => made(one) - made(other))
  return { value: store.keysDisabled ? [] : sorted.map((name) => keyBody(store, name, keys[name]!)), nextLink: null }
}

function keyBody(store: ArmResource, name: string, value: string): unknown {
  const id = idOf(value)
  return {
    id,
    name,
    value,
    connectionString: `Endpoint=https://${hostOf(store)};Id=${id};Secret=${value}`,
    lastModified: new Date(store.slots.madeAt(value)!).toISOString(),
    readOnly: name.endsWith('Read Only'),
  }
}

function hostOf({ name }: Pick<ArmResource, 'name'>): string {
  return `${name.toLowerCase()}.azconfig.io`
}

/** The refusal of a request that is not signed with an accepted key; undefined for one that is. */
function refused(call: Call, store: ArmResource | undefined): Reply | undefined {
  const form = /^HMAC-SHA256 Credential=([^&]+)&SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=(.+)$/
  const [, id, signature = ''] = form.exec(call.headers.get('authorization') ?? '') ?? []
  const date = call.headers.get('x-ms-date') ?? ''
  const hash = call.headers.get('x-ms-content-sha256') ?? ''
  if (id === undefined) return unauthorized('HMAC-SHA256 is required')
  if (Number.isNaN(Date.parse(date))) return unauthorized('Invalid access token date')
  if (Math.abs(call.now - Date.parse(date)) > allowedSkew) return unauthorized('The access token has expired')
  const accepted = store === undefined || store.keysDisabled ? [] : store.slots.accepted()
  const key = accepted.find((each) => idOf(each) === id)
  if (key === undefined) return unauthorized('Invalid Credential')
  const { pathname, search } = call.url
  const text = `${call.method}\n${pathname}${search}\n${date};${call.host};${hash}`
  const expected = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest()
  const given = Buffer.from(signature, 'base64')
  const isSigned = given.length === expected.length && timingSafeEqual(given, expected)
  const isWhole = hash === createHash('sha256').update(call.bytes).digest('base64')
  return isSigned && isWhole ? undefined : unauthorized('Invalid Signature')
}

function unauthorized(why: string): Reply {
  const challenge = `HMAC-SHA256 error="invalid_token" error_description="${why}", Bearer`
  return { status: 401, headers: { 'www-authenticate': challenge } }
}

function described({ id, name, keysDisabled, createdAt }: ArmResource): unknown {
  return {
    id,
    name,
    type,
    location: 'westeurope',
    sku: { name: 'standard' },
    properties: {
      provisioningState: 'Succeeded',
      creationDate: new Date(createdAt).toISOString(),
      endpoint: `https://${hostOf({ name })}`,
      encryption: { keyVaultProperties: null },
      publicNetworkAccess: null,
      disableLocalAuth: keysDisabled,
    },
  }
}

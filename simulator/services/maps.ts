// Azure Maps: Azure Resource Manager, and the data plane that all accounts share, which knows an account by its key.
// The answers are checked by test/providers/maps.test.ts.

import { type Dialect, plainDialect } from '../dialects.ts'
import type { Dice } from '../dice.ts'
import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Call, Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmResource, armKeys } from './arm-keys.ts'

const type = 'Microsoft.Maps/accounts'
const group = 'maps'
const hosts = ['atlas.microsoft.com', 'atlas.azure.us']

export const sample: Sample = {
  add: (cloud, name = 'contoso-maps') => {
    const handle = cloud.mapsAccounts.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'maps/listKeys',
  regenerate: 'maps/regenerateKey',
  describesFirst: 'maps/get',
  apiVersions: ['2023-06-01'],
  rotation: ['maps/get', 'maps/regenerateKey', 'maps/copyrightCaption'],
}

const dialect: Dialect = {
  ...plainDialect,
  audiences: ['https://atlas.microsoft.com', 'https://atlas.azure.us'],
  body: ({ code, message }) => ({ error: { code, message, target: null, details: [] } }),
  headers: () => ({ 'x-ms-azuremaps-region': 'West Europe', 'x-content-type-options': 'nosniff' }),
  // What a network rule answers is unverified.
  networkDenied: { status: 403, code: '403 Forbidden', message: 'Permission, capacity, or authentication issues.' },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof mapsAccounts> {}
}

export const service: SimulatedService = { dataPlanes: [{ group, hosts, dialect }], install: mapsAccounts }

function mapsAccounts(kernel: Kernel) {
  const accounts = armKeys(kernel, {
    service: 'maps',
    type,
    apiVersions: ['2021-02-01', '2023-06-01'],
    slots: ['primary', 'secondary'],
    mint,
    list: { action: 'listKeys', permission: `${type}/listKeys/action`, body: listing },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regenerateKey/action`,
      slot: slotIn,
      reply: (account, _slot, keys) => ({ status: 200, body: listing(account, keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([
    ...accounts.operations,
    {
      operation: 'maps/copyrightCaption',
      host: group,
      method: 'GET',
      path: '/map/copyright/caption/json',
      apiVersions: ['1.0', '2022-08-01', '2024-04-01'],
      handle: (call) => refused(call) ?? { status: 200, body: caption },
    },
  ])

  function refused(call: Call): Reply | undefined {
    const key = call.headers.get('subscription-key') ?? call.query.get('subscription-key')
    if (accounts.byKey((known) => known === key) !== undefined) return undefined
    return {
      status: 401,
      // The quote after the realm is missing in Azure's answer, too.
      headers: {
        'www-authenticate': `SharedKey realm="https://${call.host}/, error="InvalidKey", error_description="The provided key was incorrect or the account resource does not exist."`,
      },
      body: {
        error: { code: 'Unauthorized', message: 'Access denied, please inspect WWW-Authenticate header.' },
      },
    }
  }

  return {
    mapsAccounts: {
      /** A new account. Defaults: a fixed subscription, resource group `rg`. Slots: `primary`, `secondary`. */
      add: accounts.add,
    },
  }
}

/** 32 bytes, in base64 for URLs, without padding. */
function mint(dice: Dice): string {
  return dice.bytes(32).toString('base64url')
}

/** The words for another slot are unverified. */
function slotIn(call: Call): string {
  const { keyType } = call.json() as { keyType?: unknown }
  if (keyType === 'primary' || keyType === 'secondary') return keyType
  throw call.refuse(400, 'BadRequest', `The key type '${keyType}' is not valid.`)
}

function listing({ slots }: ArmResource<object>, { primary, secondary }: Readonly<Record<string, string>>): unknown {
  const made = (key: string) => new Date(slots.madeAt(key)!).toISOString().replace('Z', '0000Z')
  return {
    primaryKeyLastUpdated: made(primary!),
    primaryKey: primary,
    secondaryKeyLastUpdated: made(secondary!),
    secondaryKey: secondary,
  }
}

function described({ id, name, keysDisabled }: ArmResource<object>): unknown {
  return {
    id,
    name,
    type,
    location: 'westeurope',
    sku: { name: 'G2', tier: 'Standard' },
    kind: 'Gen2',
    properties: {
      uniqueId: '11111111-2222-3333-4444-555555555555',
      disableLocalAuth: keysDisabled,
      provisioningState: 'Succeeded',
      linkedResources: null,
      cors: null,
    },
  }
}

const caption = { formatVersion: '0.0.1', copyrightsCaption: '© 1992 - 2022 TomTom.' }

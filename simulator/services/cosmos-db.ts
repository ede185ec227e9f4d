// Cosmos DB accounts in Azure Resource Manager: a regenerate is an operation, and its key shows late. Their data plane is
// cosmos-data-plane.ts. The answers are checked by test/providers/cosmos-db.test.ts.

import type { Kernel } from '../kernel.ts'
import { keySlots, type ServiceHandle } from '../keys.ts'
import type { Sample } from '../sample.ts'
import { type Call, Refusal, type Reply } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { armPath, armResourceId } from './arm.ts'
import {
  type CosmosAccount,
  isUnderWay,
  type MasterKey,
  masterKeys,
  type Ring,
  ringHandle,
  settled,
} from './cosmos-account.ts'
import { cosmosDataPlane, cosmosDialect } from './cosmos-data-plane.ts'
import { systemData } from './resource-wire.ts'

export interface CosmosAccountHandle {
  readonly resourceId: string
  /** Slots `primary`, `secondary`. */
  ring(ring: Ring): ServiceHandle
  /** Switches local authentication off or on, as an operator would. */
  disableLocalAuth(disabled: boolean): void
}

export interface CosmosAccountOptions {
  readonly subscription?: string
  readonly group?: string
  readonly name: string
  /** The first one is written to. Default: West Europe alone. */
  readonly regions?: readonly string[]
  /** Whether the account says that a regenerate goes on; what Azure says then is unverified. Default: it does. */
  readonly saysUpdating?: boolean
}

const type = 'Microsoft.DocumentDB/databaseAccounts'
const apiVersions = ['2022-11-15', '2023-11-15', '2024-11-15', '2025-10-15']
const path = armPath(type, 'account')
const operationsStatus = 'Microsoft.DocumentDB/locations/operationsStatus/read'
/** From the answer until the new key is listed: recorded in 2022 were 31 seconds at most until the operation has succeeded, and what follows. */
const regenerateTime = 110_000
/** Reported: for so long after its operation has succeeded, a new key was refused, and the old one listed. */
const showsLate = 80_000
const day = 86_400_000
/** How long an operation is `Enqueued`. */
const queuedFor = 5000

export const sample: Sample = {
  add: (cloud, name = 'orders') => {
    const account = cloud.cosmosAccounts.add({ name: name.toLowerCase() })
    return { fields: { resource: account.resourceId }, handle: account.ring('readWrite') }
  },
  read: 'cosmos-db/listKeys',
  regenerate: 'cosmos-db/regenerateKey',
  answersNewKey: 'cosmos-db/listKeys',
  describesFirst: 'cosmos-db/getAccount',
  apiVersions: ['2024-11-15'],
  rotation: [
    'cosmos-db/getAccount',
    'cosmos-db/regenerateKey',
    // Half a minute, at 2, 6, 14, 24 and 34 seconds.
    ...Array.from({ length: 5 }, () => 'cosmos-db/getOperation'),
    // Until the new key is listed: 0, 2, 6, 14, 30, 50, 70 and 90 seconds later.
    ...Array.from({ length: 8 }, () => 'cosmos-db/listKeys'),
    // Three times in a row in the one region.
    ...Array.from({ length: 3 }, () => 'cosmos-db/readAccount'),
  ],
  // It all takes longer than a lease lasts.
  storage: Array.from({ length: 3 }, () => 'lease/renew'),
  estate: ({ cloud, group, due, leave }) => {
    const account = cloud.cosmosAccounts.add({ ...group, name: 'contoso-orders' })
    const { resourceId } = account
    const written = account.ring('readWrite')
    const endpoint = 'AccountEndpoint=https://contoso-orders.documents.azure.com:443/'
    const connection = `${endpoint};AccountKey=${written.keyOf('primary')};`
    due({ target: 'orders', slot: 'primary', address: resourceId, values: { 'orders-connection': connection } })
    // The other ring, of another account: on the same one, the two share a lease, and whichever comes second in the first round waits.
    const reports = cloud.cosmosAccounts.add({ ...group, name: 'contoso-reports' })
    const read = reports.ring('readOnly')
    leave({
      target: 'orders-reports',
      slot: 'secondary',
      address: read.resourceId,
      values: { 'orders-reports-key': read.keyOf('secondary') },
      age: 10 * day,
    })
    return [
      { name: 'orders', fields: { resource: resourceId }, secrets: { 'orders-connection': 'connectionString' } },
      {
        name: 'orders-reports',
        fields: { resource: reports.resourceId, keys: 'readOnly' },
        secrets: { 'orders-reports-key': 'key' },
        expected: 'current',
      },
    ]
  },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof cosmosDb> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group: 'cosmos-db',
      hosts: ['.documents.azure.com', '.documents.azure.us', '.documents.azure.cn'],
      dialect: cosmosDialect,
    },
  ],
  install: cosmosDb,
}

function cosmosDb(kernel: Kernel) {
  const accounts = new Map<string, CosmosAccount>()
  /** Accounts by the ids of their operations. */
  const begun = new Map<string, CosmosAccount>()
  const dice = kernel.dice.fork('cosmos-db')
  const mint = (): string => {
    const text = dice.bytes(64).toString('base64')
    return `${text.slice(0, 76)}ACDb${text.slice(80)}`
  }

  const accountOf = (call: Call): CosmosAccount => {
    const found = accounts.get(armResourceId(call, type, 'account').toLowerCase())
    if (found) return settled(found, call.now)
    const { account: name, group } = call.params
    throw call.refuse(
      404,
      'ResourceNotFound',
      `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    )
  }

  function regenerate(call: Call): Reply {
    const account = accountOf(call)
    const { keyKind } = call.json() as { keyKind?: unknown }
    const slot = Object.keys(masterKeys).find(
      (each) => each.toLowerCase() === `${String(keyKind).toLowerCase()}masterkey`,
    )
    // The words are unverified.
    if (slot === undefined) throw ownError(call, 400, 'BadRequest', `Invalid key kind '${keyKind}'.`)
    if (isUnderWay(account)) {
      const message = `There is another user operation in progress which requires an exclusive lock on [${account.name}]. Please retry after sometime.`
      throw ownError(call, 412, 'PreconditionFailed', message)
    }
    const id = dice.uuid()
    const takes = kernel.faults.operationTime(regenerateTime)
    account.pending = {
      id,
      slot: slot as MasterKey,
      queuedUntil: call.now + Math.min(queuedFor, takes / 8),
      succeedsAt: call.now + Math.max(takes - showsLate, takes / 4),
      listedAt: call.now + takes,
      fails: kernel.faults.operationFails(),
    }
    begun.set(id, account)
    const version = `?api-version=${call.query.get('api-version')}`
    const { subscription } = call.params
    const home = `https://${call.host}/subscriptions/${subscription}/providers/Microsoft.DocumentDB`
    return {
      status: 202,
      headers: {
        'azure-asyncoperation': `${home}/locations/${account.location}/operationsStatus/${id}${version}`,
        location: `https://${call.host}${account.id}/regenerateKey/operationResults/${id}${version}`,
      },
      body: { status: 'Enqueued' },
    }
  }

  /** `Enqueued`, `Dequeued`, `Succeeded`. What a failed operation says is unverified. */
  function progress(call: Call): string {
    const id = call.params['id']!
    const account = begun.get(id)
    // What an unknown operation gets is unverified.
    if (account === undefined) throw ownError(call, 404, 'NotFound', 'The operation does not exist.')
    const { pending, finished } = settled(account, call.now)
    if (pending?.id !== id) return finished.get(id)!
    return call.now < pending.queuedUntil ? 'Enqueued' : 'Dequeued'
  }

  const common = { host: 'resource-manager', apiVersions } as const
  kernel.register([
    {
      ...common,
      operation: 'cosmos-db/getAccount',
      permission: `${type}/read`,
      method: 'GET',
      path,
      handle: (call) => ({ status: 200, body: described(accountOf(call)) }),
    },
    {
      ...common,
      operation: 'cosmos-db/listKeys',
      permission: `${type}/listKeys/action`,
      method: 'POST',
      path: `${path}/listKeys`,
      handle: (call) => ({ status: 200, body: accountOf(call).slots.keys(call.readAt) }),
    },
    {
      ...common,
      operation: 'cosmos-db/listReadOnlyKeys',
      permission: `${type}/readonlykeys/action`,
      method: 'POST',
      path: `${path}/readonlykeys`,
      handle(call) {
        const all = accountOf(call).slots.keys(call.readAt)
        return { status: 200, body: Object.fromEntries(Object.entries(all).filter(([name]) => /readonly/i.test(name))) }
      },
    },
    {
      ...common,
      operation: 'cosmos-db/regenerateKey',
      effect: true,
      permission: `${type}/regenerateKey/action`,
      method: 'POST',
      path: `${path}/regenerateKey`,
      handle: regenerate,
    },
    {
      ...common,
      operation: 'cosmos-db/getOperation',
      tracks: true,
      permission: operationsStatus,
      scope: ({ params }) => `/subscriptions/${params['subscription']}`,
      method: 'GET',
      path: '/subscriptions/:subscription/providers/Microsoft.DocumentDB/locations/:location/operationsStatus/:id',
      handle: (call) => ({ status: 200, body: { status: progress(call) } }),
    },
    {
      ...common,
      operation: 'cosmos-db/getOperationResult',
      tracks: true,
      // Which right is checked is unverified.
      permission: `${type}/operationResults/read`,
      method: 'GET',
      path: `${path}/regenerateKey/operationResults/:id`,
      handle(call) {
        const status = progress(call)
        return { status: status === 'Succeeded' ? 200 : 202, body: { status } }
      },
    },
    ...cosmosDataPlane(kernel, (name) => [...accounts.values()].filter((account) => name.startsWith(account.name))),
  ])

  return {
    cosmosAccounts: {
      /** A new account. Defaults: a fixed subscription, resource group `rg`, one region. */
      add(options: CosmosAccountOptions): CosmosAccountHandle {
        const id = armResourceId(options, type, options.name)
        const createdAt = kernel.clock.now() - 30 * day
        const slots = keySlots(kernel, Object.keys(masterKeys), mint)
        const account: CosmosAccount = {
          id,
          name: options.name,
          location: 'westeurope',
          regions: options.regions ?? ['West Europe'],
          saysUpdating: options.saysUpdating ?? true,
          createdAt,
          slots,
          firstKeys: Object.values(slots.keys()),
          generated: Object.fromEntries(Object.keys(masterKeys).map((slot) => [slot, createdAt])),
          pending: undefined,
          late: [],
          finished: new Map(),
          keysDisabled: false,
        }
        accounts.set(id.toLowerCase(), account)
        const disableLocalAuth = (disabled: boolean): void => {
          account.keysDisabled = disabled
        }
        const rings = {
          readWrite: kernel.adopt(ringHandle(account, 'readWrite', kernel.clock)),
          readOnly: kernel.adopt(ringHandle(account, 'readOnly', kernel.clock)),
        }
        return { resourceId: id, ring: (ring) => rings[ring], disableLocalAuth }
      },
    },
  }
}

/** An error of the service's own: without the `error` of Resource Manager around it. */
function ownError(call: Call, status: number, code: string, message: string): Refusal {
  const text = `${message}\r\nActivityId: ${call.requestId}, Microsoft.Azure.Documents.Common/2.14.0`
  return new Refusal({ status, body: { code, message: text } }, text)
}

function described(account: CosmosAccount): unknown {
  const { id, name, location, regions, createdAt, generated, keysDisabled, saysUpdating } = account
  const provisioningState = saysUpdating && isUnderWay(account) ? 'Updating' : 'Succeeded'
  const locations = regions.map((region, index) => ({
    id: `${name}-${label(region)}`,
    locationName: region,
    documentEndpoint: `https://${name}-${label(region)}.documents.azure.com:443/`,
    provisioningState: 'Succeeded',
    failoverPriority: index,
    isZoneRedundant: false,
  }))
  return {
    id,
    name,
    location,
    type,
    kind: 'GlobalDocumentDB',
    tags: {},
    systemData: systemData(createdAt),
    properties: {
      provisioningState,
      documentEndpoint: `https://${name}.documents.azure.com:443/`,
      publicNetworkAccess: 'Enabled',
      enableAutomaticFailover: false,
      enableMultipleWriteLocations: false,
      disableKeyBasedMetadataWriteAccess: false,
      disableLocalAuth: keysDisabled,
      databaseAccountOfferType: 'Standard',
      writeLocations: locations.slice(0, 1),
      readLocations: locations,
      locations,
      keysMetadata: Object.fromEntries(
        Object.entries(generated).map(([slot, at]) => [
          slot,
          { generationTime: new Date(at).toISOString().replace('Z', '0000Z') },
        ]),
      ),
    },
  }
}

function label(region: string): string {
  return region.toLowerCase().replaceAll(' ', '')
}

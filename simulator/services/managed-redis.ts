// Azure Managed Redis: clusters with a database each, which takes its keys as passwords.
// The answers are checked by test/providers/managed-redis.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { Call } from '../service-operations.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'
import { mintRedisKey, redisCommands, redisDialect, redisKeyPair, redisSlotIn } from './redis.ts'

export interface ManagedRedisOptions {
  readonly subscription?: string
  readonly group?: string
  /** Of the cluster. Its database is `default`. */
  readonly cluster: string
  /** Default 10000. */
  readonly port?: number
  /** Default `Encrypted`. */
  readonly clientProtocol?: 'Encrypted' | 'Plaintext'
  /** `accepted`: 202 without keys, and the new key some seconds later, as documented. Default: 200 with both, as recorded. */
  readonly regenerates?: 'accepted'
}

type Database = ArmResource<Omit<ManagedRedisOptions, 'cluster'>>

const clusters = 'Microsoft.Cache/redisEnterprise'
const type = `${clusters}/databases`
const group = 'managed-redis'
const apiVersions = ['2024-10-01', '2025-04-01', '2025-07-01']

export const sample: Sample = {
  add: (cloud, name = 'sessions') => {
    const handle = cloud.managedRedis.add({ cluster: name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  others: [
    (cloud, name = 'sessions') => {
      const handle = cloud.managedRedis.add({ cluster: name, regenerates: 'accepted' })
      return { fields: { resource: handle.resourceId }, handle }
    },
  ],
  read: 'managed-redis/listKeys',
  regenerate: 'managed-redis/regenerateKey',
  describesFirst: 'managed-redis/get',
  apiVersions: ['2025-07-01'],
  rotation: ['managed-redis/get', 'managed-redis/getCluster', 'managed-redis/regenerateKey', 'managed-redis/auth'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof managedRedis> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group,
      hosts: [
        '.redis.azure.net',
        '.redisenterprise.cache.azure.net',
        '.redis.usgovcloudapi.net',
        '.redis.chinacloudapi.cn',
      ],
      dialect: redisDialect,
    },
  ],
  install: managedRedis,
}

function managedRedis(kernel: Kernel) {
  /** The databases of operations, by the ids of these. */
  const begun = new Map<string, Database>()
  const databases = armKeys<Omit<ManagedRedisOptions, 'cluster'>>(kernel, {
    service: group,
    type,
    apiVersions,
    slots: ['Primary', 'Secondary'],
    mint: mintRedisKey,
    list: {
      action: 'listKeys',
      permission: `${type}/listKeys/action`,
      body: (_database, keys) => redisKeyPair(keys),
    },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regenerateKey/action`,
      slot: redisSlotIn,
      takes: ({ options }) => (options.regenerates === 'accepted' ? 4000 : undefined),
      busy: (call) =>
        call.refuse(
          409,
          'Conflict',
          `The resource is busy processing a previous update request or is undergoing system maintenance. Please try again later. RequestID=${call.requestId}`,
        ),
      reply(database, _slot, keys, call) {
        if (database.options.regenerates !== 'accepted') return { status: 200, body: redisKeyPair(keys) }
        begun.set(call.requestId, database)
        return { status: 202, headers: operationHeaders(call) }
      },
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([
    ...databases.operations,
    {
      operation: 'managed-redis/getCluster',
      permission: `${clusters}/read`,
      host: 'resource-manager',
      method: 'GET',
      path: `/subscriptions/:subscription/resourceGroups/:group/providers/${clusters}/:cluster`,
      apiVersions,
      handle(call) {
        const database = databases.byHost(call.params['cluster']!)
        if (database !== undefined) return { status: 200, body: clusterOf(database) }
        throw call.refuse(
          404,
          'ResourceNotFound',
          `The Resource '${clusters}/${call.params['cluster']}' was not found.`,
        )
      },
    },
    {
      operation: 'managed-redis/getOperation',
      tracks: true,
      permission: 'Microsoft.Cache/locations/operationsStatus/read',
      scope: ({ params }) => `/subscriptions/${params['subscription']}`,
      host: 'resource-manager',
      method: 'GET',
      path: '/subscriptions/:subscription/providers/Microsoft.Cache/locations/:location/operationsStatus/:id',
      apiVersions,
      handle(call) {
        const database = begun.get(call.params['id']!)
        if (database !== undefined) return { status: 200, body: operationOf(call, database) }
        throw call.refuse(404, 'ResourceNotFound', 'The operation was not found.')
      },
    },
    redisCommands(group, databases),
  ])
  return {
    managedRedis: {
      /** The database `default` of a new cluster. Defaults: a fixed subscription, resource group `rg`. Slots: `Primary`, `Secondary`. */
      add: ({ cluster, ...options }: ManagedRedisOptions): ArmKeysHandle =>
        databases.add({ ...options, name: 'default', above: [cluster] }),
    },
  }
}

/** Signed addresses of the operation, below the location and not below the resource. */
function operationHeaders({ params, requestId }: Call): Record<string, string> {
  const at = `https://management.azure.com/subscriptions/${params['subscription']}/providers/Microsoft.Cache/locations/westeurope`
  return {
    'azure-asyncoperation': `${at}/operationsStatus/${requestId}?api-version=2025-07-01&t=1&c=certificate&s=signature&h=hash`,
    location: `${at}/operationResults/${requestId}?api-version=2025-07-01&t=1&c=certificate&s=signature&h=hash`,
  }
}

/** The words of a failure are unverified. */
function operationOf({ url, params, now }: Call, { underWay, hasFailed }: Database): unknown {
  const at = new Date(now).toISOString()
  const common = { id: url.pathname, name: params['id'], startTime: at }
  if (underWay) return { ...common, status: 'InProgress' }
  const error = { code: 'InternalServerError', message: 'Something unexpected happened.' }
  return { ...common, endTime: at, ...(hasFailed ? { status: 'Failed', error } : { status: 'Succeeded' }) }
}

function described({ id, name, options, keysDisabled, underWay }: Database): unknown {
  return {
    id,
    name,
    type,
    properties: {
      provisioningState: underWay ? 'Updating' : 'Succeeded',
      resourceState: underWay ? 'Updating' : 'Running',
      clientProtocol: options.clientProtocol ?? 'Encrypted',
      port: options.port ?? 10_000,
      clusteringPolicy: 'OSSCluster',
      evictionPolicy: 'VolatileLRU',
      accessKeysAuthentication: keysDisabled ? 'Disabled' : 'Enabled',
      redisVersion: '7.4',
    },
  }
}

function clusterOf({ id, names: [cluster] }: Database): unknown {
  return {
    id: id.replace(/\/databases\/.*$/, ''),
    name: cluster,
    type: clusters,
    location: 'West Europe',
    sku: { name: 'Balanced_B0' },
    properties: {
      provisioningState: 'Succeeded',
      resourceState: 'Running',
      hostName: `${cluster!.toLowerCase()}.westeurope.redis.azure.net`,
      minimumTlsVersion: '1.2',
      redisVersion: '7.4',
    },
  }
}

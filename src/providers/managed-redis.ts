// Azure Managed Redis, and Redis Enterprise before it: a database of a cluster, with two access keys that are off by default.

import * as z from 'zod/mini'
import { hours } from '../engine/target.ts'
import type { ServiceHosts } from './provider.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair } from './wire/key-pair.ts'
import { type RedisAddress, redisRing, redisSlots, redisVerdict } from './wire/redis.ts'

const right = (name: string) => `Microsoft.Cache/redisEnterprise/${name}`
/** Of a cluster, the region comes before these: `contoso.westeurope.redis.azure.net`. */
const hosts: ServiceHosts = {
  public: ['redis.azure.net', 'redisenterprise.cache.azure.net'],
  usgov: ['redis.usgovcloudapi.net'],
  china: ['redis.chinacloudapi.cn'],
}

/** The database, with its cluster as `top`. */
const Database = z.object({
  properties: z.object({
    provisioningState: z.optional(z.string()),
    port: z.number(),
    clientProtocol: z.optional(z.string()),
    accessKeysAuthentication: z.optional(z.string()),
  }),
  top: z.object({ properties: z.object({ hostName: z.string() }) }),
})
type Database = z.output<typeof Database>

export const managedRedis = armKeyProvider({
  id: 'managed-redis',
  title: 'Azure Managed Redis database',
  slots: redisSlots,
  outputs: { key: 'secret', connectionString: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.Cache/redisEnterprise/databases',
    above: [
      {
        name: /^(?=.{1,60}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/,
        rule: '1 to 60 letters, digits or single hyphens, with a letter or digit at both ends',
        example: 'my-redis',
      },
    ],
    name: /^default$/i,
    rule: 'default',
    example: 'default',
  },
  apiVersion: '2025-07-01',
  grant: 'Managed Redis keys',
  keyField: 'password',
  optional: [
    {
      kind: 'action',
      name: 'Microsoft.Cache/locations/operationsStatus/read',
      why: 'at the subscription: see when a regenerate that goes on is through; without it the database itself is asked',
    },
  ],
  discovery: {
    below: '/databases/default',
    note: 'Resource Graph does not show whether the database accepts access keys: they are off unless they were switched on.',
  },

  /** POST Databases_ListKeys, 2025-07-01. */
  list: { right: right('databases/listKeys/action'), request: () => ({ path: '/listKeys' }), answer: KeyPair },
  ring: (keys, _target, _addition, database) =>
    redisRing(keys, database && addressOf(database), !isPlaintext(database)),

  /** POST Databases_RegenerateKey, 2025-07-01. Answers both keys; or 202: then its operation is followed, and the keys are listed. */
  regenerate: {
    right: right('databases/regenerateKey/action'),
    request: (slot) => ({ path: '/regenerateKey', body: { keyType: slot } }),
    answer: 'listing',
  },

  /** GET Databases_Get and RedisEnterprise_Get, 2025-07-01. */
  describe: {
    right: right('databases/read'),
    why: 'see whether the database accepts keys at all, and at which port',
    top: { right: right('read'), why: 'read the host name of the cluster' },
    answer: Database,
    outputs: ['connectionString'],
    isKeyUseDisabled: ({ properties }) => properties.accessKeysAuthentication === 'Disabled',
    enabledBy: 'accessKeysAuthentication: Enabled',
    askedFirst: true,
    // Recorded: a regenerate is over when it answers. Specified: 202, and the operation goes on.
    operation: {
      isUnderWay: ({ properties: { provisioningState = 'Succeeded' } }) => !ended.test(provisioningState),
      limit: hours(1),
      isShort: true,
    },
  },

  probe: {
    needsDescription: true,
    ask: async ({ key, description }, _show, _signal, command) =>
      // A key is not shown without TLS.
      description === undefined || isPlaintext(description)
        ? 'unknown'
        : redisVerdict(addressOf(description), key, command),
  },
})

const ended = /^(Succeeded|Failed|Canceled)$/i

function addressOf({ properties, top }: Database): RedisAddress {
  return { host: top.properties.hostName, port: properties.port }
}

function isPlaintext(database: Database | undefined): boolean {
  return database?.properties.clientProtocol === 'Plaintext'
}

// Azure Cache for Redis: Azure Resource Manager, and databases that take their keys as passwords.
// The answers are checked by test/providers/redis-cache.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, type ArmResource, type ArmResourceOptions, armKeys } from './arm-keys.ts'
import { mintRedisKey, redisCommands, redisDialect, redisKeyPair, redisSlotIn } from './redis.ts'

const type = 'Microsoft.Cache/redis'
const group = 'redis-cache'

export const sample: Sample = {
  add: (cloud, name = 'sessions') => {
    const handle = cloud.redisCaches.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'redis-cache/listKeys',
  regenerate: 'redis-cache/regenerateKey',
  describesFirst: 'redis-cache/get',
  apiVersions: ['2024-11-01'],
  rotation: ['redis-cache/get', 'redis-cache/regenerateKey', 'redis-cache/auth'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof redisCaches> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group,
      hosts: ['.redis.cache.windows.net', '.redis.cache.usgovcloudapi.net', '.redis.cache.chinacloudapi.cn'],
      dialect: redisDialect,
    },
  ],
  install: redisCaches,
}

function redisCaches(kernel: Kernel) {
  const caches = armKeys(kernel, {
    service: group,
    type,
    apiVersions: ['2022-06-01', '2023-04-01', '2024-11-01'],
    slots: ['Primary', 'Secondary'],
    mint: mintRedisKey,
    list: {
      action: 'listKeys',
      permission: `${type}/listKeys/action`,
      body: (_cache, keys) => redisKeyPair(keys),
    },
    regenerate: {
      action: 'regenerateKey',
      permission: `${type}/regenerateKey/action`,
      slot: redisSlotIn,
      reply: (_cache, _slot, keys) => ({ status: 200, body: redisKeyPair(keys) }),
    },
    describe: { permission: `${type}/read`, body: described },
  })
  kernel.register([...caches.operations, redisCommands(group, caches)])
  return {
    redisCaches: {
      /** A new cache. Defaults: a fixed subscription, resource group `rg`. Slots: `Primary`, `Secondary`. */
      add: (options: ArmResourceOptions): ArmKeysHandle => caches.add(options),
    },
  }
}

/** Ids come back with `Redis`. */
function described({ id, name, keysDisabled }: ArmResource): unknown {
  return {
    id: id.replace('/redis/', '/Redis/'),
    name,
    type: 'Microsoft.Cache/Redis',
    location: 'West Europe',
    properties: {
      provisioningState: 'Succeeded',
      redisVersion: '6.0',
      sku: { name: 'Basic', family: 'C', capacity: 0 },
      enableNonSslPort: false,
      redisConfiguration: { maxclients: '256' },
      accessKeys: null,
      hostName: `${name.toLowerCase()}.redis.cache.windows.net`,
      port: 6379,
      sslPort: 6380,
      linkedServers: [],
      disableAccessKeyAuthentication: keysDisabled,
    },
  }
}

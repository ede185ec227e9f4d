// Azure Cache for Redis: two access keys; both are in every answer. Its database is tried by AUTH over TLS.

import * as z from 'zod/mini'
import type { AzureClients } from '../azure/clients.ts'
import type { ServiceHosts } from './provider.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair } from './wire/key-pair.ts'
import { redisRing, redisSlots, redisVerdict } from './wire/redis.ts'

const right = (name: string) => `Microsoft.Cache/redis/${name}`
const hosts: ServiceHosts = {
  public: ['redis.cache.windows.net'],
  usgov: ['redis.cache.usgovcloudapi.net'],
  china: ['redis.cache.chinacloudapi.cn'],
}

export const redisCache = armKeyProvider({
  id: 'redis-cache',
  title: 'Azure Cache for Redis',
  slots: redisSlots,
  outputs: { key: 'secret', connectionString: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.Cache/redis',
    name: /^(?=.{1,63}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/,
    rule: '1 to 63 letters, digits or single hyphens, with a letter or digit at both ends',
    example: 'my-cache',
  },
  apiVersion: '2024-11-01',
  grant: 'Azure Cache for Redis keys',
  keyField: 'password',

  /** POST Redis_ListKeys, 2024-11-01. */
  list: { right: right('listKeys/action'), request: () => ({ path: '/listKeys' }), answer: KeyPair },
  ring: (keys, { id, cloud }) => redisRing(keys, addressOf(id.name, cloud)),

  /** POST Redis_RegenerateKey, 2024-11-01. Answers both keys. */
  regenerate: {
    right: right('regenerateKey/action'),
    request: (slot) => ({ path: '/regenerateKey', body: { keyType: slot } }),
    answer: 'listing',
  },

  /** GET Redis_Get, 2024-11-01. */
  describe: {
    right: right('read'),
    why: 'see whether the cache accepts keys at all',
    answer: z.object({
      properties: z.optional(z.object({ disableAccessKeyAuthentication: z.nullish(z.boolean()) })),
    }),
    isKeyUseDisabled: ({ properties }) => properties?.disableAccessKeyAuthentication === true,
    enabledBy: 'disableAccessKeyAuthentication: false',
    askedFirst: true,
  },

  probe: {
    ask: ({ key, target }, _show, _signal, command) =>
      redisVerdict(addressOf(target.id.name, target.cloud), key, command),
  },
})

/** The host follows from the name; the port for TLS is the same for all. */
function addressOf(name: string, cloud: AzureClients['cloud']) {
  return { host: `${name.toLowerCase()}.${hosts[cloud.name][0]}`, port: 6380 }
}

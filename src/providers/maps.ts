// Azure Maps accounts: two keys, either of which may do everything; both are in every answer.

import * as z from 'zod/mini'
import type { ServiceHosts } from './provider.ts'
import { momentSaid } from './wire/answer.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair, keyPairRing } from './wire/key-pair.ts'
import { localAuthDescription } from './wire/local-auth.ts'
import { judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.Maps/accounts/${name}`
/** All accounts of a cloud share one host: the key alone says which account it is. */
const hosts: ServiceHosts = { public: ['atlas.microsoft.com'], usgov: ['atlas.azure.us'], china: [] }
/** Not billed, and the same for everyone. */
const probePath = '/map/copyright/caption/json?api-version=2024-04-01'

export const maps = armKeyProvider({
  id: 'maps',
  title: 'Azure Maps account',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public', 'usgov'],
  hosts,
  types: {
    type: 'Microsoft.Maps/accounts',
    name: /^[a-z0-9][\w.-]{0,97}$/i,
    rule: '1 to 98 letters, digits, underscores, periods or hyphens, the first of them a letter or digit',
    example: 'my-maps',
  },
  apiVersion: '2023-06-01',
  grant: 'Maps account keys',

  /** POST Accounts_ListKeys, 2023-06-01. */
  list: {
    right: right('listKeys/action'),
    request: () => ({ path: '/listKeys' }),
    answer: z.extend(KeyPair, { primaryKeyLastUpdated: momentSaid, secondaryKeyLastUpdated: momentSaid }),
    createdAt: (listing, slot) =>
      slot === 'primary' ? listing.primaryKeyLastUpdated : listing.secondaryKeyLastUpdated,
  },
  ring: (listing) => keyPairRing(listing),

  /** POST Accounts_RegenerateKeys, 2023-06-01. Answers both keys. */
  regenerate: {
    right: right('regenerateKey/action'),
    request: (slot) => ({ path: '/regenerateKey', body: { keyType: slot } }),
    answer: 'listing',
  },

  /** GET Accounts_Get, 2023-06-01. */
  describe: {
    right: right('read'),
    why: 'see whether the account accepts keys at all',
    ...localAuthDescription,
    askedFirst: true,
  },

  probe: {
    request: ({ key, target }) => ({
      method: 'GET',
      endpoint: `https://${hosts[target.cloud.name][0]}/`,
      path: probePath,
      headers: () => ({ 'subscription-key': key }),
    }),
    // Tokens of Entra and shared access signatures get 401 as well, with other errors.
    judge: judgedBy({ status: 401, challenge: /error="InvalidKey"/, is: 'refused' }),
  },
})

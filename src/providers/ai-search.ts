// Azure AI Search services: two admin keys, either of which may do everything; both are in every answer.

import type { ServiceHosts } from './provider.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { KeyPair, keyPairRing } from './wire/key-pair.ts'
import { localAuthDescription } from './wire/local-auth.ts'
import { judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.Search/searchServices/${name}`
const hosts: ServiceHosts = { public: ['search.windows.net'], usgov: ['search.azure.us'], china: ['search.azure.cn'] }
/** Counts what the service holds: a read that a query key may not do. */
const probePath = '/servicestats?api-version=2024-07-01'

export const aiSearch = armKeyProvider({
  id: 'ai-search',
  title: 'Azure AI Search admin key',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.Search/searchServices',
    name: /^(?=.{2,60}$)[a-z0-9]{2,}(-[a-z0-9]+)*$/,
    rule: '2 to 60 lower-case letters, digits or single hyphens, none of the first two a hyphen',
    example: 'my-search',
  },
  apiVersion: '2025-05-01',
  grant: 'AI Search admin keys',

  /** POST AdminKeys_Get, 2025-05-01. */
  list: {
    right: right('listAdminKeys/action'),
    request: () => ({ path: '/listAdminKeys' }),
    answer: KeyPair,
  },
  ring: keyPairRing,

  /** POST AdminKeys_Regenerate, 2025-05-01: the slot is in the path, and there is no body. Answers both keys. */
  regenerate: {
    right: right('regenerateAdminKey/action'),
    request: (slot) => ({ path: `/regenerateAdminKey/${slot}` }),
    answer: 'listing',
  },

  /** GET Services_Get, 2025-05-01. */
  describe: {
    right: right('read'),
    why: 'see whether the service accepts keys at all',
    ...localAuthDescription,
    askedFirst: true,
  },

  probe: {
    request: ({ key, target }) => ({
      method: 'GET',
      endpoint: `https://${target.id.name}.${hosts[target.cloud.name][0]}/`,
      path: probePath,
      headers: () => ({ 'api-key': key }),
    }),
    // A firewall answers the same, without saying why.
    judge: judgedBy({ status: 401, is: 'ambiguous' }, { status: 403, is: 'ambiguous' }),
  },
})

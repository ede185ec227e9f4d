// App Configuration stores: two keys that may write and two that may only read. A key has an id, which changes with it.

import * as z from 'zod/mini'
import type { Credential, KeySlot } from '../engine/key-ring.ts'
import type { Verdict } from '../engine/ports.ts'
import type { Secret } from '../engine/secret.ts'
import type { ServiceHosts } from './provider.ts'
import { momentSaid, parseAnswer, secretText, unexpected } from './wire/answer.ts'
import type { ShownKey } from './wire/arm-key-service.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { addressIn } from './wire/connection-string.ts'
import { signedHeaders } from './wire/hmac.ts'
import { isBase64 } from './wire/key-material.ts'
import { localAuthDescription } from './wire/local-auth.ts'
import { type Ring, ringField, ringPart } from './wire/read-only-ring.ts'
import { type Judge, judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.AppConfiguration/configurationStores/${name}`
const hosts: ServiceHosts = {
  public: ['azconfig.io', 'appconfig.azure.com'],
  usgov: ['azconfig.azure.us', 'appconfig.azure.us'],
  china: ['azconfig.azure.cn', 'appconfig.azure.cn'],
}
/** Of a setting that no store has: only the answer to an accepted key says so. */
const probePath = '/kv/rekey-probe?api-version=1.0'

const Key = z.object({
  id: z.string(),
  name: z.string(),
  value: secretText,
  connectionString: secretText,
  lastModified: momentSaid,
})
type Key = z.output<typeof Key>

/** Keys are found by their names: a new one is the last of the list. */
const Keys = z.pipe(
  z.object({ value: z.array(Key) }),
  z.transform(({ value }, { issues }) => {
    const found = names.flatMap((name) => {
      const key = value.find((each) => each.name.toLowerCase() === name)
      return key === undefined ? [] : [[name, key] as const]
    })
    if (found.length < names.length)
      issues.push({ code: 'custom', path: ['value'], message: 'a key is missing', input: value })
    return Object.fromEntries(found) as Record<(typeof names)[number], Key>
  }),
)
const names = ['primary', 'secondary', 'primary read only', 'secondary read only'] as const

export const appConfiguration = armKeyProvider({
  id: 'app-configuration',
  title: 'App Configuration store',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.AppConfiguration/configurationStores',
    name: /^[A-Za-z0-9_-]{5,50}$/,
    rule: '5 to 50 letters, digits, _ or -',
    example: 'my-store',
  },
  fields: { keys: ringField('store') },
  // Neither ring may pass for the other: their rights differ.
  credential: ringPart,
  address: ringPart,
  apiVersion: '2024-06-01',
  grant: 'App Configuration keys',
  keyField: 'Secret',

  /** POST ConfigurationStores_ListKeys, 2024-06-01. A store has four keys, on one page. */
  list: {
    right: right('ListKeys/action'),
    request: () => ({ path: '/listKeys' }),
    answer: Keys,
    createdAt: (listing, slot, { fields }) => listing[nameOf(slot, fields.keys)].lastModified,
  },
  ring: (listing, { fields }) => ({
    primary: credentialOf(listing[nameOf('primary', fields.keys)]),
    secondary: credentialOf(listing[nameOf('secondary', fields.keys)]),
  }),

  /** POST ConfigurationStores_RegenerateKey, 2024-06-01, by the id of the key. Answers the one new key, which has another id. */
  regenerate: {
    right: right('RegenerateKey/action'),
    request: (slot, { fields }, listing) => ({
      path: '/regenerateKey',
      body: { id: listing[nameOf(slot, fields.keys)].id },
    }),
    answer: (body, slot, { fields }) => {
      const operation = 'POST …/regenerateKey'
      const key = parseAnswer(Key, body, { operation })
      if (key.name.toLowerCase() === nameOf(slot, fields.keys)) return credentialOf(key)
      throw unexpected(operation, 'the answer has another key than the one that was to be made')
    },
  },

  /** GET ConfigurationStores_Get, 2024-06-01. */
  describe: {
    right: right('read'),
    why: 'see whether local authentication is disabled',
    ...localAuthDescription,
  },

  probe: {
    ask: async (shown, show): Promise<Verdict> => {
      const ring = await shown.listed()
      const endpoint = ring && addressIn(ring['primary']!['connectionString']!, 'Endpoint')
      const id = await idOf(shown)
      if (endpoint === undefined || id === undefined) return 'unknown'
      const headers = (url: URL) => signedHeaders('HEAD', url, shown.key, shown.now, id)
      return show({ method: 'HEAD', endpoint, path: probePath, headers }, judge)
    },
  },
})

const keyBytes = 32

function nameOf(slot: KeySlot, ring: Ring) {
  const name = slot as 'primary' | 'secondary'
  return ring === 'readOnly' ? (`${name} read only` as const) : name
}

function credentialOf({ value, connectionString }: Key): Credential {
  return { key: value, connectionString }
}

/**
 * The id to show a key with. A connection string has it; a key alone has that of the listed key that it is. One that is not listed has
 * none: the listing may lag. What is no key at all is shown with any id.
 */
async function idOf({ key, credential, listed }: ShownKey<unknown, unknown>): Promise<string | undefined> {
  const idIn = (connectionString: Secret | undefined) => connectionString && addressIn(connectionString, 'Id')
  const own = idIn(credential['connectionString'])
  if (own !== undefined) return own
  const isKey = isBase64(key, keyBytes)
  const same = Object.values((await listed()) ?? {}).find((each) => !isKey || key.equals(each['key']))
  return idIn(same?.['connectionString'])
}

/**
 * 404 accepts the key where it comes from a store, which sends a token for the state it is in. 401 refuses the key where it says that the
 * signature or the id is wrong; a date that is off gets 401 as well.
 */
const judge: Judge = (answer) => {
  if (answer.status === 404 && answer.headers['sync-token'] !== undefined) return 'accepted'
  return judgedBy({ status: 401, challenge: /Invalid (Signature|Credential)/i, is: 'refused' })(answer)
}

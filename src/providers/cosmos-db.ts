// Cosmos DB accounts: a ring of read-write keys and one of read-only keys. A regenerate goes on for a minute or for hours, and the
// regions of the account learn the new key one after the other.

import * as z from 'zod/mini'
import type { KeySlot } from '../engine/key-ring.ts'
import type { Secret } from '../engine/secret.ts'
import { hours, type Instant } from '../engine/target.ts'
import type { ServiceHosts } from './provider.ts'
import { momentSaid, secretText } from './wire/answer.ts'
import type { ProbeRequest } from './wire/arm-key-service.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { signedWith } from './wire/key-material.ts'
import { type Ring, ringField, ringPart } from './wire/read-only-ring.ts'
import { type Judge, refusedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.DocumentDB/databaseAccounts/${name}`
const hosts: ServiceHosts = {
  public: ['documents.azure.com'],
  usgov: ['documents.azure.us'],
  china: ['documents.azure.cn'],
}
/** Of the data plane. */
const serviceVersion = '2018-12-31'

/** One listing has the keys of both rings. */
const Keys = z.object({
  primaryMasterKey: secretText,
  secondaryMasterKey: secretText,
  primaryReadonlyMasterKey: secretText,
  secondaryReadonlyMasterKey: secretText,
})

const Region = z.object({ documentEndpoint: z.optional(z.string()) })
const Made = z.nullish(z.object({ generationTime: momentSaid }))
const Account = z.object({
  systemData: z.nullish(z.object({ createdAt: momentSaid })),
  properties: z.object({
    provisioningState: z.optional(z.string()),
    disableLocalAuth: z.nullish(z.boolean()),
    documentEndpoint: z.optional(z.string()),
    readLocations: z.nullish(z.array(Region)),
    keysMetadata: z.nullish(z.record(z.string(), Made)),
  }),
})
type Account = z.output<typeof Account>

export const cosmosDb = armKeyProvider({
  id: 'cosmos-db',
  title: 'Cosmos DB account',
  slots: ['primary', 'secondary'],
  outputs: { key: 'secret', connectionString: 'secret' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.DocumentDB/databaseAccounts',
    name: /^(?=.{3,50}$)[a-z0-9]+(-[a-z0-9]+)*$/i,
    rule: '3 to 50 letters, digits or -, with no - at the ends or beside another',
    example: 'my-account',
  },
  fields: { keys: ringField('account') },
  // A regenerate of either ring locks the account, so both have its lease. Neither may pass for the other: their rights differ.
  credential: ringPart,
  address: ringPart,
  apiVersion: '2024-11-15',
  grant: 'Cosmos DB account keys',
  // Recorded: listKeys has a bucket of 150. If it is one of five minutes, this spends half of it.
  budget: {
    name: 'cosmos-db',
    limit: 'Cosmos DB: listings of keys of one subscription',
    allowance: { burst: 50, perSecond: 0.25 },
  },
  // While a regenerate goes on, the keys are listed again and again.
  writes: 10,
  // Its own errors have no `error` around them. 412: another operation has the account.
  errorCodes: { means: { PreconditionFailed: 'ServiceBusy' } },
  keyField: 'AccountKey',
  optional: [
    {
      kind: 'action',
      name: 'Microsoft.DocumentDB/locations/operationsStatus/read',
      why: 'at the subscription: see when a regenerate is through; without it the account itself is asked',
    },
  ],

  /** POST DatabaseAccounts_ListKeys, 2024-11-15. */
  list: { right: right('listKeys/action'), request: () => ({ path: '/listKeys' }), answer: Keys },
  ring: (listing, { id: { name }, fields, cloud }) => {
    const credential = (key: Secret) => ({
      key,
      connectionString: key.map(
        (value) => `AccountEndpoint=https://${name.toLowerCase()}.${hosts[cloud.name][0]}:443/;AccountKey=${value};`,
      ),
    })
    return {
      primary: credential(listing[masterKey('primary', fields.keys)]),
      secondary: credential(listing[masterKey('secondary', fields.keys)]),
    }
  },

  /** POST DatabaseAccounts_RegenerateKey, 2024-11-15. Answers 202 and the address of an operation, never a key. */
  regenerate: {
    right: right('regenerateKey/action'),
    request: (slot, { fields }) => ({ path: '/regenerateKey', body: { keyKind: keyKind(slot, fields.keys) } }),
    answer: 'nothing',
  },

  /** GET DatabaseAccounts_Get, 2024-11-15. */
  describe: {
    right: right('read'),
    why: 'see where its regions are, whether a regenerate goes on, and whether local authentication is disabled',
    answer: Account,
    isKeyUseDisabled: ({ properties }) => properties.disableLocalAuth === true,
    // Keys are listed, and as far as is known made, while nobody can use them.
    askedFirst: true,
    operation: {
      isUnderWay: ({ properties: { provisioningState = 'Succeeded' } }) => !ended.test(provisioningState),
      // Documented: "from one minute to multiple hours".
      limit: hours(24),
    },
    createdAt: (account, slot, { fields }) => createdAt(account, slot, fields.keys),
  },

  probe: {
    needsDescription: true,
    ask: async ({ key, description, now }, show) => {
      const requests = endpointsOf(description).map(
        (endpoint): ProbeRequest => ({
          method: 'GET',
          endpoint,
          // The account as its data plane shows it: regions and consistency. Every client reads this first, with a read-only key too.
          path: '/',
          headers: () => masterKeyHeaders('get', '', '', key, now),
        }),
      )
      if (requests.length === 0) return 'unknown'
      for (let time = 0; time < timesInARow; time += 1) {
        const verdicts = await Promise.all(requests.map((request) => show(request, judge)))
        if (verdicts.includes('refused')) return 'refused'
        if (verdicts.includes('unknown')) return 'unknown'
      }
      return 'accepted'
    },
  },
})

/** Gateways of a region learn a new key one after the other: one answer is no proof. */
const timesInARow = 3
/** Longer than the creation of an account was seen to take. */
const accountCreation = hours(1)
const ended = /^(Succeeded|Failed|Canceled|DeletionFailed)$/i

/** A 401 refuses the key, unless no key is let in at all; a firewall and a clock that is off get 403. */
function judge(answer: Parameters<Judge>[0]): ReturnType<Judge> {
  const noKeys = answer.headers['x-ms-substatus'] === '5202' || /Local Authorization is disabled/i.test(answer.text)
  return answer.status === 401 && noKeys ? 'unknown' : refusedBy(401)(answer)
}

/** Of every region that can be read; of the account where it lists none. */
function endpointsOf(account: Account | undefined): readonly string[] {
  const { readLocations, documentEndpoint } = account?.properties ?? {}
  const regional = (readLocations ?? []).flatMap((region) => region.documentEndpoint ?? [])
  return regional.length > 0 ? regional : [documentEndpoint ?? []].flat()
}

function masterKey(slot: KeySlot, ring: Ring): keyof z.output<typeof Keys> {
  if (ring === 'readOnly') return slot === 'primary' ? 'primaryReadonlyMasterKey' : 'secondaryReadonlyMasterKey'
  return slot === 'primary' ? 'primaryMasterKey' : 'secondaryMasterKey'
}

function keyKind(slot: KeySlot, ring: Ring): string {
  return `${slot}${ring === 'readOnly' ? 'Readonly' : ''}`
}

/** The time moves once at the end of the account's own creation, and the key stays: a time near that counts as the account's. */
function createdAt({ systemData, properties }: Account, slot: KeySlot, ring: Ring): Instant | undefined {
  const at = properties.keysMetadata?.[masterKey(slot, ring)]?.generationTime
  const account = systemData?.createdAt
  if (at === undefined || account === undefined) return at
  return at < account + accountCreation ? Math.min(at, account) : at
}

/**
 * A request of the data plane that a key signs. `type` and `link` are of the resource: `dbs` and nothing for the list of databases, nothing at all
 * for the account. `now` must be within 15 minutes of the service's clock.
 */
export function masterKeyHeaders(
  method: string,
  type: string,
  link: string,
  key: Secret,
  now: Instant,
): Readonly<Record<string, string>> {
  const date = new Date(now).toUTCString()
  const text = `${method.toLowerCase()}\n${type}\n${link}\n${date.toLowerCase()}\n\n`
  const token = `type=master&ver=1.0&sig=${signedWith(key, 'base64', text)}`
  return { 'x-ms-date': date, 'x-ms-version': serviceVersion, authorization: encodeURIComponent(token) }
}

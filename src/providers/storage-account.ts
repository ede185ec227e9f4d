// Storage accounts: two keys; both are in every answer. Shared access signatures made with a key die with it.

import * as z from 'zod/mini'
import { parseDuration } from '../engine/duration.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import type { Secret } from '../engine/secret.ts'
import type { Duration, Instant } from '../engine/target.ts'
import type { ServiceHosts } from './provider.ts'
import { accountSas, sasLetters } from './wire/account-sas.ts'
import { momentSaid, secretText } from './wire/answer.ts'
import { armKeyProvider } from './wire/arm-keys.ts'
import { signedWith } from './wire/key-material.ts'
import { ownKeyField } from './wire/own-key.ts'
import { judgedBy } from './wire/verdict.ts'

const right = (name: string) => `Microsoft.Storage/storageAccounts/${name}`
/** Of every service of an account, with DNS zone endpoints among them. */
const hosts: ServiceHosts = {
  public: ['core.windows.net', 'storage.azure.net'],
  usgov: ['core.usgovcloudapi.net'],
  china: ['core.chinacloudapi.cn'],
}
const serviceVersion = '2021-12-02'
/** Reads of settings, not of a customer's data, by the service of an account that has them; the first one that the account has. */
const probes = [
  ['queue', '/?comp=properties&restype=service'],
  ['blob', '/?comp=properties&restype=account'],
] as const

/** Kerberos keys are listed too where there are any: keys are found by their names. */
const Keys = z.pipe(
  z.object({ keys: z.array(z.object({ keyName: z.string(), value: secretText, creationTime: momentSaid })) }),
  z.transform(({ keys }, { issues }) => {
    const named = (name: string) => keys.find(({ keyName }) => keyName.toLowerCase() === name)
    const [key1, key2] = [named('key1'), named('key2')]
    if (key1 !== undefined && key2 !== undefined) return { key1, key2 }
    issues.push({ code: 'custom', path: ['keys'], message: 'key1 or key2 is missing', input: keys })
    return z.NEVER
  }),
)
const Account = z.object({
  properties: z.optional(
    z.object({
      primaryEndpoints: z.optional(z.record(z.string(), z.unknown())),
      allowSharedKeyAccess: z.nullish(z.boolean()),
      keyCreationTime: z.nullish(z.record(z.string(), momentSaid)),
      // No rotation needs it: it must not make the rest unreadable.
      keyPolicy: z.catch(z.nullish(z.object({ keyExpirationPeriodInDays: z.nullish(z.number()) })), undefined),
    }),
  ),
})

/** Letters of a set, each at most once. */
function letters(set: string, what: string, description: string, example: string) {
  const shape = new RegExp(`^(?!.*(.).*\\1)[${set}]+$`)
  return z
    .optional(z.string().check(z.regex(shape, `${what} are letters of ${set}, each once`)))
    .register(z.globalRegistry, { description: `${description}, for the output sas`, examples: [example] })
}

const sasFields = {
  sasServices: letters(sasLetters.services, 'services', 'Services that the signature opens: b, t, q, f', 'b'),
  sasResourceTypes: letters(sasLetters.resourceTypes, 'resource types', 'What it opens there: s, c, o', 'co'),
  sasPermissions: letters(sasLetters.permissions, 'permissions', 'What it allows', 'rl'),
  sasLifetime: z
    .optional(
      z.pipe(
        z.string(),
        z.transform((text, { issues }): Duration => {
          const parsed = parseDuration(text)
          if (typeof parsed === 'number') return parsed
          issues.push({ code: 'custom', message: parsed.message, input: text })
          return z.NEVER
        }),
      ),
    )
    .register(z.globalRegistry, {
      description:
        'How long the signature is valid from the creation of its key, at least validFor and overlap, for the output sas (ISO 8601)',
      examples: ['P120D'],
    }),
}
const sasFieldNames = ['sasServices', 'sasResourceTypes', 'sasPermissions', 'sasLifetime'] as const
type SasFields = z.output<z.core.$ZodObject<typeof sasFields>>

/**
 * The account SAS of a key: it depends on nothing but the key, when it was created, and the fields, so that a listing tells which slot a
 * secret is from. Throws `UnexpectedAnswer` where the creation of the key is not known.
 */
function sasOutput(
  account: string,
  key: Secret,
  { sasServices, sasResourceTypes, sasPermissions, sasLifetime }: SasFields,
  { slot, creationTime }: { readonly slot: string; readonly creationTime: Instant | undefined },
): { readonly sas?: Secret } {
  if (!sasServices || !sasResourceTypes || !sasPermissions || sasLifetime === undefined) return {}
  if (creationTime === undefined) {
    throw new RekeyError('UnexpectedAnswer', {
      message: `the storage account ${account} does not say when ${slot} was created, and the lifetime of a shared access signature counts from then`,
      remedy: `Regenerate ${slot} once at the service: keys that are made now have a creation time.`,
      outcomeUnknown: true,
    })
  }
  const allowed = { services: sasServices, resourceTypes: sasResourceTypes, permissions: sasPermissions }
  return { sas: accountSas(account, key, { ...allowed, expiresAt: creationTime + sasLifetime }) }
}

export const storageAccount = armKeyProvider({
  id: 'storage-account',
  title: 'Storage account',
  slots: ['key1', 'key2'],
  outputs: { key: 'secret', connectionString: 'secret', sas: 'secret' },
  fieldOfOutput: { sas: 'sasLifetime' },
  clouds: ['public', 'usgov', 'china'],
  hosts,
  types: {
    type: 'Microsoft.Storage/storageAccounts',
    name: /^[a-z0-9]{3,24}$/,
    rule: '3 to 24 lower-case letters or digits',
    example: 'mystorage',
  },
  fields: { ...sasFields, ...ownKeyField },
  objection: (_, fields) => {
    const missing = sasFieldNames.filter((name) => fields[name] === undefined)
    if (missing.length === 0 || missing.length === sasFieldNames.length) return undefined
    return { field: missing[0]!, message: 'is missing: a shared access signature needs each of the four fields' }
  },
  apiVersion: '2024-01-01',
  grant: 'Storage account keys',
  // The storage resource provider takes 1,200 writes an hour per subscription and region: half of it, as the id lacks the region.
  budget: {
    name: 'storage',
    limit: 'the storage resource provider: writes of one subscription',
    allowance: { burst: 20, perSecond: 0.16 },
  },
  keyField: 'AccountKey',

  /** POST StorageAccounts_ListKeys, 2024-01-01. */
  list: { right: right('listKeys/action'), request: () => ({ path: '/listKeys' }), answer: Keys },
  ring: ({ key1, key2 }, { id: { name }, fields, cloud: { storageSuffix } }) => {
    const credential = ({ value: key, creationTime }: typeof key1, slot: string) => ({
      ...sasOutput(name, key, fields, { slot, creationTime }),
      key,
      connectionString: key.map(
        (value) =>
          `DefaultEndpointsProtocol=https;AccountName=${name};AccountKey=${value};EndpointSuffix=${storageSuffix}`,
      ),
    })
    return { key1: credential(key1, 'key1'), key2: credential(key2, 'key2') }
  },

  ending: {
    lifetime: ({ sasLifetime }) =>
      sasLifetime === undefined ? undefined : { output: 'sas', field: 'sasLifetime', lifetime: sasLifetime },
    startsAt: (listing, slot) => listing[slot === 'key1' ? 'key1' : 'key2'].creationTime,
  },

  /** POST StorageAccounts_RegenerateKey, 2024-01-01. Answers both keys. */
  regenerate: {
    right: right('regenerateKey/action'),
    request: (slot) => ({ path: '/regenerateKey', body: { keyName: slot } }),
    answer: 'listing',
  },

  /** GET StorageAccounts_GetProperties, 2024-01-01. */
  describe: {
    right: right('read'),
    why: 'find the endpoint that shows whether a key works, whether the account accepts keys at all, and how old they are',
    answer: Account,
    // Absent or null: it does.
    isKeyUseDisabled: ({ properties }) => properties?.allowSharedKeyAccess === false,
    askedFirst: true,
    enabledBy: 'allowSharedKeyAccess: true',
    // Null for keys from before the time was kept.
    createdAt: ({ properties }, slot) => properties?.keyCreationTime?.[slot],
    keyPolicyDays: ({ properties }) => properties?.keyPolicy?.keyExpirationPeriodInDays ?? undefined,
  },

  probe: {
    needsDescription: true,
    request: ({ key, target, description, now }) => {
      const endpoints = description?.properties?.primaryEndpoints ?? {}
      const [service, path] = probes.find(([name]) => typeof endpoints[name] === 'string') ?? []
      if (service === undefined || path === undefined) return undefined
      return {
        method: 'GET',
        endpoint: endpoints[service] as string,
        path,
        headers: (url) => sharedKeyHeaders(url, target.id.name, key, now),
      }
    },
    // 403 is also what a network rule, or an account without shared keys, gets: with other codes.
    judge: judgedBy({ status: 403, code: 'AuthenticationFailed', is: 'refused' }),
  },
})

/**
 * SharedKey over a GET without a body, conditions or ranges: eleven empty headers, the two of `x-ms-`, the account's name and the query,
 * sorted. `now` must be within 15 minutes of the service's clock.
 */
export function sharedKeyHeaders(
  url: URL,
  account: string,
  key: Secret,
  now: Instant,
): Readonly<Record<string, string>> {
  const signed = { 'x-ms-date': new Date(now).toUTCString(), 'x-ms-version': serviceVersion }
  const headers = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
  const query = [...url.searchParams]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`)
  const text = `GET${'\n'.repeat(12)}${headers.join('')}/${account}${url.pathname}${query.join('')}`
  return { ...signed, Authorization: `SharedKey ${account}:${signedWith(key, 'base64', text)}` }
}

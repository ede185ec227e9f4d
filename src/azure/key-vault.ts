// One Key Vault through @azure/keyvault-secrets, which is loaded with the first call.
// Traps of the client:
// - It corrupts an expiry past 2038-01-19.
// - It turns an error without a body into a TypeError.
// - It sends its first request without the body, only to learn where to get a token, and then sends it again.
//   A second request that is under way at that moment loses its body for good. So there is one client per vault, and it reads
//   before it writes, as a reconcile always does.

import type { TokenCredential } from '@azure/core-auth'
import type { SecretClient, SecretProperties } from '@azure/keyvault-secrets'
import { iso } from '../engine/duration.ts'
import type { Vault } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import { Secret } from '../engine/secret.ts'
import type { StoredSecret } from '../engine/stored-secret.ts'
import { callLimit, type Instant, latestExpiry } from '../engine/target.ts'
import type { AzureClients } from './clients.ts'
import { lazily } from './lazily.ts'
import { rebuild, unreadable } from './service-error.ts'
import { encodeTags, parseTags } from './tags.ts'

/** A secret as the vault's listing shows its current version: tags and dates, but neither value nor version. */
export type ListedSecret = Omit<StoredSecret, 'version' | 'value'>

export interface ListedVault extends Vault {
  /**
   * Every secret of the vault, in pages of at most 25, without values. Stop iterating to stop listing.
   * `GET /secrets`, api-version 2026-04-01. Throws RekeyError.
   */
  listCurrent(signal: AbortSignal): AsyncIterable<readonly ListedSecret[]>
}

/** Exactly the data actions that the calls below need: those of the vault's role in infra/roles. */
export const vaultActions = {
  list: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
  read: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
  publish: 'Microsoft.KeyVault/vaults/secrets/setSecret/action',
  describe: 'Microsoft.KeyVault/vaults/secrets/update/action',
} as const

/** One call to the vault; `what` names it in an error. */
type Call = <T>(what: string, work: (client: SecretClient) => Promise<T>) => Promise<T>

/**
 * The vault at `https://<name>.vault.azure.net`; api-version 2026-04-01. `GET /secrets/{name}[/{version}]`,
 * `GET /secrets/{name}/versions` and `PATCH /secrets/{name}/{version}` are retried, `PUT /secrets/{name}` is sent once.
 */
export function createVault(url: string, azure: AzureClients): ListedVault {
  const place = new URL(url).host
  const opened = lazily(() => open(url, azure))
  const call: Call = async (what, work) => {
    try {
      return await work(await opened())
    } catch (error) {
      throw rebuild(error, `${what} in ${place}`)
    }
  }

  return {
    ...reading(call),
    ...writing(call, place),
    fits: (name, metadata) => {
      encodeTags(metadata)
      expiry(name, metadata.expiresOn)
    },
    listCurrent: (signal) => listCurrent(call, signal),
  }
}

function reading(call: Call): Pick<Vault, 'current' | 'version' | 'versions'> {
  // A disabled version cannot be read, and no earlier one takes its place: its tags are still in the listing.
  async function disabled(name: string, isIt: (version: StoredSecret) => boolean, signal: AbortSignal) {
    const found = (await versionsOf(call, name, signal)).find(isIt)
    return found === undefined ? undefined : { ...found, enabled: false }
  }

  async function get(
    name: string,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<StoredSecret | undefined> {
    const what = `GET secret "${name}"`
    const options = { abortSignal: signal, ...(version === undefined ? {} : { version }) }
    try {
      return await unlessAbsent(
        call(what, async (client) => {
          const { value, properties } = await client.getSecret(name, options)
          if (value === undefined) throw unreadable(what)
          return stored(what, name, properties, value)
        }),
      )
    } catch (error) {
      if (!(error instanceof RekeyError) || error.code !== 'SecretDisabled') throw error
      return await disabled(name, (each) => version === undefined || each.version === version, signal)
    }
  }

  return {
    current: (name, signal) => get(name, undefined, signal),
    version: (name, version, signal) => get(name, version, signal),
    versions: async (name, limit, signal) => (await versionsOf(call, name, signal)).slice(0, limit),
  }
}

/** Every version of a secret, newest first; empty: there is no such secret. */
async function versionsOf(call: Call, name: string, signal: AbortSignal): Promise<readonly StoredSecret[]> {
  const what = `GET versions of secret "${name}"`
  const all = await unlessAbsent(
    call(what, async (client) => {
      const found: SecretProperties[] = []
      // The listing is ordered by the versions' ids, which are random, so the newest may be on any page.
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(callLimit)])
      const pages = client.listPropertiesOfSecretVersions(name, { abortSignal }).byPage({ maxPageSize: 25 })
      for await (const page of pages) {
        abortSignal.throwIfAborted()
        found.push(...page)
      }
      return found
    }),
  )
  return (all ?? []).map((properties) => stored(what, name, properties)).sort(newestFirst)
}

/** `place`: the vault's host name. */
function writing(call: Call, place: string): Pick<Vault, 'publish' | 'describe'> {
  return {
    publish: async (name, value, metadata, signal) => {
      const what = `PUT secret "${name}"`
      const options = {
        abortSignal: signal,
        tags: encodeTags(metadata),
        expiresOn: expiry(name, metadata.expiresOn),
        ...(metadata.contentType === undefined ? {} : { contentType: metadata.contentType }),
      }
      const put = call(what, async (client) => {
        const { properties } = await client.setSecret(name, value.reveal(), options)
        return stored(what, name, properties, value.reveal())
      })
      return await put.catch((error: unknown) => {
        throw recoverable(error, place, name)
      })
    },

    describe: async ({ name, version, value }, metadata, signal) => {
      const what = `PATCH secret "${name}"`
      const options = {
        abortSignal: signal,
        tags: encodeTags(metadata),
        ...(metadata.expiresOn === undefined ? {} : { expiresOn: expiry(name, metadata.expiresOn) }),
      }
      return await call(what, async (client) => {
        const properties = await client.updateSecretProperties(name, version, options)
        return stored(what, name, properties, value?.reveal())
      })
    },
  }
}

/** A deleted secret keeps its name: adds the command that recovers it. Any other error is returned unchanged. */
function recoverable(error: unknown, place: string, name: string): unknown {
  if (!(error instanceof RekeyError) || error.code !== 'SecretDeleted') return error
  const line = `az keyvault secret recover --vault-name ${place.split('.')[0]} --name ${name}`
  return new RekeyError(error.code, {
    ...error.details,
    remedy: `Recover it: ${line}. Or use another secret name in targets.json.`,
  })
}

async function* listCurrent(call: Call, signal: AbortSignal): AsyncGenerator<readonly ListedSecret[]> {
  const what = 'GET secrets'
  const pages = await call(what, async (client) =>
    client.listPropertiesOfSecrets({ abortSignal: signal }).byPage({ maxPageSize: 25 }),
  )
  while (true) {
    const { done, value: page } = await call(what, () => {
      signal.throwIfAborted()
      return pages.next()
    })
    if (done) return
    yield page.map((properties: SecretProperties) => listing(what, properties))
  }
}

async function open(url: string, azure: AzureClients): Promise<SecretClient> {
  const { SecretClient } = await import('@azure/keyvault-secrets')
  // `endpoint` is the resource manager's, and would win over the vault's own address.
  const { endpoint: _, ...options } = azure.sdk((method) => (method === 'PUT' ? 'once' : 'retry'))
  return new SecretClient(url, ourTokensOnly(azure), options)
}

/**
 * A vault's challenge names an authority, a tenant and a resource. Only the tenant is used: the authority is the
 * credential's own, and the token is for vaults of the configured cloud. The client would accept any parent domain as a resource.
 */
function ourTokensOnly({ cloud, credential }: AzureClients): TokenCredential {
  const scopes = [`https://${cloud.vaultSuffix}/.default`]
  return { getToken: async (_, options) => await credential.getToken(scopes, options) }
}

/** Only 404 is absent. */
async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof RekeyError && error.code === 'ResourceNotFound') return undefined
    throw error
  }
}

function stored(what: string, name: string, properties: SecretProperties, value?: string): StoredSecret {
  const { version } = properties
  if (version === undefined) throw unreadable(what)
  // Key Vault can hold an empty value; no service issues empty keys, so it counts as no value.
  return { ...listing(what, { ...properties, name }), version, ...(value ? { value: Secret.of(value) } : {}) }
}

function listing(
  what: string,
  { name, enabled, createdOn, expiresOn, contentType, tags }: SecretProperties,
): ListedSecret {
  if (createdOn === undefined) throw unreadable(what)
  return {
    name,
    enabled: enabled ?? true,
    created: createdOn.getTime(),
    ...(expiresOn === undefined ? {} : { expiresOn: expiresOn.getTime() }),
    ...(contentType === undefined ? {} : { contentType }),
    ...parseTags(tags),
  }
}

// Vault times are whole seconds. Where two are equal, the disabled one goes first: the list is searched for the current
// one only when the vault has said that it is disabled.
function newestFirst(a: StoredSecret, b: StoredSecret): number {
  return b.created - a.created || Number(a.enabled) - Number(b.enabled)
}

function expiry(name: string, expiresOn: Instant): Date {
  if (expiresOn <= latestExpiry) return new Date(expiresOn)
  throw new RekeyError('BadConfiguration', {
    message: `secret "${name}" would expire at ${iso(expiresOn)}, but Rekey stores no expiry after 2038-01-19`,
    remedy: 'Make validFor shorter in targets.json.',
  })
}

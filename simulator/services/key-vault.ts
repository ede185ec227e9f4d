// Room: the simulator. Key Vault's secrets API as the real one speaks it: challenge first, 25 a page, versions in no order of time,
// soft delete, disabled versions. May import simulator files only.

import type { Kernel } from '../kernel.ts'
import { type Call, ConnectionLost, type Operation, type Reply } from '../operations.ts'
import { armResourceId } from './arm.ts'
import {
  type KeyVaultEvent,
  type SecretVersion,
  type StoredSecret,
  type VaultStore,
  vaultStore,
} from './vault-store.ts'

export type { KeyVaultEvent } from './vault-store.ts'

export interface SimulatedVault {
  readonly host: string
  readonly url: string
  readonly resourceId: string
  /** A new current version, as somebody other than the app would make it. Times in milliseconds. Answers its version id. */
  set(
    name: string,
    value: string,
    options?: {
      tags?: Record<string, string>
      expires?: number
      enabled?: boolean
      createdAt?: number
      contentType?: string
    },
  ): string
  /** The current version's value, disabled or not; undefined: no such secret, or deleted. */
  read(name: string): string | undefined
  /** Newest first. */
  versions(name: string): readonly Readonly<SecretVersion>[]
  /** Names of secrets that are not deleted. */
  names(): readonly string[]
  disable(name: string): void
  enable(name: string): void
  delete(name: string): void
  /** Brings a deleted secret back; writes are refused for another `settlingMs`. */
  recover(name: string, settlingMs?: number): void
  /** The expiry events due by the cloud's clock that were not taken yet, oldest first. */
  takeEvents(): KeyVaultEvent[]
}

const apiVersions = ['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01', '2026-04-01']
const pageSize = 25
const secretsAction = 'Microsoft.KeyVault/vaults/secrets'

export function keyVault(kernel: Kernel) {
  const vaults = new Map<string, VaultStore>()
  const storeOf = (call: Call): VaultStore => {
    const store = vaults.get(call.host)
    // A vault that does not exist has no name in DNS either.
    if (!store) throw new ConnectionLost(`there is no vault ${call.host}`)
    return store
  }
  kernel.register(operations(kernel, storeOf))

  return {
    /** The vault at a host name such as `kv-prod.vault.azure.net`; created on first mention. */
    vault(host: string, place: { subscription?: string; group?: string } = {}): SimulatedVault {
      const name = host.toLowerCase()
      const known = vaults.get(name)
      if (known) return vaultHandle(known, kernel)
      const resourceId = armResourceId(place, 'Microsoft.KeyVault/vaults', name.split('.')[0]!)
      const store = vaultStore(name, resourceId, kernel.clock, kernel.dice.fork(`vault ${name}`))
      vaults.set(name, store)
      return vaultHandle(store, kernel)
    },
  }
}

function operations(kernel: Kernel, storeOf: (call: Call) => VaultStore): Operation[] {
  const current = (call: Call): { store: VaultStore; secret: StoredSecret } => {
    const store = storeOf(call)
    const secret = store.find(call.params['name']!)
    if (!secret) throw notFound(call)
    return { store, secret }
  }
  const versionOf = (call: Call, secret: StoredSecret): SecretVersion => {
    const asked = call.params['version']
    const version = asked === undefined ? secret.versions.at(-1) : secret.versions.find(({ id }) => id === asked)
    if (!version) throw notFound(call)
    return version
  }
  const get = (call: Call): Reply => {
    const { store, secret } = current(call)
    const version = versionOf(call, secret)
    if (!version.enabled) {
      throw call.refuse(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', {
        inner: 'SecretDisabled',
      })
    }
    return { status: 200, body: { value: version.value, ...bundle(store, secret, version) } }
  }
  const update = (call: Call): Reply => {
    const { store, secret } = current(call)
    const version = versionOf(call, secret)
    describe(version, parameters(call))
    version.updated = kernel.clock.now()
    return { status: 200, body: bundle(store, secret, version) }
  }
  const set = (call: Call): Reply => {
    const store = storeOf(call)
    const name = call.params['name']!
    const existing = store.secrets.get(name.toLowerCase())
    if (existing?.deletedAt !== undefined) {
      const message = `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`
      throw call.refuse(409, 'Conflict', message, { inner: 'ObjectIsDeletedButRecoverable' })
    }
    if (existing && existing.recoveringUntil > kernel.clock.now()) {
      const message = `Secret ${name} is currently being recovered and cannot be re-created; retry later.`
      throw call.refuse(409, 'Conflict', message, { inner: 'ObjectIsBeingRecovered' })
    }
    const { value, contentType, tags, attributes } = parameters(call)
    if (typeof value !== 'string') throw call.refuse(400, 'BadParameter', 'The parameter value is missing.')
    if (value.length > 25 * 1024) throw call.refuse(400, 'BadParameter', 'The secret value is too long.')
    const { secret, version } = store.put(name, { value, contentType, tags, ...attributes })
    return { status: 200, body: { value: version.value, ...bundle(store, secret, version) } }
  }
  const list = (call: Call): Reply => {
    const store = storeOf(call)
    const live = [...store.secrets.values()].filter(({ deletedAt }) => deletedAt === undefined)
    return page(
      call,
      live,
      ({ name }) => name,
      (secret) => item(store, secret, secret.versions.at(-1)!, false),
    )
  }
  const versions = (call: Call): Reply => {
    const { store, secret } = current(call)
    return page(
      call,
      secret.versions,
      ({ id }) => id,
      (version) => item(store, secret, version, true),
    )
  }
  const remove = (call: Call): Reply => {
    const { store, secret } = current(call)
    secret.deletedAt = kernel.clock.now()
    return { status: 200, body: deletedBundle(store, secret) }
  }
  const deletedOne = (call: Call): { store: VaultStore; secret: StoredSecret } => {
    const store = storeOf(call)
    const secret = store.secrets.get(call.params['name']!.toLowerCase())
    if (secret?.deletedAt === undefined) throw notFound(call)
    return { store, secret }
  }
  const getDeleted = (call: Call): Reply => {
    const { store, secret } = deletedOne(call)
    return { status: 200, body: deletedBundle(store, secret) }
  }
  const recover = (call: Call): Reply => {
    const { store, secret } = deletedOne(call)
    secret.deletedAt = undefined
    return { status: 200, body: bundle(store, secret, secret.versions.at(-1)!) }
  }
  const purge = (call: Call): Reply => {
    const { store, secret } = deletedOne(call)
    store.purge(secret.name)
    return { status: 204 }
  }

  const operation = (
    name: string,
    method: string,
    path: string,
    action: string,
    handle: Operation['handle'],
  ): Operation => ({
    operation: `key-vault/${name}`,
    permission: `${secretsAction}/${action}`,
    scope: (call) => storeOf(call).resourceId + call.url.pathname,
    host: 'key-vault',
    method,
    path,
    apiVersions,
    handle,
  })
  const effect = (it: Operation): Operation => ({ ...it, effect: true })
  return [
    operation('listSecrets', 'GET', '/secrets', 'readMetadata/action', list),
    operation('listVersions', 'GET', '/secrets/:name/versions', 'readMetadata/action', versions),
    operation('getSecret', 'GET', '/secrets/:name', 'getSecret/action', get),
    operation('getSecret', 'GET', '/secrets/:name/:version', 'getSecret/action', get),
    effect(operation('setSecret', 'PUT', '/secrets/:name', 'setSecret/action', set)),
    effect(operation('updateSecret', 'PATCH', '/secrets/:name', 'update/action', update)),
    effect(operation('updateSecret', 'PATCH', '/secrets/:name/:version', 'update/action', update)),
    effect(operation('deleteSecret', 'DELETE', '/secrets/:name', 'delete', remove)),
    operation('getDeletedSecret', 'GET', '/deletedsecrets/:name', 'readMetadata/action', getDeleted),
    effect(operation('recoverSecret', 'POST', '/deletedsecrets/:name/recover', 'recover/action', recover)),
    effect(operation('purgeSecret', 'DELETE', '/deletedsecrets/:name', 'purge/action', purge)),
  ]
}

function notFound(call: Call) {
  const message = `A secret with (name/id) ${call.params['name']}${call.params['version'] ? `/${call.params['version']}` : ''} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command.`
  return call.refuse(404, 'SecretNotFound', message)
}

interface Parameters {
  readonly value?: unknown
  readonly contentType?: string
  readonly tags?: Record<string, string>
  readonly attributes?: { readonly enabled?: boolean; readonly nbf?: number; readonly exp?: number }
}

function parameters(call: Call): Parameters {
  const given = call.json() as Parameters
  const bad = (message: string) => call.refuse(400, 'BadParameter', message)
  const tags = Object.entries(given.tags ?? {})
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(call.params['name']!)) throw bad('The request URI contains an invalid name.')
  if (tags.length > 15) throw bad('A maximum of 15 tags can be specified.')
  for (const [name, value] of tags) {
    if (typeof value !== 'string' || value.length > 512 || name.length > 512)
      throw bad('The tag name or value is invalid.')
  }
  for (const time of [given.attributes?.nbf, given.attributes?.exp]) {
    if (time !== undefined && time !== null && !Number.isInteger(time)) throw bad('Times are Unix seconds.')
  }
  return given
}

/** What is given replaces, what is omitted stays; tags as a whole. */
function describe(version: SecretVersion, { contentType, tags, attributes }: Parameters): void {
  version.contentType = contentType ?? version.contentType
  version.tags = tags ?? version.tags
  version.enabled = attributes?.enabled ?? version.enabled
  version.nbf = attributes?.nbf ?? version.nbf
  version.exp = attributes?.exp ?? version.exp
}

function item(store: VaultStore, secret: StoredSecret, version: SecretVersion, versioned: boolean): object {
  const { contentType, tags, enabled, nbf, exp, created, updated } = version
  return {
    id: `https://${store.host}/secrets/${secret.name}${versioned ? `/${version.id}` : ''}`,
    ...(contentType === undefined ? {} : { contentType }),
    attributes: {
      enabled,
      ...(nbf === undefined ? {} : { nbf }),
      ...(exp === undefined ? {} : { exp }),
      created: Math.floor(created / 1000),
      updated: Math.floor(updated / 1000),
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
    },
    ...(tags === undefined ? {} : { tags }),
  }
}

function bundle(store: VaultStore, secret: StoredSecret, version: SecretVersion): object {
  return item(store, secret, version, true)
}

function deletedBundle(store: VaultStore, secret: StoredSecret): object {
  const deletedDate = Math.floor(secret.deletedAt! / 1000)
  return {
    recoveryId: `https://${store.host}/deletedsecrets/${secret.name}`,
    deletedDate,
    scheduledPurgeDate: deletedDate + 90 * 24 * 60 * 60,
    ...bundle(store, secret, secret.versions.at(-1)!),
  }
}

/** Pages by key rather than by number, so that a write between two pages neither repeats nor skips anybody else. */
function page<T>(call: Call, all: readonly T[], keyOf: (one: T) => string, show: (one: T) => object): Reply {
  const asked = call.query.get('maxresults')
  const size = asked === null ? pageSize : Number(asked)
  if (!Number.isInteger(size) || size < 1 || size > pageSize) {
    throw call.refuse(400, 'BadParameter', 'The value of maxresults is out of range.')
  }
  const after = Buffer.from(call.query.get('$skiptoken') ?? '', 'base64url').toString()
  const rest = all.filter((one) => keyOf(one) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const shown = rest.slice(0, size)
  const link = (last: T) => {
    const query = new URLSearchParams({
      'api-version': call.query.get('api-version')!,
      $skiptoken: Buffer.from(keyOf(last)).toString('base64url'),
      maxresults: String(size),
    })
    return `https://${call.host}:443${call.url.pathname}?${query}`
  }
  const nextLink = rest.length > size ? link(shown.at(-1)!) : null
  return { status: 200, body: { value: shown.map(show), nextLink } }
}

function vaultHandle(store: VaultStore, kernel: Kernel): SimulatedVault {
  const need = (name: string): StoredSecret => {
    const secret = store.secrets.get(name.toLowerCase())
    if (!secret) throw new TypeError(`${store.host} has no secret ${name}`)
    return secret
  }
  const switchTo = (name: string, enabled: boolean): void => {
    const version = need(name).versions.at(-1)!
    version.enabled = enabled
    version.updated = kernel.clock.now()
  }
  return {
    host: store.host,
    url: `https://${store.host}`,
    resourceId: store.resourceId,
    set(name, value, { tags, expires, enabled, createdAt, contentType } = {}) {
      const exp = expires === undefined ? undefined : Math.floor(expires / 1000)
      return store.put(name, { value, tags, contentType, enabled, created: createdAt, exp }).version.id
    },
    read: (name) => store.find(name)?.versions.at(-1)?.value,
    versions: (name) => [...(store.find(name)?.versions ?? [])].reverse(),
    names: () => [...store.secrets.values()].filter((s) => s.deletedAt === undefined).map(({ name }) => name),
    disable: (name) => switchTo(name, false),
    enable: (name) => switchTo(name, true),
    delete: (name) => {
      need(name).deletedAt = kernel.clock.now()
    },
    recover(name, settlingMs = 0) {
      const secret = need(name)
      secret.deletedAt = undefined
      secret.recoveringUntil = kernel.clock.now() + settlingMs
    },
    takeEvents: store.takeEvents,
  }
}

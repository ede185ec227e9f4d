// Key Vault's secrets API as the real one answers: a challenge first, 25 items a page, versions in no order of time,
// soft delete, disabled versions.

import type { Kernel } from '../kernel.ts'
import { type Call, ConnectionLost, type Operation, type Reply } from '../service-operations.ts'
import { armResourceId } from './arm.ts'
import { bundle, deletedBundle, describe, item, page, parameters } from './secret-wire.ts'
import { type SimulatedVault, vaultHandle } from './vault-handle.ts'
import { type SecretVersion, type StoredSecret, type VaultStore, vaultStore } from './vault-store.ts'

export type { SimulatedVault } from './vault-handle.ts'
export type { KeyVaultEvent } from './vault-store.ts'

import type { SimulatedService } from '../simulated-service.ts'

const apiVersions = ['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01', '2026-04-01']
const secretsAction = 'Microsoft.KeyVault/vaults/secrets'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof keyVault> {}
}

export const service: SimulatedService = {
  install: keyVault,
}

function keyVault(kernel: Kernel) {
  const vaults = new Map<string, VaultStore>()
  const storeOf = (call: Call): VaultStore => {
    const store = vaults.get(call.host)
    // The host name of a vault that does not exist is not in DNS either.
    if (!store) throw new ConnectionLost(`the host name ${call.host} does not resolve: no vault has it`)
    return store
  }
  kernel.register(operations(kernel, storeOf))

  return {
    /** The vault at a host name such as `kv-prod.vault.azure.net`; created on first mention. */
    vault(host: string, place: { subscription?: string; group?: string } = {}): SimulatedVault {
      const name = host.toLowerCase()
      const known = vaults.get(name)
      if (known) return vaultHandle(known, kernel.clock)
      const resourceId = armResourceId(place, 'Microsoft.KeyVault/vaults', name.split('.')[0]!)
      const store = vaultStore(name, resourceId, kernel.clock, kernel.dice.fork(`vault ${name}`))
      vaults.set(name, store)
      return vaultHandle(store, kernel.clock)
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
    if (store.purging(name) || kernel.clock.now() < (existing?.deletingUntil ?? 0)) {
      const message = `Secret ${name} is currently being deleted and cannot be re-created; retry later.`
      throw call.refuse(409, 'Conflict', message, { inner: 'ObjectIsBeingDeleted' })
    }
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
    if (Buffer.byteLength(value) > 25 * 1024) throw call.refuse(400, 'BadParameter', 'The secret value is too long.')
    const { secret, version } = store.put(name, { value, contentType, tags, ...attributes })
    return { status: 200, body: { value: version.value, ...bundle(store, secret, version) } }
  }
  const list = (call: Call): Reply => {
    const store = storeOf(call)
    const live = [...store.secrets.values()].filter(({ name }) => store.find(name) !== undefined)
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
    secret.deletingUntil = kernel.clock.now() + call.softDeleteTime
    return { status: 200, body: deletedBundle(store, secret) }
  }
  /** For who changes a deleted secret: not while it is being deleted. */
  const deletedForGood = (call: Call): { store: VaultStore; secret: StoredSecret } => {
    const name = call.params['name']!
    const secret = storeOf(call).secrets.get(name.toLowerCase())
    if (kernel.clock.now() < (secret?.deletingUntil ?? 0)) {
      throw call.refuse(409, 'Conflict', 'Secret is currently being deleted.', { inner: 'ObjectIsBeingDeleted' })
    }
    return deletedOne(call)
  }
  const deletedOne = (call: Call): { store: VaultStore; secret: StoredSecret } => {
    const store = storeOf(call)
    const secret = store.secrets.get(call.params['name']!.toLowerCase())
    if (secret?.deletedAt === undefined || kernel.clock.now() < secret.deletingUntil) throw notFound(call)
    return { store, secret }
  }
  const getDeleted = (call: Call): Reply => {
    const { store, secret } = deletedOne(call)
    return { status: 200, body: deletedBundle(store, secret) }
  }
  const recover = (call: Call): Reply => {
    const { store, secret } = deletedForGood(call)
    const now = kernel.clock.now()
    secret.deletedAt = undefined
    // A recovered secret can be read before it can be written. Clients that wait only until it can be read then fail.
    secret.readableFrom = now + call.softDeleteTime / 2
    secret.recoveringUntil = now + call.softDeleteTime
    return { status: 200, body: bundle(store, secret, secret.versions.at(-1)!) }
  }
  const purge = (call: Call): Reply => {
    const { store, secret } = deletedForGood(call)
    store.purge(secret.name, call.softDeleteTime)
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

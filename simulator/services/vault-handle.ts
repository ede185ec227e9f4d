// The handle tests and demos have on a vault: what a client other than the app does and sees.

import type { SimulatedClock } from '../clock.ts'
import type { KeyVaultEvent, SecretVersion, StoredSecret, VaultStore } from './vault-store.ts'

export interface SimulatedVault {
  readonly host: string
  readonly url: string
  readonly resourceId: string
  /** Writes a new current version, as a client other than the app would. Times in milliseconds. Returns the version id. */
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
  /** Takes the expiry events that are due by the cloud's clock and were not taken yet, oldest first. */
  takeEvents(): KeyVaultEvent[]
}

/** The handle of a vault. */
export function vaultHandle(store: VaultStore, clock: SimulatedClock): SimulatedVault {
  const need = (name: string): StoredSecret => {
    const secret = store.secrets.get(name.toLowerCase())
    if (!secret) throw new TypeError(`${store.host} has no secret ${name}`)
    return secret
  }
  const switchTo = (name: string, enabled: boolean): void => {
    const version = need(name).versions.at(-1)!
    version.enabled = enabled
    version.updated = clock.now()
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
      need(name).deletedAt = clock.now()
    },
    recover(name, settlingMs = 0) {
      const secret = need(name)
      secret.deletedAt = undefined
      secret.deletingUntil = 0
      secret.recoveringUntil = clock.now() + settlingMs
    },
    takeEvents: store.takeEvents,
  }
}

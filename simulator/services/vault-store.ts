// What one key vault holds: secrets, their versions, soft delete, expiry events.

import type { SimulatedClock } from '../clock.ts'
import type { Dice } from '../dice.ts'

export interface SecretVersion {
  /** 32 hex digits, in no order of time. */
  readonly id: string
  readonly value: string
  contentType: string | undefined
  tags: Readonly<Record<string, string>> | undefined
  enabled: boolean
  /** Unix seconds, as on the wire. */
  nbf: number | undefined
  exp: number | undefined
  /** Milliseconds since 1970. */
  readonly created: number
  updated: number
  supersededAt: number | undefined
  readonly reported: Set<ExpiryEventType>
}

export interface StoredSecret {
  readonly name: string
  /** Oldest first. */
  readonly versions: SecretVersion[]
  deletedAt: number | undefined
  /** Until then a deleted secret is listed neither as deleted nor as existing, and can be neither recovered nor purged. */
  deletingUntil: number
  /** From then on a recovered secret can be read again. */
  readableFrom: number
  /** Until then a recovered secret cannot be written. */
  recoveringUntil: number
}

type ExpiryEventType = 'Microsoft.KeyVault.SecretNearExpiry' | 'Microsoft.KeyVault.SecretExpired'

/** A CloudEvents 1.0 envelope, as Event Grid delivers Key Vault's events. */
export interface KeyVaultEvent {
  readonly id: string
  readonly source: string
  readonly type: ExpiryEventType
  readonly subject: string
  readonly time: string
  readonly specversion: '1.0'
  readonly data: {
    readonly Id: string
    readonly VaultName: string
    readonly ObjectType: 'Secret'
    readonly ObjectName: string
    readonly Version: string
    readonly NBF: number | null
    readonly EXP: number | null
  }
}

export interface NewVersion {
  readonly value: string
  readonly contentType?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly enabled?: boolean | undefined
  readonly nbf?: number | undefined
  readonly exp?: number | undefined
  readonly created?: number | undefined
}

export interface VaultStore {
  readonly host: string
  readonly resourceId: string
  /** Lower-case name to secret, deleted ones included. */
  readonly secrets: ReadonlyMap<string, StoredSecret>
  /** A secret that is not deleted. */
  find(name: string): StoredSecret | undefined
  put(name: string, version: NewVersion): { secret: StoredSecret; version: SecretVersion }
  /** The secret is gone at once; its name is free after `ms`. */
  purge(name: string, ms: number): void
  /** Whether a purge still holds the name. */
  purging(name: string): boolean
  takeEvents(): KeyVaultEvent[]
}

const day = 24 * 60 * 60_000
const nearExpiry = 30 * day
/** A version written with less than 30 days to go is reported as near expiry after this time. */
const shortNotice = 5 * 60_000

/** An empty vault. `resourceId` names it in its events. */
export function vaultStore(host: string, resourceId: string, clock: SimulatedClock, dice: Dice): VaultStore {
  const secrets = new Map<string, StoredSecret>()
  const purgedUntil = new Map<string, number>()
  return {
    host,
    resourceId,
    secrets,
    find(name) {
      const secret = secrets.get(name.toLowerCase())
      const there = secret?.deletedAt === undefined && clock.now() >= (secret?.readableFrom ?? 0)
      return there ? secret : undefined
    },
    put(name, { value, contentType, tags, enabled = true, nbf, exp, created = clock.now() }) {
      const secret = secrets.get(name.toLowerCase()) ?? newSecret(name)
      const last = secret.versions.at(-1)
      if (last) last.supersededAt = clock.now()
      const version: SecretVersion = {
        id: dice.hex(32),
        value,
        contentType,
        tags,
        enabled,
        nbf,
        exp,
        created,
        updated: created,
        supersededAt: undefined,
        reported: new Set(),
      }
      secret.versions.push(version)
      secrets.set(name.toLowerCase(), secret)
      return { secret, version }
    },
    purge(name, ms) {
      secrets.delete(name.toLowerCase())
      purgedUntil.set(name.toLowerCase(), clock.now() + ms)
    },
    purging: (name) => clock.now() < (purgedUntil.get(name.toLowerCase()) ?? 0),
    takeEvents() {
      const due = [...secrets.values()].flatMap((secret) => dueEvents(secret, clock.now()))
      due.sort((a, b) => a.at - b.at)
      return due.map(({ secret, version, type, at }) => {
        version.reported.add(type)
        return keyVaultEvent(host, resourceId, secret, version, type, at, dice.uuid())
      })
    },
  }
}

function newSecret(name: string): StoredSecret {
  return { name, versions: [], deletedAt: undefined, deletingUntil: 0, readableFrom: 0, recoveringUntil: 0 }
}

interface DueEvent {
  readonly secret: StoredSecret
  readonly version: SecretVersion
  readonly type: ExpiryEventType
  readonly at: number
}

/** Once per version, and only while it is the current one. */
function dueEvents(secret: StoredSecret, now: number): DueEvent[] {
  if (secret.deletedAt !== undefined) return []
  return secret.versions.flatMap((version) => {
    if (version.exp === undefined) return []
    const expiresAt = version.exp * 1000
    const events: DueEvent[] = [
      {
        secret,
        version,
        type: 'Microsoft.KeyVault.SecretNearExpiry',
        at: Math.max(expiresAt - nearExpiry, version.created + shortNotice),
      },
      {
        secret,
        version,
        type: 'Microsoft.KeyVault.SecretExpired',
        at: Math.max(expiresAt, version.created + shortNotice),
      },
    ]
    return events.filter(
      ({ at, type }) =>
        at <= now &&
        at < (version.supersededAt ?? Number.POSITIVE_INFINITY) &&
        !version.reported.has(type) &&
        !(type === 'Microsoft.KeyVault.SecretNearExpiry' && at >= expiresAt),
    )
  })
}

function keyVaultEvent(
  host: string,
  source: string,
  secret: StoredSecret,
  version: SecretVersion,
  type: ExpiryEventType,
  at: number,
  id: string,
): KeyVaultEvent {
  return {
    id,
    source,
    type,
    subject: secret.name,
    time: new Date(at).toISOString(),
    specversion: '1.0',
    data: {
      Id: `https://${host}/secrets/${secret.name}/${version.id}`,
      VaultName: host.split('.')[0]!,
      ObjectType: 'Secret',
      ObjectName: secret.name,
      Version: version.id,
      NBF: version.nbf ?? null,
      EXP: version.exp ?? null,
    },
  }
}

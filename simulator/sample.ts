// What a simulated service exports as `sample`, for the tests that run over every service.

import type { Cloud, ServiceHandle } from './cloud.ts'
import type { SimulatedVault } from './services/vault-handle.ts'

export interface Member {
  /** The service's own fields of a target in targets.json. */
  readonly fields: Readonly<Record<string, string>>
  readonly handle: ServiceHandle
}

/** Exported as `sample` by simulator/services/<id>.ts, `<id>` being what targets.json calls the service. */
export interface Sample {
  /** Adds a resource to the cloud. Each can have others beside it; `name` distinguishes them. */
  add(cloud: Cloud, name?: string): Member
  /** Where targets may be of several types, or are answered in several ways: a resource of each further type or way. What their calls need is declared, too. */
  readonly others?: readonly Sample['add'][]
  /** The operation that reads the keys. */
  readonly read: string
  /** The operation that makes a key. */
  readonly regenerate: string
  /** The operation whose answer has the new key. Default: `regenerate`. */
  readonly answersNewKey?: string
  /** The answer to a regenerate has no body: nothing of it can be cut short. */
  readonly answersNothing?: true
  /** The operation that reads `disableLocalAuth`. Absent: the service has no such switch, or refuses for it by name. */
  readonly describes?: string
  /** In its place, where keys are listed and made although they are switched off: the operation, which comes before each regenerate. */
  readonly describesFirst?: string
  /** The statuses with which its data plane refuses a key, whatever else the answer says. Default: 401. */
  readonly refusesWith?: readonly number[]
  /** api-versions of Resource Manager and data planes with which keys are read and made. */
  readonly apiVersions: readonly string[]
  /** The operations of one rotation, in order, between reading the keys and handing the new one out, with the probe. */
  readonly rotation: readonly string[]
  /** What else a rotation asks of the storage account while it holds the lease, in any order. */
  readonly storage?: readonly string[]
  /** What the service adds to the fleet of `npm start`. Default: one resource, with one target that is due. */
  estate?(estate: SampleEstate): readonly SampleTarget[]
}

/** Where the fleet of `npm start` is put. */
export interface SampleEstate {
  readonly cloud: Cloud
  readonly vault: SimulatedVault
  /** Milliseconds since 1970. */
  readonly now: number
  /** Where its resources are. */
  readonly group: { readonly subscription: string; readonly group: string }
  /** Puts secrets into the vault as Rekey would have left them; they expire 90 days after they were made. */
  leave(left: Left): void
  /** The same, of an age at which they are due and not overdue. */
  due(left: Omit<Left, 'age'>): void
}

/** Secrets' current versions as Rekey would have left them. */
export interface Left {
  readonly target: string
  readonly slot: string
  /** The value of the tag `ProviderAddress`. */
  readonly address: string
  /** Secret → value. */
  readonly values: Readonly<Record<string, string>>
  /** How long ago, in milliseconds. */
  readonly age: number
}

/** One target of targets.json, of the provider that the file is named after. */
export interface SampleTarget {
  readonly name: string
  /** The service's own fields. */
  readonly fields: Readonly<Record<string, string>>
  /** Secret → output. */
  readonly secrets: Readonly<Record<string, string>>
  /** The result of its first round. Default `changed`. */
  readonly expected?: 'changed' | 'current' | 'paused'
  /** The name of its lease, if it was held long ago. */
  readonly lease?: string
}

/** As Microsoft's rotation tutorial writes them. */
export function tutorialTags(slot: string, address: string): Record<string, string> {
  return { CredentialId: slot, ProviderAddress: address, ValidityPeriodDays: '90' }
}

// The shape that every one of them has; index.ts is the registry.

import type * as z from 'zod/mini'
import type { AzureClients } from '../azure/clients.ts'
import type { KeySlot } from '../engine/key-ring.ts'
import type { Allowance } from '../engine/pace.ts'
import type { KeyHolder, Log } from '../engine/ports.ts'
import type { Duration, Instant } from '../engine/target.ts'

/** One right that a provider's calls need. */
export interface Permission {
  /** `action`/`dataAction`: an Azure role's; `appRole`: an application permission of Microsoft Graph. */
  readonly kind: 'action' | 'dataAction' | 'appRole'
  readonly name: string
  /** What it is for, in a few words: docs and the doctor print it. */
  readonly why: string
}

/** Where a target's credential lives: for tags, leases, permission checks and pacing. */
export interface Place {
  /** As people and Microsoft's templates name it: the ARM id, or `<hub>/devices/<id>`. Goes into `ProviderAddress`. */
  readonly address: string
  /** One credential, one name: two targets with the same one are refused. Compared without case. */
  readonly credential: string
  /** Who may not change things at the same time. The credential's name, but for `iot-hub-policy` the hub's: a write replaces it whole. */
  readonly lease: string
  /** Whose write budget its calls draw on: the subscription id, or the host of a data plane. */
  readonly budget: string
  /** The ARM scope on which permissions can be asked for, where there is one. */
  readonly scope?: string
  /** Where there is no `scope`: the `az … show` command, without `--query`, of the resource at which the rights are granted. */
  readonly shownBy?: string
}

/** Suffixes of host names in each cloud, without a leading dot; a name that equals one is a host of the service, too. */
export type ServiceHosts = Readonly<Record<AzureClients['cloud']['name'], readonly string[]>>

/** How its rights are granted. */
export interface Grant {
  /** Follows "Rekey: " in the name of the custom role. Of an application permission, which has no role: what it is for. */
  readonly title: string
  /** Type of the ARM resource at which the role is assigned. Absent: the rights are application permissions. */
  readonly resourceType?: string
  /** What it allows beyond the provider's calls, as sentences for docs/security.md. */
  readonly caution?: string
}

/** What Resource Graph says of the keys of one resource. */
export interface KeyFacts {
  /** Whether keys are let in at all. Absent: it does not say. */
  readonly localAuth?: boolean
  /** When the older of the keys was created. Absent: it does not say of each of them. */
  readonly oldestKeyAt?: Instant
  /** How old the resource's own policy lets a key become, in days. */
  readonly keyPolicyDays?: number
}

/** A resource as Resource Graph shows it. */
export interface ShownResource {
  readonly name: string
  /** Those that were asked for, as far as the resource has them. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** How the resources of the provider's targets are found, and become targets. */
export interface Discovery {
  /** What Resource Graph shows: a resource that has keys, or the outermost one that it belongs to. */
  readonly type: string
  /** What `facts` reads of the resource's `properties`, by name. */
  readonly properties: readonly string[]
  /** Undefined: the properties are not as expected. */
  facts(resource: ShownResource): KeyFacts | undefined
  /** The provider's own fields of a target that has the keys of the resource with this id. */
  fields(id: string): Readonly<Record<string, string>>
  /** What an operator has to know or choose before the target can be used. */
  readonly note?: string
}

export interface OutputLifetime {
  readonly output: string
  readonly field: string
  readonly lifetime: Duration
}

/** The schema of a provider's own fields: a strict object. */
export type ResourceSchema<Shape extends z.core.$ZodShape> = z.core.$ZodObject<Shape, z.core.$strict> &
  Pick<z.ZodMiniObject<Shape, z.core.$strict>, 'shape' | 'parse' | 'safeParse'>

export interface KeyProvider<Resource = unknown> {
  readonly id: string
  /** What people call the service. */
  readonly title: string
  /** Two at most: what is remembered of a change knows one key beside the active one. */
  readonly slots: readonly [KeySlot] | readonly [KeySlot, KeySlot]
  /** Every output a secret may hold; `constant` ones are the same for all slots and cannot be the lead. */
  readonly outputs: Readonly<Record<string, 'secret' | 'constant'>>
  /** Outputs that a target can have only with one of the provider's own fields: output → field. */
  readonly fieldOfOutput?: Readonly<Record<string, string>>
  /** Where an output ends by itself, counted from its key's creation: which one, after how long, and the field that says so. */
  lifetime?(resource: Resource): OutputLifetime | undefined
  /** Parses the provider's own fields of a target in targets.json, and validates names and ids. */
  readonly resource: ResourceSchema<z.core.$ZodShape>
  /** Exactly what its calls need; Bicep, docs and health read this. */
  readonly actions: readonly Permission[]
  readonly grant: Grant
  /** What it goes without where it is not granted. No role of ours holds these: their scope is wider than the resource. */
  readonly optional?: readonly Permission[]
  /** Absent: Resource Graph does not show the service's resources. */
  readonly discovery?: Discovery
  /**
   * Operations of Resource Manager that may change its keys, beside those called regenerate…: writes that carry keys, or make a rule of the
   * same name anew. An event of one of them causes a comparison.
   */
  readonly keyWrites?: readonly string[]
  /** Clouds in which the service exists. */
  readonly clouds: readonly AzureClients['cloud']['name'][]
  /** Of the service's data plane: keys, and what is signed with them, go to no other host. Absent: it has no probe. */
  readonly hosts?: ServiceHosts
  /** Its regenerate runs for minutes: HTTP answers 202 rather than wait. */
  readonly longRunning?: true
  /** What it can do beside regenerating. */
  readonly can: { readonly swap?: true; readonly probe?: true; readonly atOnce?: true }
  /** Control-plane writes (POSTs included) of one rotation at most, for pacing: one that lists the keys, and those that make a new one. */
  readonly writes: number
  /** How fast a tick may spend `Place.budget`: at most half of what the service allows. One budget has one allowance. */
  readonly allowance: Allowance
  /** Whose limit that is, for docs/reference/numbers.md. */
  readonly limit: string
  place(resource: Resource): Place
  /**
   * `outputs`: those that the target's secrets hold; what costs a call and no secret needs is left out. Absent: all.
   * `log`: for what a verdict cannot say, such as why a key was not probed; its lines name the target already.
   */
  open(resource: Resource, azure: AzureClients, outputs?: readonly string[], log?: Log): KeyHolder
}

/** Keeps the resource's type between `resource`, `place` and `open` of one provider, and forgets it outside. */
export function defineProvider<Shape extends z.core.$ZodShape>(
  provider: Omit<KeyProvider, 'resource' | 'lifetime' | 'place' | 'open'> & {
    readonly resource: ResourceSchema<Shape>
    lifetime?(resource: z.output<ResourceSchema<Shape>>): OutputLifetime | undefined
    place(resource: z.output<ResourceSchema<Shape>>): Place
    open(
      resource: z.output<ResourceSchema<Shape>>,
      azure: AzureClients,
      outputs?: readonly string[],
      log?: Log,
    ): KeyHolder
  },
): KeyProvider {
  return provider as unknown as KeyProvider
}

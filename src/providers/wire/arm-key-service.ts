// What a service of Resource Manager with listed and regenerated keys declares. arm-keys.ts makes a provider of it.

import type * as z from 'zod/mini'
import type { AzureClients, CommandRequest, RawRequest } from '../../azure/clients.ts'
import type { Credential, KeyRing, KeySlot } from '../../engine/key-ring.ts'
import type { Allowance } from '../../engine/pace.ts'
import type { Verdict } from '../../engine/ports.ts'
import type { Secret } from '../../engine/secret.ts'
import type { Duration, Instant } from '../../engine/target.ts'
import type { KeyProvider, OutputLifetime } from '../provider.ts'
import type { ArmId, ArmTypes } from './arm-id.ts'
import type { Judge } from './verdict.ts'

/** The resource of one target. */
export interface ArmTarget<Fields> {
  readonly id: ArmId
  /** Those that the service adds to a target. */
  readonly fields: Fields
  readonly cloud: AzureClients['cloud']
}

/** A POST below the resource's id. */
export interface ArmRequest {
  /** `/regenerateKey` */
  readonly path: string
  /** Below the id of the outermost resource instead. */
  readonly at?: 'top'
  /** Sent as JSON; a secret in it is shown when it is sent. */
  readonly body?: unknown
}

/** The right of a call: one, or one for each type that a target's resource may have; of a regenerate, or one for each slot of each type. */
export type ArmRight = string | Readonly<Record<string, string | Readonly<Record<KeySlot, string>>>>

export interface ArmKeyService<Shape extends z.core.$ZodShape, Listing, Description, Addition = never>
  extends Pick<
    KeyProvider,
    'id' | 'title' | 'slots' | 'outputs' | 'fieldOfOutput' | 'clouds' | 'hosts' | 'optional' | 'keyWrites'
  > {
  /** The types that the target's `resource` may have. */
  readonly types: ArmTypes
  /** What a target has beside `resource`. */
  readonly fields?: Shape
  /** What is wrong with a target whose fields are each valid, and with which of them. Undefined: nothing. */
  objection?(
    id: ArmId,
    fields: z.output<z.core.$ZodObject<Shape>>,
  ): { readonly field: string; readonly message: string } | undefined
  /** Where several credentials are in one resource: which one this is. They share the resource's lease. Undefined: the resource's own. */
  credential?(fields: z.output<z.core.$ZodObject<Shape>>): string | undefined
  /** What follows the resource's id in `ProviderAddress`, where a secret that holds another credential of it must not pass for this one's. */
  address?(fields: z.output<z.core.$ZodObject<Shape>>): string | undefined
  readonly apiVersion: string
  /** Follows "Rekey: " in the name of the role. */
  readonly grant: string
  /** A limit of the service's own, per subscription; `limit` says whose it is. Absent: that of Resource Manager. */
  readonly budget?: { readonly name: string; readonly limit: string; readonly allowance: Allowance }
  /** Writes of one rotation, POSTs included, where they are more than the listing and the regenerate: what reads the new key back lists again. */
  readonly writes?: number
  /** Where the service names its errors in places of its own, and what they mean. */
  readonly errorCodes?: NonNullable<RawRequest['errorCodes']>
  /** The field of a connection string that holds the key. */
  readonly keyField?: string
  /**
   * Where its keys are below the resource that Resource Graph shows: what follows the id of that in a target, and what an operator must know of
   * it. `none`: nothing is proposed. Absent: the keys are that resource's own.
   */
  readonly discovery?: { readonly below: string; readonly note: string } | 'none'

  readonly list: {
    readonly right: ArmRight
    request(target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>): ArmRequest
    /** The fields of the answer that are used. */
    readonly answer: z.core.$ZodType<Listing>
    /** When a slot's present key was created, where the listing says that. Otherwise `describe` may say it. */
    createdAt?(
      listing: Listing,
      slot: KeySlot,
      target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>,
    ): Instant | undefined
  }
  /**
   * A POST beside the listing, for outputs that only it answers. Made once for a reconcile, and only where a secret holds one of
   * `outputs`.
   */
  readonly addition?: {
    readonly outputs: readonly string[]
    readonly right: string
    /** What the right is for. */
    readonly why: string
    /** Undefined: this target cannot have the outputs. */
    request(target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>): ArmRequest | undefined
    readonly answer: z.core.$ZodType<Addition>
  }
  /**
   * What a listing says: every slot, with every output that is wanted. `addition`: present where it was asked for; `description`: where
   * one of `describe.outputs` is wanted. Pure.
   */
  ring(
    listing: Listing,
    target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>,
    addition: Addition | undefined,
    description: Description | undefined,
  ): KeyRing

  /** For an output that ends by itself, however long its key works. */
  readonly ending?: {
    /** Undefined: the target has no such output. */
    lifetime(fields: z.output<z.core.$ZodObject<Shape>>): OutputLifetime | undefined
    /** From when on that counts: the creation of the slot's key, as the listing says it. */
    startsAt(listing: Listing, slot: KeySlot): Instant | undefined
  }

  readonly regenerate: {
    readonly right: ArmRight
    /** `listing`: what the last one said, for services that want an id from it. */
    request(slot: KeySlot, target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>, listing: Listing): ArmRequest
    /**
     * What a successful answer has: a whole `listing`; `nothing` that is of use, so that keys are listed until one has changed; or the
     * one slot, read by a function of the body. A 202 has nothing of use, whatever is declared: the change goes on.
     */
    readonly answer:
      | 'listing'
      | 'nothing'
      | ((body: unknown, slot: KeySlot, target: ArmTarget<z.output<z.core.$ZodObject<Shape>>>) => Credential)
    /** The same request, for a key that the service is given. With it, the two slots can be swapped. */
    given?(request: ArmRequest, key: Secret): ArmRequest
  }

  /** GET of the resource, or of the outermost one that it belongs to; asked for when it is needed. */
  readonly describe?: {
    readonly at?: 'top'
    readonly right: string
    /** What the right is for. */
    readonly why: string
    /** The outermost resource is read as well. It is the field `top` of what `answer` parses. */
    readonly top?: { readonly right: string; readonly why: string }
    readonly answer: z.core.$ZodType<Description>
    /** Those that only it answers. Made once for a reconcile, and only where a secret holds one of them. */
    readonly outputs?: readonly string[]
    /** Whether the resource refuses its keys. Asked after a refusal. */
    isKeyUseDisabled?(description: Description): boolean
    /**
     * Asked before each regenerate as well, which costs a call: Resource Manager may make keys that the resource refuses, and nothing is
     * sent while a change of it is under way.
     */
    readonly askedFirst?: true
    /** How an operator lets its keys in: `disableLocalAuth: false`. */
    readonly enabledBy?: string
    /** For services whose regenerate goes on after its answer. */
    readonly operation?: {
      /** Whether the resource says that a change is under way. */
      isUnderWay(description: Description): boolean
      /** How long one may take. */
      readonly limit: Duration
      /** A regenerate usually ends with its answer, so HTTP waits for it. */
      readonly isShort?: true
      /** The right to see its status, where that belongs to the resource. Without it the resource itself is asked. */
      readonly status?: { readonly right: string; readonly why: string }
    }
    /** When a slot's present key was created, as the resource says it: so a regenerate that went on after its call is not sent again. */
    createdAt?(
      description: Description,
      slot: KeySlot,
      target: Pick<ArmTarget<z.output<z.core.$ZodObject<Shape>>>, 'fields'>,
    ): Instant | undefined
    /** How old the resource's own policy lets a key become, in days. */
    keyPolicyDays?(description: Description): number | undefined
  }

  readonly probe?: {
    /** The types whose keys can be tried. Absent: all of the service's. */
    readonly types?: readonly string[]
    /** It needs the description, which costs a call. */
    readonly needsDescription?: true
  } & (
    | {
        /** The request that shows a key. Undefined: there is none for this resource. */
        request(shown: ShownKey<z.output<z.core.$ZodObject<Shape>>, Description>): ProbeRequest | undefined
        readonly judge: Judge
      }
    | {
        /** For what one request does not answer: several of them, each sent with `show`, or another protocol. Never throws for an answer. */
        ask(
          shown: ShownKey<z.output<z.core.$ZodObject<Shape>>, Description>,
          show: (request: ProbeRequest, judge: Judge) => Promise<Verdict>,
          signal: AbortSignal,
          /** Sends commands to one of `hosts`. Undefined: they were not sent, or got no reply. */
          command: (commands: ProbeCommands) => Promise<readonly string[] | undefined>,
        ): Promise<Verdict>
      }
  )
}

/** A key that is tried. */
export interface ShownKey<Fields, Description> {
  readonly key: Secret
  /** All that there is of it: the key alone, its connection string alone, or both. */
  readonly credential: Credential
  /** The keys as the service lists them; undefined: they could not be listed. Costs a call where they have not been listed yet. */
  listed(): Promise<KeyRing | undefined>
  readonly target: ArmTarget<Fields>
  /** Present where it is needed and could be read. */
  readonly description: Description | undefined
  readonly now: Instant
}

export interface ProbeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** `https://<host>/`, below one of the service's `hosts`: elsewhere nothing is sent. */
  readonly endpoint: string
  /** With its query. */
  readonly path: string
  /** Of the address that is sent, so that a signature can cover it. A key itself may be a header. */
  headers(url: URL): Readonly<Record<string, string | Secret>>
}

/** For services that speak RESP over TLS. */
export type ProbeCommands = Pick<CommandRequest, 'host' | 'port' | 'commands'>

/** Every right of a call, whatever the type of the resource. */
export function rightsIn(right: ArmRight): readonly string[] {
  return typeof right === 'string' ? [right] : Object.values(right).flatMap((each) => rightsIn(each))
}

/** The right of a call on this resource. */
export function rightFor(right: ArmRight, { type }: ArmId, slot?: KeySlot): string {
  const ofType = typeof right === 'string' ? right : right[type]!
  return typeof ofType === 'string' ? ofType : ofType[slot!]!
}

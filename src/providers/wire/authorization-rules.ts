// Authorization rules of the messaging services: two keys that sign SAS tokens, each with a connection string. Service Bus, Event
// Hubs, Relay and Notification Hubs have them at their namespace and at its queues, topics, hubs and connections.

import * as z from 'zod/mini'
import type { Credential, KeyRing, KeySlot } from '../../engine/key-ring.ts'
import type { Secret } from '../../engine/secret.ts'
import { type Instant, minutes } from '../../engine/target.ts'
import type { KeyProvider, ServiceHosts } from '../provider.ts'
import { secretText } from './answer.ts'
import type { ArmId, ArmType, NameRule } from './arm-id.ts'
import type { ArmKeyService, ArmTarget, ProbeRequest } from './arm-key-service.ts'
import { armKeyProvider } from './arm-keys.ts'
import { addressIn, withField } from './connection-string.ts'
import { sharedAccessSignature } from './sas.ts'
import { type Judge, judgedBy } from './verdict.ts'

/** Every namespace of these services has a host below one of these. */
const messagingHosts: ServiceHosts = {
  public: ['servicebus.windows.net'],
  usgov: ['servicebus.usgovcloudapi.net'],
  china: ['servicebus.chinacloudapi.cn'],
}

const namespaceName: NameRule = {
  name: /^[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]$/,
  rule: '6 to 50 letters, digits or -, beginning with a letter and ending with a letter or digit',
  example: 'my-namespace',
}
const ruleName: NameRule = {
  name: /^[A-Za-z0-9](?:[\w.-]{0,254}[A-Za-z0-9])?$/,
  rule: '1 to 256 letters, digits, ., - or _, with a letter or digit at both ends',
  example: 'send',
}

/** Where a service has rules: at its namespace, and at parts of it. */
interface RulePlaces {
  /** `Microsoft.ServiceBus` */
  readonly namespace: string
  /** As the rights spell them: `queues`. */
  readonly parts: Readonly<Record<string, NameRule>>
}

/** The types of the rules, that of the namespace first. */
function ruleTypes({ namespace, parts }: RulePlaces): readonly [ArmType, ...ArmType[]] {
  const ofParts = Object.entries(parts).map(
    ([part, name]): ArmType => ({
      type: `${namespace}/namespaces/${part}/authorizationRules`,
      above: [namespaceName, name],
      ...ruleName,
    }),
  )
  return [{ type: `${namespace}/namespaces/authorizationRules`, above: [namespaceName], ...ruleName }, ...ofParts]
}

/** The right of one action on the rules of each type. */
function rightsTo(action: string, places: RulePlaces): Readonly<Record<string, string>> {
  return Object.fromEntries(ruleTypes(places).map(({ type }) => [type, `${type}/${action}/action`]))
}

const Keys = z.object({
  primaryKey: secretText,
  secondaryKey: secretText,
  primaryConnectionString: secretText,
  secondaryConnectionString: secretText,
})
type Keys = z.output<typeof Keys>

const Alias = z.object({ aliasPrimaryConnectionString: secretText })
type Alias = z.output<typeof Alias>

/** With Geo-DR: the pair of namespaces, of which one answers at a time. */
const aliasField = {
  alias: z
    .optional(z.string().check(z.regex(namespaceName.name, `an alias is ${namespaceName.rule}`)))
    .register(z.globalRegistry, {
      description: 'Name of the disaster recovery configuration, for the output aliasConnectionString',
      examples: ['my-alias'],
    }),
}
type AliasField = typeof aliasField

type Declared = Pick<KeyProvider, 'id' | 'title' | 'clouds'> & {
  readonly places: RulePlaces
  readonly apiVersion: string
  /** Follows "Rekey: " in the name of the role. */
  readonly grant: string
  /** What names the slot in the body of a regenerate. */
  readonly slotField: 'keyType' | 'policyKey'
  /** A regenerate can be given the key: then the two slots can be swapped. */
  readonly takesKeys?: true
  /** Its namespaces say whether they accept keys at all. */
  readonly hasLocalAuth?: true
  /** What its data plane lists to whoever may manage it: `queues`. Absent: it has no probe. */
  readonly probe?: { readonly lists: string; readonly apiVersion: string }
}

/** The provider of a messaging service without Geo-DR. */
export function authorizationRules(declared: Declared): KeyProvider {
  return armKeyProvider(rulesOf(declared))
}

/** The same with Geo-DR: `alias` is a field, and `aliasConnectionString` an output. */
export function authorizationRulesWithAlias(declared: Declared): KeyProvider {
  const { namespace } = declared.places
  const plain = rulesOf(declared)
  return armKeyProvider<AliasField, Keys, Namespace, Alias>({
    ...plain,
    outputs: { ...plain.outputs, aliasConnectionString: 'secret' },
    fields: aliasField,
    fieldOfOutput: { aliasConnectionString: 'alias' },
    objection: (id, { alias }) =>
      alias !== undefined && isOfPart(id)
        ? {
            field: 'alias',
            message: 'is for rules of the namespace itself: those of its parts have no connection string of the alias',
          }
        : undefined,
    addition: {
      outputs: ['aliasConnectionString'],
      right: `${namespace}/namespaces/disasterRecoveryConfigs/authorizationRules/listkeys/action`,
      why: 'read where the alias of paired namespaces is',
      request: ({ id, fields: { alias } }) =>
        alias === undefined
          ? undefined
          : {
              path: `/disasterRecoveryConfigs/${encodeURIComponent(alias)}/authorizationRules/${encodeURIComponent(id.name)}/listKeys`,
              at: 'top',
            },
      answer: Alias,
    },
    ring: (keys, _target, alias) => ringOf(keys, alias),
  })
}

const Namespace = z.object({ properties: z.optional(z.object({ disableLocalAuth: z.nullish(z.boolean()) })) })
type Namespace = z.output<typeof Namespace>

function rulesOf(declared: Declared): ArmKeyService<Record<never, never>, Keys, Namespace, Alias> {
  const { id, title, clouds, places, apiVersion, grant, slotField, takesKeys, hasLocalAuth, probe } = declared
  return {
    id,
    title,
    clouds,
    slots: ['primary', 'secondary'],
    outputs: { key: 'secret', connectionString: 'secret' },
    types: ruleTypes(places),
    // A rule that was deleted and made again has new keys.
    keyWrites: ruleTypes(places).map(({ type }) => `${type}/write`),
    apiVersion,
    grant,
    errorCodes: { texts, means },
    keyField: 'SharedAccessKey',
    discovery: {
      below: '/authorizationRules/RootManageSharedAccessKey',
      note: 'Every namespace is made with this rule, which allows everything. Name the rule that your consumers use: each rule is a target of its own.',
    },
    list: { right: rightsTo('listkeys', places), request: () => ({ path: '/listKeys' }), answer: Keys },
    ring: (keys) => ringOf(keys, undefined),
    regenerate: {
      right: rightsTo('regenerateKeys', places),
      request: (slot) => ({ path: '/regenerateKeys', body: { [slotField]: nameOf(slot) } }),
      answer: 'listing',
      ...(takesKeys ? { given: ({ path, body }, key) => ({ path, body: { ...(body as object), key } }) } : {}),
    },
    ...(hasLocalAuth
      ? {
          describe: {
            at: 'top',
            right: `${places.namespace}/namespaces/read`,
            why: 'see whether the namespace accepts keys at all',
            answer: Namespace,
            isKeyUseDisabled: ({ properties }) => properties?.disableLocalAuth === true,
            askedFirst: true,
          },
        }
      : {}),
    ...(probe === undefined
      ? {}
      : {
          hosts: messagingHosts,
          probe: {
            // A key of a part is not let in here, good or bad, and what is sent to a part itself may reach a customer.
            types: [`${places.namespace}/namespaces/authorizationRules`],
            request: ({ key, target, now }) => probeRequest(probe, target, key, now),
            judge,
          },
        }),
  }
}

/** The services' own words, where a status alone would mislead. */
const texts: readonly (readonly [RegExp, string])[] = [
  // Answered with 429, like a limit; it is a change of the same rule that goes on.
  [/Sub ?code=4090[01]\b|conflicting operation|conflicted with another request|Another update request/i, 'Conflict'],
  // Answered with 401, like a missing right.
  [/operation on the Secondary namespace/i, 'SecondaryNamespace'],
]
const means = {
  Conflict: 'ServiceBusy',
  SecondaryNamespace: {
    code: 'ServiceRefused',
    what: 'refused, because this is the secondary namespace of a Geo-DR pair, whose keys come from the primary one',
    remedy: 'Write the rule of the primary namespace in targets.json.',
  },
} as const

/**
 * 401 has many reasons, which its text distinguishes. `Manage,EntityRead claims required`, or `Manage claim is required`: the key is valid, and its rule
 * may not list. `claim is empty`: a bad key, or a valid one of a rule that may do nothing here.
 */
const judge: Judge = judgedBy(
  { status: 401, text: /InvalidSignature|40103|Invalid authorization token signature/i, is: 'refused' },
  { status: 401, text: /claims? (?:is )?required for this operation/i, is: 'accepted' },
  { status: 401, text: /claim is empty or token is invalid/i, is: 'ambiguous' },
)

/** GET of a list's first entry, signed for the whole namespace. What it answers is dropped. */
function probeRequest(
  { lists, apiVersion }: NonNullable<Declared['probe']>,
  { id: { name, names }, cloud }: Pick<ArmTarget<unknown>, 'id' | 'cloud'>,
  key: Secret,
  now: Instant,
): ProbeRequest {
  const endpoint = `https://${names[0].toLowerCase()}.${messagingHosts[cloud.name][0]}/`
  const signed = { resource: endpoint, policy: name, key, bytes: 'utf8' } as const
  return {
    method: 'GET',
    endpoint,
    path: `/$Resources/${lists}?api-version=${apiVersion}&$top=1`,
    headers: () => ({ Authorization: sharedAccessSignature(signed, now + minutes(5)) }),
  }
}

/** `addition`: says where the alias is; the keys are those of the listing, so that one ring is of one moment. */
function ringOf(keys: Keys, addition: Alias | undefined): KeyRing {
  const endpoint = addition && addressIn(addition.aliasPrimaryConnectionString, 'Endpoint')
  const credential = (key: Secret, connectionString: Secret): Credential => ({
    key,
    connectionString,
    ...(endpoint === undefined ? {} : { aliasConnectionString: withField(connectionString, 'Endpoint', endpoint) }),
  })
  return {
    primary: credential(keys.primaryKey, keys.primaryConnectionString),
    secondary: credential(keys.secondaryKey, keys.secondaryConnectionString),
  }
}

function nameOf(slot: KeySlot): 'PrimaryKey' | 'SecondaryKey' {
  return slot === 'primary' ? 'PrimaryKey' : 'SecondaryKey'
}

/** A rule of a queue, a topic or the like. */
function isOfPart({ names }: ArmId): boolean {
  return names.length > 2
}

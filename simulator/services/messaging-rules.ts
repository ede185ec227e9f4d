// Authorization rules of the messaging services in Azure Resource Manager: two keys each, at a namespace or at a part of it. Service
// Bus, Event Hubs, Relay and Notification Hubs say what they call things; their common data plane is messaging-data-plane.ts.

import type { Kernel } from '../kernel.ts'
import { type Call, type Operation, Refusal, type Reply } from '../service-operations.ts'
import { armPath, armResourceId } from './arm.ts'
import { type ArmKeys, type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'
import { messagingDataPlane, type Right } from './messaging-data-plane.ts'

export interface RuleOptions {
  readonly subscription?: string
  readonly group?: string
  /** The namespace's name. */
  readonly namespace: string
  /** The rule's name. Default `RootManageSharedAccessKey`. */
  readonly rule?: string
  /** The queue, topic or the like that the rule is at. Default: the namespace. */
  readonly at?: { readonly part: string; readonly name: string }
  /** Default: all three. */
  readonly rights?: readonly Right[]
  /** The alias of the pair, with Geo-DR. */
  readonly alias?: string
  /** How the data plane refuses a bad signature: as today, or as it did in 2020. Default `invalid`. */
  readonly badSignature?: 'invalid' | 'empty claim'
}

export interface RuleHandle extends ArmKeysHandle {
  /** Its host. */
  readonly host: string
  /** A slot's connection string. */
  connectionString(slot: string): string
  /** The namespace is the secondary one of a Geo-DR pair from now on, or no longer. */
  becomeSecondary(secondary: boolean): void
  /** Another operation on the rule goes on from now on, or no longer. */
  occupy(occupied: boolean): void
}

export interface MessagingDeclaration {
  /** Begins the names of its operations. */
  readonly service: string
  /** `Microsoft.ServiceBus` */
  readonly namespace: string
  /** Where rules are, beside the namespace: `queues`. */
  readonly parts: readonly string[]
  readonly apiVersions: readonly string[]
  /** What marks its keys: `+ASb`. Absent: nothing does. */
  readonly mark?: string
  /** What names the slot in the body of a regenerate, and whether a key can be given. */
  readonly slotField: 'keyType' | 'policyKey'
  readonly takesKeys?: true
  /** Connection strings of a part's rule do not end with its path. */
  readonly withoutPath?: true
  readonly hasAlias?: true
  /** Its namespaces have `disableLocalAuth`. Resource Manager makes keys all the same. */
  readonly hasLocalAuth?: true
  /** What a namespace lists to whoever may manage it: `queues`. */
  readonly lists: readonly string[]
}

type Rule = ArmResource<RuleOptions>

/** What an operator, or another operation, has done to a rule. */
interface RuleState {
  secondary: boolean
  occupied: boolean
}

const slotOf: Readonly<Record<string, string>> = { PrimaryKey: 'primary', SecondaryKey: 'secondary' }
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Installs a service in a cloud; returns what adds a rule to it. */
export function messagingRules(kernel: Kernel, declared: MessagingDeclaration) {
  const { service, namespace, parts } = declared
  const states = new Map<string, RuleState>()
  /** The rules of each namespace, by its id in lower case. */
  const namespaces = new Map<string, Rule[]>()
  const plane = messagingDataPlane(kernel)
  const stateOf = ({ id }: Rule): RuleState => states.get(id.toLowerCase())!
  const atNamespace = rulesAt(undefined, kernel, declared, stateOf)
  const atParts = Object.fromEntries(parts.map((part) => [part, rulesAt(part, kernel, declared, stateOf)]))
  kernel.register([
    ...atNamespace.operations,
    ...Object.values(atParts).flatMap(({ operations }) => operations),
    ...(declared.hasAlias ? [aliasListing(declared, atNamespace.find)] : []),
    ...(declared.hasLocalAuth ? [description(declared, (id) => namespaces.get(id.toLowerCase()))] : []),
  ])

  /** Adds a rule. Defaults: a fixed subscription, resource group `rg`. */
  return (options: RuleOptions): RuleHandle => {
    const { namespace: name, rule = 'RootManageSharedAccessKey', at } = options
    const rules = at === undefined ? atNamespace : atParts[at.part]
    if (rules === undefined) throw new TypeError(`${service} has no ${at?.part}; there are ${parts.join(', ')}`)
    const handle = rules.add({ ...options, name: rule, above: at === undefined ? [name] : [name, at.name] })
    const added = rules.find(handle.resourceId)!
    const id = armResourceId(options, `${namespace}/namespaces`, name).toLowerCase()
    namespaces.set(id, [...(namespaces.get(id) ?? []), added])
    const state: RuleState = { secondary: false, occupied: false }
    states.set(handle.resourceId.toLowerCase(), state)
    const host = plane.add({
      namespace: name,
      lists: declared.lists,
      ...(at === undefined ? { rule: added } : {}),
      rights: options.rights ?? ['Manage', 'Send', 'Listen'],
      badSignature: options.badSignature ?? 'invalid',
    })
    return Object.assign(handle, {
      host,
      connectionString: (slot: string) => connectionString(declared, added, handle.keyOf(slot)),
      becomeSecondary: (secondary: boolean) => {
        state.secondary = secondary
      },
      occupy: (occupied: boolean) => {
        state.occupied = occupied
      },
    })
  }
}

/** The rules of the namespace itself, or of one kind of its parts. */
function rulesAt(
  part: string | undefined,
  kernel: Kernel,
  declared: MessagingDeclaration,
  stateOf: (rule: Rule) => RuleState,
): ArmKeys<RuleOptions> {
  const { service, namespace, apiVersions, mark, slotField, takesKeys } = declared
  const type = `${namespace}/namespaces/${part === undefined ? '' : `${part}/`}authorizationRules`
  return armKeys<RuleOptions>(kernel, {
    service,
    type,
    apiVersions,
    slots: ['primary', 'secondary'],
    mint: (dice) => {
      const some = (count: number) =>
        Array.from({ length: count }, () => letters[Math.floor(dice.next() * letters.length)]).join('')
      return mark === undefined ? dice.bytes(32).toString('base64') : `${some(33)}${mark}${some(6)}=`
    },
    list: {
      action: 'listKeys',
      permission: `${type}/listkeys/action`,
      body: (rule, keys) => listed(declared, rule, keys),
    },
    regenerate: {
      action: 'regenerateKeys',
      permission: `${type}/regenerateKeys/action`,
      slot(call, rule) {
        checkChange(call, stateOf(rule))
        const found = slotOf[String(fieldIn(call, slotField))]
        // The words are unverified.
        if (!found) throw call.refuse(400, 'BadRequest', `The ${slotField} must be PrimaryKey or SecondaryKey.`)
        return found
      },
      given: (call) => (takesKeys ? givenKey(call) : undefined),
      reply: (rule, _slot, keys) => ({ status: 200, body: listed(declared, rule, keys) }),
    },
    missing: (_call, names) => new Refusal(missingRule(names.at(-1)!), 'no such rule'),
  })
}

/** What both calls on keys answer. */
function listed(
  declared: MessagingDeclaration,
  rule: Rule,
  { primary, secondary }: Readonly<Record<string, string>>,
): unknown {
  return {
    primaryConnectionString: connectionString(declared, rule, primary!),
    secondaryConnectionString: connectionString(declared, rule, secondary!),
    primaryKey: primary,
    secondaryKey: secondary,
    // The rule's name: the slot has none.
    keyName: rule.name,
  }
}

/** `host`: its first label. Default: the namespace's name. */
function connectionString(
  { withoutPath }: MessagingDeclaration,
  { names, name, options }: Rule,
  key: string,
  host = names[0]!.toLowerCase(),
): string {
  const path = options.at === undefined || withoutPath ? '' : `;EntityPath=${options.at.name}`
  return `Endpoint=sb://${host}.servicebus.windows.net/;SharedAccessKeyName=${name};SharedAccessKey=${key}${path}`
}

function checkChange(call: Call, { secondary, occupied }: RuleState): void {
  if (secondary) {
    const message = 'Invalid operation on the Secondary namespace. Secondary namespace is read-only.'
    throw call.refuse(401, 'Unauthorized', message)
  }
  if (occupied) {
    const message = 'SubCode=40901. Another conflicting operation is in progress.'
    throw call.refuse(429, 'MessagingGatewayTooManyRequests', message)
  }
}

/** The namespace of a rule. It knows whether keys are accepted, and is one with each of its rules here. */
function description(
  { service, namespace, apiVersions }: MessagingDeclaration,
  rulesOf: (namespaceId: string) => readonly Rule[] | undefined,
): Operation {
  const type = `${namespace}/namespaces`
  return {
    operation: `${service}/getNamespace`,
    permission: `${type}/read`,
    host: 'resource-manager',
    method: 'GET',
    path: armPath(type, 'namespace'),
    apiVersions,
    handle(call) {
      const { namespace: name = '' } = call.params
      const id = armResourceId(call, type, 'namespace')
      const rules = rulesOf(id)
      if (rules === undefined) {
        throw call.refuse(404, 'ResourceNotFound', `The Resource '${type}/${name}' was not found.`)
      }
      const properties = {
        disableLocalAuth: rules.some(({ keysDisabled }) => keysDisabled),
        provisioningState: 'Succeeded',
        status: 'Active',
        serviceBusEndpoint: `https://${name.toLowerCase()}.servicebus.windows.net:443/`,
      }
      return { status: 200, body: { id, name, type, location: 'westeurope', properties } }
    },
  }
}

/** The alias has its own listing: its connection strings stand in it instead of those of the namespace. */
function aliasListing(declared: MessagingDeclaration, find: (id: string) => Rule | undefined): Operation {
  const { service, namespace, apiVersions } = declared
  const type = `${namespace}/namespaces`
  return {
    operation: `${service}/listAliasKeys`,
    permission: `${type}/disasterRecoveryConfigs/authorizationRules/listkeys/action`,
    host: 'resource-manager',
    method: 'POST',
    path: `${armPath(type, 'namespace')}/disasterRecoveryConfigs/:alias/authorizationRules/:rule/listKeys`,
    apiVersions,
    handle(call) {
      const { alias = '', rule: name = '' } = call.params
      const rule = find(`${armResourceId(call, type, 'namespace')}/authorizationRules/${name}`)
      if (rule?.options.alias?.toLowerCase() !== alias.toLowerCase()) return missingRule(name)
      const { primary, secondary } = rule.slots.keys(call.readAt)
      const body = {
        aliasPrimaryConnectionString: connectionString(declared, rule, primary!, alias),
        aliasSecondaryConnectionString: connectionString(declared, rule, secondary!, alias),
        primaryKey: primary,
        secondaryKey: secondary,
        keyName: rule.name,
      }
      return { status: 200, body }
    },
  }
}

/** Its body is a string, and not an object with an error in it. */
function missingRule(name: string): Reply {
  return { status: 404, body: `The requested resource ${name} does not exist.` }
}

/** A name that a namespace may have, for any text. */
export function namespaceFor(name: string): string {
  return `contoso-${name.replace(/[^A-Za-z0-9]+/g, '-')}`.slice(0, 50).replace(/-$/, '')
}

function givenKey(call: Call): string | undefined {
  const key = fieldIn(call, 'key')
  if (key === undefined) return undefined
  // The words are unverified.
  if (!/^[A-Za-z0-9+/]{43}=$/.test(String(key))) throw call.refuse(400, 'BadRequest', 'The key is not valid.')
  return String(key)
}

function fieldIn(call: Call, name: string): unknown {
  return Object(call.json())[name]
}

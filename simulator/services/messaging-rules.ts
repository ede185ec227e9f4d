// Authorization rules of the messaging services in Azure Resource Manager: two keys each, at a namespace or at a part of it. Service
// Bus, Event Hubs, Relay and Notification Hubs say what they call things; their common data plane is messaging-data-plane.ts.

import type { Kernel } from '../kernel.ts'
import { type Call, type Operation, Refusal, type Reply } from '../service-operations.ts'
import { armPath, armResourceId } from './arm.ts'
import { type ArmKeysHandle, type ArmResource, armKeys } from './arm-keys.ts'
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

interface Place {
  secondary: boolean
  occupied: boolean
}

const slotOf: Readonly<Record<string, string>> = { PrimaryKey: 'primary', SecondaryKey: 'secondary' }
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Installs a service in a cloud; returns what adds a rule to it. */
export function messagingRules(kernel: Kernel, declared: MessagingDeclaration) {
  const { service, namespace, parts, mark, slotField } = declared
  const places = new Map<string, Place>()
  /** The rules of each namespace, by its id in lower case. */
  const namespaces = new Map<string, ArmResource<RuleOptions>[]>()
  const plane = messagingDataPlane(kernel)

  const text = ({ names, name, options }: ArmResource<RuleOptions>, key: string, host = names[0]!.toLowerCase()) =>
    `Endpoint=sb://${host}.servicebus.windows.net/;SharedAccessKeyName=${name};SharedAccessKey=${key}` +
    (options.at === undefined || declared.withoutPath ? '' : `;EntityPath=${options.at.name}`)
  const listed = (rule: ArmResource<RuleOptions>, { primary, secondary }: Readonly<Record<string, string>>) => ({
    primaryConnectionString: text(rule, primary!),
    secondaryConnectionString: text(rule, secondary!),
    primaryKey: primary,
    secondaryKey: secondary,
    // The rule's name: the slot has none.
    keyName: rule.name,
  })

  function checkChange(call: Call, { id }: ArmResource<RuleOptions>): void {
    const { secondary, occupied } = places.get(id.toLowerCase())!
    if (secondary) {
      const message = 'Invalid operation on the Secondary namespace. Secondary namespace is read-only.'
      throw call.refuse(401, 'Unauthorized', message)
    }
    if (occupied) {
      const message = 'SubCode=40901. Another conflicting operation is in progress.'
      throw call.refuse(429, 'MessagingGatewayTooManyRequests', message)
    }
  }

  function rulesAt(part: string | undefined) {
    const type = `${namespace}/namespaces/${part === undefined ? '' : `${part}/`}authorizationRules`
    return armKeys<RuleOptions>(kernel, {
      service,
      type,
      apiVersions: declared.apiVersions,
      slots: ['primary', 'secondary'],
      mint: (dice) => {
        const some = (count: number) =>
          Array.from({ length: count }, () => letters[Math.floor(dice.next() * letters.length)]).join('')
        return mark === undefined ? dice.bytes(32).toString('base64') : `${some(33)}${mark}${some(6)}=`
      },
      list: { action: 'listKeys', permission: `${type}/listkeys/action`, body: listed },
      regenerate: {
        action: 'regenerateKeys',
        permission: `${type}/regenerateKeys/action`,
        slot(call, rule) {
          checkChange(call, rule)
          const found = slotOf[String(fieldIn(call, slotField))]
          // The words are unverified.
          if (!found) throw call.refuse(400, 'BadRequest', `The ${slotField} must be PrimaryKey or SecondaryKey.`)
          return found
        },
        given: (call) => (declared.takesKeys ? givenKey(call) : undefined),
        reply: (rule, _slot, keys) => ({ status: 200, body: listed(rule, keys) }),
      },
      missing: (_call, names) => new Refusal(missingRule(names.at(-1)!), 'no such rule'),
    })
  }

  const atNamespace = rulesAt(undefined)
  const atParts = Object.fromEntries(parts.map((part) => [part, rulesAt(part)]))
  kernel.register([
    ...atNamespace.operations,
    ...Object.values(atParts).flatMap(({ operations }) => operations),
    ...(declared.hasAlias ? [aliasListing()] : []),
    ...(declared.hasLocalAuth ? [description()] : []),
  ])

  /** The namespace of a rule. It knows whether keys are accepted, and is one with each of its rules here. */
  function description(): Operation {
    const type = `${namespace}/namespaces`
    return {
      operation: `${service}/getNamespace`,
      permission: `${type}/read`,
      host: 'resource-manager',
      method: 'GET',
      path: armPath(type, 'namespace'),
      apiVersions: declared.apiVersions,
      handle(call) {
        const { namespace: name = '' } = call.params
        const id = armResourceId(call, type, 'namespace')
        const rules = namespaces.get(id.toLowerCase())
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
  function aliasListing(): Operation {
    const path = `/subscriptions/:subscription/resourceGroups/:group/providers/${namespace}/namespaces/:namespace`
    return {
      operation: `${service}/listAliasKeys`,
      permission: `${namespace}/namespaces/disasterRecoveryConfigs/authorizationRules/listkeys/action`,
      host: 'resource-manager',
      method: 'POST',
      path: `${path}/disasterRecoveryConfigs/:alias/authorizationRules/:rule/listKeys`,
      apiVersions: declared.apiVersions,
      handle(call) {
        const { alias = '', rule: name = '' } = call.params
        const id = call.url.pathname.replace(/\/disasterRecoveryConfigs\/[^/]+/i, '').replace(/\/listKeys\/?$/i, '')
        const rule = atNamespace.find(id)
        if (rule?.options.alias?.toLowerCase() !== alias.toLowerCase()) {
          return missingRule(name)
        }
        const { primary, secondary } = rule.slots.keys(call.readAt)
        const body = {
          aliasPrimaryConnectionString: text(rule, primary!, alias),
          aliasSecondaryConnectionString: text(rule, secondary!, alias),
          primaryKey: primary,
          secondaryKey: secondary,
          keyName: rule.name,
        }
        return { status: 200, body }
      },
    }
  }

  /** Adds a rule. Defaults: a fixed subscription, resource group `rg`. */
  return (options: RuleOptions): RuleHandle => {
    const { namespace: name, rule = 'RootManageSharedAccessKey', at } = options
    const rules = at === undefined ? atNamespace : atParts[at.part]
    if (rules === undefined) throw new TypeError(`${service} has no ${at?.part}; there are ${parts.join(', ')}`)
    const above = at === undefined ? [name] : [name, at.name]
    const handle = rules.add({ ...options, name: rule, above })
    const added = rules.find(handle.resourceId)!
    const id = armResourceId(options, `${namespace}/namespaces`, name).toLowerCase()
    namespaces.set(id, [...(namespaces.get(id) ?? []), added])
    const state: Place = { secondary: false, occupied: false }
    places.set(handle.resourceId.toLowerCase(), state)
    const host = plane.add({
      namespace: name,
      lists: declared.lists,
      ...(at === undefined ? { rule: added } : {}),
      rights: options.rights ?? ['Manage', 'Send', 'Listen'],
      badSignature: options.badSignature ?? 'invalid',
    })
    return Object.assign(handle, {
      host,
      connectionString: (slot: string) => text(added, handle.keyOf(slot)),
      becomeSecondary: (secondary: boolean) => {
        state.secondary = secondary
      },
      occupy: (occupied: boolean) => {
        state.occupied = occupied
      },
    })
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

// ARM ids, parsed by segment name and without case: portal, CLI and SDKs disagree about it, and positions shift with the resource type.

import * as z from 'zod/mini'
import type { Allowance } from '../../engine/pace.ts'
import type { Place } from '../provider.ts'

export interface ArmId {
  readonly subscription: string
  readonly group: string
  /** Of the resource itself: the last one. */
  readonly name: string
  /** Of the resource and the resources above it, the outermost first. */
  readonly names: readonly [string, ...string[]]
  /** `Microsoft.ServiceBus/namespaces/queues/authorizationRules` */
  readonly type: string
  /** The id in the usual spelling of its segment names, without a trailing slash. */
  readonly id: string
  /** The id of the outermost resource, at which roles are granted: for a resource without one above it, its own. */
  readonly topId: string
}

/** A resource type that targets may name, and how its resources may be called. */
export interface ArmType extends NameRule {
  /** `Microsoft.CognitiveServices/accounts`, or of a child `Microsoft.ServiceBus/namespaces/queues/authorizationRules`. */
  readonly type: string
  /** How the resources above it may be called, the outermost first. As many as its type has above the last one. */
  readonly above?: readonly NameRule[]
}

export interface NameRule {
  readonly name: RegExp
  /** The pattern in words, for the message. */
  readonly rule: string
  /** A valid one, for samples. Default: `my-resource`. */
  readonly example?: string
}

/** One type, or several that a target may choose from. */
export type ArmTypes = ArmType | readonly [ArmType, ...ArmType[]]

const usualName = 'my-resource'
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const groupName = /^[-\p{L}\p{N}_.()]{0,89}[-\p{L}\p{N}_()]$/u

/** The schema of an ARM id of one of these types: stays the string it was, and says which segment is wrong. */
export function armResource(types: ArmTypes): z.ZodMiniString {
  const shapes = listOf(types).map(({ type }) => shapeOf(type, '<guid>', '<group>', () => '<name>'))
  const examples = listOf(types).map(({ type, above = [], example = usualName }) =>
    shapeOf(type, '00000000-0000-0000-0000-000000000000', 'my-group', (level) =>
      level < above.length ? (above[level]!.example ?? usualName) : example,
    ),
  )
  const shape = shapes.join(', or ')
  const schema = z.string().check(({ value, issues }) => {
    const parsed = read(value, types)
    if (typeof parsed !== 'string') return
    issues.push({ code: 'custom', message: `${parsed}; expected ${shape}`, input: value })
  })
  return schema.register(z.globalRegistry, { description: `ARM id of the resource: ${shape}`, examples })
}

/** Takes an id that `armResource` has let through apart. Throws TypeError for any other. */
export function parseArmId(text: string, types: ArmTypes): ArmId {
  const parsed = read(text, types)
  if (typeof parsed === 'string') throw new TypeError(parsed)
  return parsed
}

/** Of a subscription. Resource Manager allows, per subscription, principal and region, 200 writes, POSTs included, then 10 a second. */
export const armAllowance: Allowance = { burst: 20, perSecond: 5 }
export const armLimit = 'Azure Resource Manager: writes of one subscription'

/** The place of a credential that is a whole ARM resource. Its rights are asked for, and granted, at the outermost resource. */
export function armPlace(provider: string, { id, topId, subscription }: ArmId): Place {
  const credential = `${provider}:${id}`.toLowerCase()
  return { address: id, credential, lease: credential, budget: subscription.toLowerCase(), scope: topId }
}

function listOf(types: ArmTypes): readonly ArmType[] {
  return 'type' in types ? [types] : types
}

/** The parts of the id, or what is wrong with it: of several types, what is wrong with it as one of the first. */
function read(text: string, types: ArmTypes): ArmId | string {
  const tried = listOf(types).map((type) => readAs(text, type))
  return tried.find((parsed) => typeof parsed !== 'string') ?? tried[0]!
}

function readAs(text: string, { type, name, rule, above = [] }: ArmType): ArmId | string {
  if (!text.startsWith('/')) return 'an ARM id starts with /subscriptions/'
  const segments = text.replace(/\/+$/, '').slice(1).split('/')
  const [namespace = '', ...kinds] = type.split('/')
  const found = valuesByName(segments)

  const subscription = found.get('subscriptions')
  if (subscription === undefined) return "the segment 'subscriptions' is missing"
  if (!guid.test(subscription)) return 'the subscription is not a GUID'
  const group = found.get('resourcegroups')
  if (group === undefined) return "the segment 'resourceGroups' is missing"
  if (!groupName.test(group)) return 'the name of the resource group is not valid'
  const provider = found.get('providers')
  if (provider === undefined) return "the segment 'providers' is missing"
  if (provider.toLowerCase() !== namespace.toLowerCase()) return `the resource is not one of ${namespace}`
  const names: string[] = []
  // A kind may be called as a segment above it is: the subscriptions of API Management.
  const ofResource = valuesByName(segments.slice(segments.indexOf(provider) + 1))
  for (const [level, kind] of kinds.entries()) {
    const given = ofResource.get(kind.toLowerCase())
    if (given === undefined) return `the segment '${kind}' is missing`
    const wanted = above[level] ?? { name, rule }
    if (!wanted.name.test(given)) {
      return `the name ${level < kinds.length - 1 ? `after '${kind}'` : 'of the resource'} must be ${wanted.rule}`
    }
    names.push(given)
  }
  if (segments.length !== 6 + 2 * kinds.length) return 'it goes on where it should end'

  const base = `/subscriptions/${subscription}/resourceGroups/${group}/providers/${namespace}`
  const pairs = kinds.map((kind, level) => `/${kind}/${names[level]}`)
  return {
    subscription,
    group,
    name: names.at(-1)!,
    names: names as [string, ...string[]],
    type,
    id: `${base}${pairs.join('')}`,
    topId: `${base}${pairs[0]}`,
  }
}

/** The first value of each name. */
function valuesByName(segments: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < segments.length; at += 2) {
    const name = segments[at]!.toLowerCase()
    if (!values.has(name)) values.set(name, segments[at + 1]!)
  }
  return values
}

function shapeOf(type: string, subscription: string, group: string, name: (level: number) => string): string {
  const [namespace, ...kinds] = type.split('/')
  const pairs = kinds.map((kind, level) => `/${kind}/${name(level)}`).join('')
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/${namespace}${pairs}`
}

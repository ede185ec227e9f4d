// ARM ids, parsed by segment name and without case: portal, CLI and SDKs disagree about it, and positions shift with the resource type.

import * as z from 'zod'
import type { Allowance } from '../../engine/pace.ts'
import type { Place } from '../provider.ts'

export interface ArmId {
  readonly subscription: string
  readonly group: string
  readonly name: string
  /** The id in the usual spelling of its segment names, without a trailing slash. */
  readonly id: string
}

/** A resource type that targets may name, and how its resources may be called. */
export interface ArmType {
  /** `Microsoft.CognitiveServices/accounts` */
  readonly type: string
  readonly name: RegExp
  /** The pattern in words, for the message. */
  readonly rule: string
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const groupName = /^[-\p{L}\p{N}_.()]{0,89}[-\p{L}\p{N}_()]$/u

/** The schema of an ARM id of one type: stays the string it was, and says which segment is wrong. */
export function armResource(armType: ArmType): z.ZodString {
  return z
    .string()
    .superRefine((text, context) => {
      const parsed = read(text, armType)
      if (typeof parsed === 'string') {
        context.addIssue({ code: 'custom', message: `${parsed}; expected ${shapeOf(armType.type)}` })
      }
    })
    .meta({ description: `ARM id of the resource: ${shapeOf(armType.type)}`, examples: [exampleOf(armType.type)] })
}

/** Takes an id that `armResource` has let through apart. Throws TypeError for any other. */
export function parseArmId(text: string, armType: ArmType): ArmId {
  const parsed = read(text, armType)
  if (typeof parsed === 'string') throw new TypeError(parsed)
  return parsed
}

/** Of a subscription. Resource Manager allows, per subscription, principal and region, 200 writes, POSTs included, then 10 a second. */
export const armAllowance: Allowance = { burst: 20, perSecond: 5 }

/** The place of a credential that is a whole ARM resource. */
export function armPlace(provider: string, { id, subscription }: ArmId): Place {
  const credential = `${provider}:${id}`.toLowerCase()
  return { address: id, credential, lease: credential, budget: subscription.toLowerCase(), scope: id }
}

/** The parts of the id, or what is wrong with it. */
function read(text: string, { type, name, rule }: ArmType): ArmId | string {
  if (!text.startsWith('/')) return 'an ARM id starts with /subscriptions/'
  const segments = text.replace(/\/+$/, '').slice(1).split('/')
  const [namespace = '', kind = ''] = type.split('/')
  const found = valuesByName(segments)

  const subscription = found.get('subscriptions')
  if (subscription === undefined) return "the segment 'subscriptions' is missing"
  if (!guid.test(subscription)) return 'the subscription is no GUID'
  const group = found.get('resourcegroups')
  if (group === undefined) return "the segment 'resourceGroups' is missing"
  if (!groupName.test(group)) return 'the name of the resource group is not a possible one'
  const provider = found.get('providers')
  if (provider === undefined) return "the segment 'providers' is missing"
  if (provider.toLowerCase() !== namespace.toLowerCase()) return `the resource is not one of ${namespace}`
  const resource = found.get(kind.toLowerCase())
  if (resource === undefined) return `the segment '${kind}' is missing`
  if (!name.test(resource)) return `the name of the resource must be ${rule}`
  if (segments.length !== 8) return 'it goes on where it should end'

  return {
    subscription,
    group,
    name: resource,
    id: `/subscriptions/${subscription}/resourceGroups/${group}/providers/${type}/${resource}`,
  }
}

function valuesByName(segments: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at + 1 < segments.length; at += 2) values.set(segments[at]!.toLowerCase(), segments[at + 1]!)
  return values
}

function shapeOf(type: string): string {
  return `/subscriptions/<guid>/resourceGroups/<group>/providers/${type}/<name>`
}

function exampleOf(type: string): string {
  return `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-group/providers/${type}/my-resource`
}

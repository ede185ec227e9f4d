// Room: the providers, what goes over the wire. May import zod. Pure.
// An IoT hub as JSON. A PUT replaces all of it, so whatever we do not know, or must not touch, goes back as it came:
// newer properties, masked strings in the routing (the service knows them by the mask), rights.

import { z } from 'zod'

/** A shared access policy as `listkeys` answers it; what else it has is kept. */
export const Policy = z.looseObject({
  keyName: z.string().min(1),
  primaryKey: z.string().min(1),
  secondaryKey: z.string().min(1),
  rights: z.string(),
})
export type Policy = z.output<typeof Policy>

/** A policy to write: null asks the service to make the key. An empty string would be refused, a missing key be replaced. */
export type PolicyToWrite = Omit<Policy, 'primaryKey' | 'secondaryKey'> & {
  readonly primaryKey: string | null
  readonly secondaryKey: string | null
}

export const HubDescription = z.looseObject({
  etag: z.string().min(1),
  properties: z.looseObject({ disableLocalAuth: z.boolean().nullish() }),
  systemData: z.looseObject({ lastModifiedAt: z.string().nullish() }).nullish(),
})
export type HubDescription = z.output<typeof HubDescription>

/** What the service calls read-only (2023-06-30): everything else goes back. */
const readOnly = {
  resource: ['id', 'name', 'type', 'systemData'],
  properties: ['provisioningState', 'state', 'hostName', 'locations'],
}

/** The hub with these policies, less what is read-only. Leaves `hub` as it was. */
export function hubWith(hub: HubDescription, policies: readonly PolicyToWrite[]): Readonly<Record<string, unknown>> {
  const properties = without(hub.properties, readOnly.properties)
  return { ...without(hub, readOnly.resource), properties: { ...properties, authorizationPolicies: policies } }
}

function without(object: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** The policies with one of them replaced, in their order. Names are compared without case, as the service does. */
export function withPolicy(
  policies: readonly Policy[],
  name: string,
  change: (policy: Policy) => PolicyToWrite,
): PolicyToWrite[] {
  return policies.map((policy) => (isNamed(policy, name) ? change(policy) : policy))
}

export function isNamed(policy: Policy, name: string): boolean {
  return policy.keyName.toLowerCase() === name.toLowerCase()
}

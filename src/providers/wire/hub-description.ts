// An IoT hub as JSON. A PUT replaces all of it, so whatever we do not know, or must not touch, goes back as it came:
// newer properties, masked strings in the routing (the service knows them by the mask), rights.

import * as z from 'zod/mini'

/** A shared access policy as `listkeys` answers it; what else it has is kept. */
export const Policy = z.looseObject({
  keyName: z.string().check(z.minLength(1)),
  primaryKey: z.string().check(z.minLength(1)),
  secondaryKey: z.string().check(z.minLength(1)),
  rights: z.string(),
})
export type Policy = z.output<typeof Policy>

/**
 * A policy to write: a key that is left out is made by the service, as the Azure CLI leaves it out. An empty string would be
 * refused.
 */
export type PolicyToWrite = Omit<Policy, 'primaryKey' | 'secondaryKey'> & {
  readonly primaryKey?: string
  readonly secondaryKey?: string
}

export const HubDescription = z.looseObject({
  etag: z.string().check(z.minLength(1)),
  properties: z.looseObject({
    disableLocalAuth: z.nullish(z.boolean()),
    state: z.nullish(z.string()),
    provisioningState: z.nullish(z.string()),
  }),
})
export type HubDescription = z.output<typeof HubDescription>

/** How a change can have ended. One that failed has ended too: the hub says so until its next change, and can be changed. */
const ended = ['Succeeded', 'Failed', 'Canceled']

/** Whether no change of the hub is under way. A hub that does not say so is taken for one that rests. */
export function isSettled({ properties: { state, provisioningState } }: HubDescription): boolean {
  return (state ?? 'Active') === 'Active' && ended.includes(provisioningState ?? 'Succeeded')
}

/** What the service calls read-only (2023-06-30), or the Azure CLI does not send back: everything else goes back. */
const readOnly = {
  resource: ['id', 'name', 'type', 'systemData', 'subscriptionid', 'resourcegroup'],
  sku: ['tier'],
  properties: ['provisioningState', 'state', 'hostName', 'locations'],
  rootCertificate: ['lastUpdatedTimeUtc'],
  eventHubEndpoint: ['endpoint', 'path', 'partitionIds'],
}

/** The hub with these policies, less what is read-only. Leaves `hub` as it was. */
export function hubWith(hub: HubDescription, policies: readonly PolicyToWrite[]): Json {
  const { properties, ...resource } = hub
  const written = inside(without(properties, readOnly.properties), {
    rootCertificate: (certificate) => without(certificate, readOnly.rootCertificate),
    eventHubEndpoints: (endpoints) => mapped(endpoints, (each) => without(each, readOnly.eventHubEndpoint)),
  })
  return {
    ...inside(without(resource, readOnly.resource), { sku: (sku) => without(sku, readOnly.sku) }),
    properties: { ...written, authorizationPolicies: policies },
  }
}

type Json = Readonly<Record<string, unknown>>

/** The object with some of its members changed, where they are objects. */
function inside(object: Json, changes: Readonly<Record<string, (member: Json) => Json>>): Json {
  return mapped(object, (member, name) => (Object.hasOwn(changes, name) ? changes[name]!(member) : member))
}

function mapped(object: Json, change: (member: Json, name: string) => Json): Json {
  return Object.fromEntries(
    Object.entries(object).map(([name, member]) => [name, isObject(member) ? change(member, name) : member]),
  )
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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

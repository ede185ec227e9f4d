// Finds what has keys and is no target yet: one query of Resource Graph over what the identity may read.

import * as z from 'zod/mini'
import { plainly } from '../../azure/plain-issues.ts'
import { queryResourceGraph } from '../../azure/resource-graph.ts'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { days, type Instant, type Target } from '../../engine/target.ts'
import type { Discovery, KeyProvider } from '../../providers/provider.ts'
import { type Naming, proposeTarget } from './propose-target.ts'

/** A provider whose resources Resource Graph shows. */
export type FoundProvider = KeyProvider & { readonly discovery: Discovery }

export interface Search {
  /** Whose resources. */
  readonly providers: readonly FoundProvider[]
  /** Its id; absent: every subscription that the identity may read. */
  readonly subscription?: string
  readonly skipToken?: string
}

/** What is managed already, and how entries are named. */
export interface Managed extends Naming {
  readonly targets: readonly Target[]
}

/** A resource that has keys and no target. */
export interface Candidate {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly provider: string
  readonly title: string
  readonly subscription: string
  readonly resourceGroup: string
  /** Absent: it was found by the tags of a secret. */
  readonly location?: string
  /** Absent: Resource Graph does not say. */
  readonly localAuth?: true
  readonly oldestKeyAt?: string
  readonly ageDays?: number
  /** How old the resource's own policy lets a key become. */
  readonly keyPolicyDays?: number
  /** `tags`: a secret has the tags of Microsoft's templates, and is no target all the same. */
  readonly from: 'resourceGraph' | 'tags'
  /** The line of targets.json that would make it a target. */
  readonly targetsEntry: Readonly<Record<string, unknown>>
  /** The entry of ROTATION_GRANTS that lets the app rotate its keys. */
  readonly grant: string
  readonly note?: string
}

/** A resource that was found, and of which nothing can be said. */
export interface NotRead {
  readonly code: 'UnexpectedAnswer'
  readonly message: string
}

export interface CandidatePage {
  readonly candidates: readonly Candidate[]
  readonly notRead: readonly NotRead[]
  /** Absent: there is nothing more. */
  readonly skipToken?: string
}

/** The providers whose resources can be found. */
export function foundIn(providers: readonly KeyProvider[]): readonly FoundProvider[] {
  return providers.filter((provider): provider is FoundProvider => provider.discovery !== undefined)
}

/** One page of candidates, in the order of their ids; it may be empty and not the last. Throws RekeyError. */
export async function findCandidates(
  azure: App['azure'],
  managed: Managed,
  { providers, subscription, skipToken }: Search,
  signal: AbortSignal,
): Promise<CandidatePage> {
  const page = await queryResourceGraph(
    azure,
    {
      query: queryOf(providers),
      ...(subscription === undefined ? {} : { subscriptions: [subscription] }),
      ...(skipToken === undefined ? {} : { skipToken }),
    },
    signal,
  )
  const candidates: Candidate[] = []
  const notRead: NotRead[] = []
  const isManaged = managedIn(managed.targets)
  const names = new Set(managed.names)
  for (const given of page.rows) {
    const found = foundResource(given, providers)
    if ('message' in found) notRead.push(found)
    else if (!isOff(found.tags) && !isManaged(found)) {
      const candidate = candidateOf(found, { ...managed, names }, azure.now())
      if (candidate === undefined) continue
      if ('message' in candidate) notRead.push(candidate)
      else candidates.push(candidate)
    }
  }
  return { candidates, notRead, ...(page.skipToken === undefined ? {} : { skipToken: page.skipToken }) }
}

/** Only what is used is asked for: a page ends at 16 MB. */
function queryOf(providers: readonly FoundProvider[]): string {
  const types = providers.map(({ discovery }) => `'${discovery.type.toLowerCase()}'`)
  const properties = new Set(providers.flatMap(({ discovery }) => discovery.properties))
  const columns = [...properties].toSorted().map((name) => `${name} = properties.${name}`)
  return [
    'resources',
    `where type in~ (${types.join(', ')})`,
    `project ${['id', 'name', 'type', 'location', 'tags', ...columns].join(', ')}`,
    'order by id asc',
  ].join('\n| ')
}

const Row = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  location: z.nullish(z.string()),
  tags: z.nullish(z.record(z.string(), z.unknown())),
})
/** Of a resource without one above it. */
const armId = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/[^/]+\/[^/]+\/[^/]+$/i

interface Found {
  readonly provider: FoundProvider
  readonly id: string
  readonly name: string
  readonly subscription: string
  readonly resourceGroup: string
  readonly location: string
  readonly tags: Readonly<Record<string, unknown>>
  readonly properties: Readonly<Record<string, unknown>>
}

function foundResource(given: Readonly<Record<string, unknown>>, providers: readonly FoundProvider[]): Found | NotRead {
  const row = Row.safeParse(given, plainly)
  if (!row.success) return unread('a resource', 'lacks its id, its name or its type')
  const { id, name, type, location, tags } = row.data
  const provider = providers.find(({ discovery }) => discovery.type.toLowerCase() === type.toLowerCase())
  const [, subscription, resourceGroup] = armId.exec(id) ?? []
  if (provider === undefined) return unread(id, 'is of a type that was not asked for')
  if (subscription === undefined || resourceGroup === undefined)
    return unread(id, 'has an id that is not of a resource')
  // What a resource does not have is null.
  const shown = provider.discovery.properties.filter((each) => given[each] !== null)
  const properties = Object.fromEntries(shown.map((each) => [each, given[each]]))
  return { provider, id, name, subscription, resourceGroup, location: location ?? '', tags: tags ?? {}, properties }
}

/** An operator's word, at the resource itself: `rekey=off`. Names of tags are compared without case. */
function isOff(tags: Found['tags']): boolean {
  return Object.entries(tags).some(
    ([name, value]) => name.toLowerCase() === 'rekey' && String(value).trim().toLowerCase() === 'off',
  )
}

/** Whether a target of the provider has keys of the resource, or of what is below it. */
function managedIn(targets: readonly Target[]): (found: Found) => boolean {
  // A lease is named after the provider and the resource: the id of the outermost one has nine segments.
  const known = new Set(targets.map(({ lease }) => lease.split('/').slice(0, 9).join('/')))
  return ({ provider, id }) => known.has(`${provider.id}:${id}`.toLowerCase())
}

/** Undefined: its keys are switched off. */
function candidateOf(found: Found, naming: Naming & { readonly names: Set<string> }, now: Instant) {
  const { provider, id, name, subscription, resourceGroup, location, properties } = found
  const facts = provider.discovery.facts({ name, properties })
  if (facts === undefined) return unread(id, 'has properties that are not as its service documents them')
  if (facts.localAuth === false) return undefined
  const fields = provider.discovery.fields(id)
  if (!provider.resource.safeParse(fields, plainly).success) {
    return unread(id, `cannot be written into targets.json as a resource of ${provider.id}`)
  }
  const targetsEntry = proposeTarget(provider, name, fields, naming)
  naming.names.add(targetsEntry.name.toLowerCase())
  const { oldestKeyAt, keyPolicyDays } = facts
  const { note } = provider.discovery
  return {
    ...{ id, name, type: provider.discovery.type, provider: provider.id, title: provider.title },
    ...{ subscription, resourceGroup, location },
    ...(facts.localAuth ? { localAuth: true as const } : {}),
    ...(oldestKeyAt === undefined
      ? {}
      : { oldestKeyAt: iso(oldestKeyAt), ageDays: Math.max(0, Math.floor((now - oldestKeyAt) / days(1))) }),
    ...(keyPolicyDays === undefined ? {} : { keyPolicyDays }),
    from: 'resourceGraph',
    targetsEntry,
    grant: `${provider.id}=${id}`,
    ...(note === undefined ? {} : { note }),
  } satisfies Candidate
}

function unread(what: string, why: string): NotRead {
  return { code: 'UnexpectedAnswer', message: `Resource Graph: ${what} ${why}` }
}

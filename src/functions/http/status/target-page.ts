// The pages of the lists of targets: in the order of their names, so that a page continues where the last one ended, whatever has changed in
// targets.json meanwhile.

import type { HttpRequest } from '@azure/functions'
import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import type { Target } from '../../../engine/target.ts'
import { type KnownTarget, knowledge } from '../../snapshot/known-targets.ts'
import type { Call } from '../answer-request.ts'
import { badRequest } from '../body.ts'
import { type EmbeddedError, embedded } from '../embedded-error.ts'
import { checkQuery, nextLink, type Page, skipToken } from '../paging.ts'
import { type Status, statuses } from './summarize-target.ts'

/** How many targets a page has at most. */
const pageSize = 1000

/** A page of a list of targets. */
export interface TargetPage<Item> extends Page<Item> {
  /** When the schedule read the vaults. */
  readonly asOf: string
  /** What could not be read of the storage account: what is shown is older, or lacks something. */
  readonly notRead?: readonly EmbeddedError[]
}

/** The page that a request asks for. `show` makes its items, of which the status is filtered. Throws RekeyError `BadRequest`. */
export async function targetPage<Item extends { readonly status: Status }>(
  { app, request }: Call,
  signal: AbortSignal,
  show: (known: KnownTarget, asOf: number) => Item,
): Promise<TargetPage<Item>> {
  checkQuery(request, ['status', 'provider', 'vault', 'search', skipToken])
  const chosen = inOrder(app).filter(filterIn(request))
  const wanted = statusesIn(request)
  const { asOf, most, notRead, of } = await knowledge(app, signal)
  // A status passes with time, so it is known only of what is looked up: of all of them, or of as many as can be read.
  const looked = chosen.slice(0, Math.min(wanted === undefined ? pageSize : chosen.length, most ?? chosen.length))
  const shown = (await of(looked)).map((known) => ({ known, item: show(known, asOf) }))
  const matching = shown.filter(({ item }) => wanted?.has(item.status) ?? true)
  const page = matching.slice(0, pageSize)
  const last = matching.length > pageSize ? page.at(-1)!.known.target : looked.at(-1)
  const isLast = last === undefined || last === chosen.at(-1)
  return {
    value: page.map(({ item }) => item),
    ...(isLast ? {} : { nextLink: nextLink(request, tokenAfter(last)) }),
    asOf: iso(asOf),
    ...(notRead.length === 0 ? {} : { notRead: notRead.map((error) => embedded(error)) }),
  }
}

const ordered = new WeakMap<App['configuration'], readonly Target[]>()

/** Sorted once for each version of targets.json. */
function inOrder({ configuration }: App): readonly Target[] {
  const sorted = ordered.get(configuration) ?? configuration.targets.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  ordered.set(configuration, sorted)
  return sorted
}

/** What the query says of everything but the status. */
function filterIn({ query }: HttpRequest): (target: Target) => boolean {
  const [provider, vault] = [query.get('provider'), query.get('vault')?.toLowerCase().replace(/\/$/, '')]
  const search = query.get('search')?.toLowerCase()
  const token = query.get(skipToken)
  const after = token === null ? '' : nameIn(token)
  return (target) =>
    target.name > after &&
    (provider === null || target.provider === provider) &&
    (vault === undefined || target.vault === vault) &&
    (search === undefined || isFound(target, search))
}

/** `text`: in lower case. */
function isFound({ name, address, secrets }: Target, text: string): boolean {
  return [name, address, ...secrets.map((secret) => secret.name)].some((each) => each.toLowerCase().includes(text))
}

/** Undefined: any status. */
function statusesIn({ query }: HttpRequest): ReadonlySet<string> | undefined {
  const given = query.get('status')?.split(',')
  if (given?.every((each) => statuses.some((status) => status === each)) === false) {
    throw badRequest('?status= is not a status', `Write one of ${statuses.join(', ')}, or several with commas between.`)
  }
  return given && new Set(given)
}

function tokenAfter({ name }: Target): string {
  return Buffer.from(`after:${name}`).toString('base64url')
}

function nameIn(token: string): string {
  const [, name] = /^after:([A-Za-z0-9-]+)$/.exec(Buffer.from(token, 'base64url').toString('latin1')) ?? []
  if (name !== undefined) return name
  throw badRequest(
    `?${skipToken}= is not one that this route gave`,
    'Use the whole address in "nextLink" of the page before.',
  )
}

// Splits long lists into pages, and checks the query of every route.

import type { HttpRequest } from '@azure/functions'
import { badRequest } from './body.ts'
import { apiVersionParameter } from './request-rules.ts'

/** How many targets a page shows: each costs a call to its vault. */
const pageSize = 50

/** A collection as callers see it. */
export interface Page<Item> {
  readonly value: readonly Item[]
  /** The absolute address of the next page; absent on the last one. */
  readonly nextLink?: string
}

/** The query parameter that says where a page begins. Callers take it from `nextLink`, and need not know what it means. */
export const skipToken = 'skipToken'

/**
 * The page that `?skipToken=` asks for, with the address of the next one. That has every other parameter of this request, but for a
 * function key. Throws RekeyError `BadRequest`.
 */
export function pageOf<Item>(request: HttpRequest, all: readonly Item[], size = pageSize): Page<Item> {
  const start = startOf(request.query.get(skipToken))
  const value = all.slice(start, start + size)
  return start + size < all.length ? { value, nextLink: nextLink(request, tokenOf(start + size)) } : { value }
}

/** The address of this request with another `skipToken`. The key stays where the caller keeps it: an answer has none. */
export function nextLink({ url }: HttpRequest, token: string): string {
  const address = new URL(url)
  for (const name of platformParameters) address.searchParams.delete(name)
  address.searchParams.set(skipToken, token)
  return address.href
}

function tokenOf(start: number): string {
  return Buffer.from(`from:${start}`).toString('base64url')
}

function startOf(token: string | null): number {
  if (token === null) return 0
  const [, start] = /^from:(\d{1,7})$/.exec(Buffer.from(token, 'base64url').toString('latin1')) ?? []
  if (start !== undefined) return Number(start)
  throw badRequest(
    `?${skipToken}= is not one that this route gave`,
    'Use the whole address in "nextLink" of the page before.',
  )
}

/** The platform's own parameters: the function key, when it is not in the header. */
const platformParameters: readonly string[] = ['code', 'clientId']

/**
 * Refuses query parameters that the route does not know, and those that occur twice: a mistyped one, or the second, would be
 * ignored silently. `api-version` is known to every route. Throws `BadRequest`.
 */
export function checkQuery(request: HttpRequest, ofRoute: readonly string[]): void {
  const known = [...ofRoute, apiVersionParameter]
  // The host joins repeated parameters with a comma before the runtime passes the query on: only the address shows them.
  const { searchParams } = new URL(request.url)
  const repeated = known.find((name) => searchParams.getAll(name).length > 1)
  if (repeated !== undefined) throw badRequest(`?${repeated}= occurs more than once`, 'Send it once.')
  // The runtime loses a parameter that is called like a member of every object.
  const sent = [...request.query.keys(), ...searchParams.keys()]
  const unknown = sent.filter((name) => ![...known, ...platformParameters].includes(name))
  if (unknown.length === 0) return
  throw badRequest('there is a query parameter that this route does not know', `This route knows ${known.join(', ')}.`)
}

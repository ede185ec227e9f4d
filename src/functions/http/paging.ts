// Splits long lists into pages: `?page=2`.

import type { HttpRequest } from '@azure/functions'
import { badRequest } from './body.ts'

/** How many targets a page shows: each costs a call to its vault. */
const pageSize = 50

export interface Page<Item> {
  readonly items: readonly Item[]
  /** The address of the next page; absent on the last one. */
  readonly next?: string
}

/** The page that `?page=` asks for, counted from 1. Throws RekeyError `BadRequest`. */
export function pageOf<Item>(request: HttpRequest, all: readonly Item[], path: string): Page<Item> {
  const asked = request.query.get('page') ?? '1'
  if (!/^[1-9]\d{0,5}$/.test(asked)) throw badRequest('?page= is not a page number', 'Pages are counted from 1.')
  const end = Number(asked) * pageSize
  const items = all.slice(end - pageSize, end)
  return end < all.length ? { items, next: `${path}?page=${Number(asked) + 1}` } : { items }
}

/**
 * Refuses query parameters that the route does not know, and those that occur twice: a mistyped one, or the second, would be
 * ignored silently. Throws `BadRequest`.
 */
export function checkQuery(request: HttpRequest, known: readonly string[]): void {
  // The host joins repeated parameters with a comma before the runtime passes the query on: only the address shows them.
  const { searchParams } = new URL(request.url)
  const repeated = known.find((name) => searchParams.getAll(name).length > 1)
  if (repeated !== undefined) throw badRequest(`?${repeated}= occurs more than once`, 'Send it once.')
  // `code` and `clientId` are the platform's own: the function key, when it is not in the header.
  const unknown = [...request.query.keys()].filter((name) => ![...known, 'code', 'clientId'].includes(name))
  if (unknown.length === 0) return
  const may = known.length === 0 ? 'This route knows none.' : `This route knows ${known.join(', ')}.`
  throw badRequest('there is a query parameter that this route does not know', may)
}

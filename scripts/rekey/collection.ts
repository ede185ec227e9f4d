// Collections of the app: every page, as one list.

import type { AppClient, Body } from './app-client.ts'
import type { Column } from './fitted-table.ts'
import { moment } from './fitted-table.ts'
import type { Output } from './output.ts'

/** The filters of lists of targets. */
export const filterOptions = {
  status: { value: 'STATUS', about: 'only targets with this status, such as failed, overdue, due, paused' },
  provider: { value: 'ID', about: 'only targets of this provider' },
  vault: { value: 'URL', about: 'only targets with their secrets in this vault' },
  search: { value: 'TEXT', about: 'only targets with this in their name or resource' },
} as const

/** All pages together: the items, and the members that the first page has beside them. */
export async function wholeOf(app: AppClient, path: string, query: Readonly<Record<string, string | undefined>> = {}) {
  const value: Body[] = []
  let about: Record<string, unknown> = {}
  for await (const { value: items = [], nextLink: _, ...rest } of app.pages(path, query)) {
    value.push(...items)
    about = { ...rest, ...about }
  }
  return { ...about, value } as { readonly value: readonly Body[]; readonly asOf?: string }
}

/** A collection as a table, or as a document. What it is of, and how old it is, is on stderr. */
export function showCollection(
  output: Output,
  collection: Awaited<ReturnType<typeof wholeOf>>,
  columns: readonly Column<Body>[],
  [one, many]: readonly [string, string],
): void {
  output.document(collection)
  const { length } = collection.value
  if (length > 0) output.table(columns, collection.value)
  if (output.json) return
  const asOf = collection.asOf === undefined ? '' : `, as of ${moment(collection.asOf)}`
  output.note(`${length === 0 ? `No ${many}` : `${length} ${length === 1 ? one : many}`}${asOf}.`)
}

/** The columns of targets in lists. */
export const targetColumns: readonly Column<Body>[] = [
  { title: 'TARGET', of: ({ name }) => name },
  { title: 'PROVIDER', of: ({ provider }) => provider, spare: 2 },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'SLOT', of: ({ slot }) => slot, spare: 3 },
  { title: 'ROTATED', of: ({ rotatedAt }) => moment(rotatedAt), spare: 4 },
  { title: 'NEXT ROTATION', of: ({ nextRotationAt, dueAt }) => moment(nextRotationAt ?? dueAt) },
  { title: 'LAST ERROR', of: ({ lastError }) => lastError?.code, spare: 1 },
  { title: 'VAULT', of: ({ vault }) => vault, spare: 5 },
]

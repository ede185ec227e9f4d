// Collections of the app: every page, as one list.

import type { EmbeddedError } from '../../src/functions/http/schemas/error-schema.ts'
import type { TargetSummary } from '../../src/functions/http/schemas/target-schema.ts'
import type { AppClient } from './app-client.ts'
import { exitCodes } from './ended.ts'
import type { Column } from './fitted-table.ts'
import { moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'

/** The filters of lists of targets. */
export const filterOptions = {
  status: { value: 'STATUS', about: 'only targets with this status, or one of several: failed,overdue' },
  provider: { value: 'ID', about: 'only targets of this provider' },
  vault: { value: 'URL', about: 'only targets with their secrets in this vault' },
  search: { value: 'TEXT', about: 'only targets with this in their name or resource' },
} as const

/** A collection with all its pages. */
interface Whole<Item> {
  readonly value: readonly Loose<Item>[]
  readonly asOf?: string
  /** Why it is not complete. */
  readonly notRead?: readonly NotRead[]
}

/** An error, of one target where it has a name. */
type NotRead = Loose<EmbeddedError & { readonly target: string }>

/** A page as the app answers it. */
interface Page<Item> {
  readonly value: readonly Item[]
  readonly nextLink?: string
  readonly notRead?: readonly NotRead[]
}

/** All pages together: the items, what could not be read, and the other members that the first page has. */
export async function wholeOf<Item>(
  app: AppClient,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<Whole<Item>> {
  const value: Loose<Item>[] = []
  const unread: NotRead[] = []
  let about: Record<string, unknown> = {}
  for await (const page of app.pages<Page<Item>>(path, query)) {
    const { value: items, nextLink: _, notRead, ...rest } = page as Loose<Page<Item>> & { readonly asOf?: string }
    if (Array.isArray(items)) for (const item of items) value.push(item)
    if (Array.isArray(notRead)) for (const error of notRead) unread.push(error)
    about = { ...rest, ...about }
  }
  return { ...about, value, ...(unread.length > 0 && { notRead: unread }) }
}

/**
 * A collection as a table, or as a document. What it is of, how old it is and what is missing is on stderr. Returns the exit code: 1 if
 * something is missing.
 */
export function showCollection<Item>(
  output: Output,
  collection: Whole<Item>,
  columns: readonly Column<Loose<Item>>[],
  [one, many]: readonly [string, string],
): number {
  const { value, asOf, notRead = [] } = collection
  output.document(collection)
  if (value.length > 0) output.table(columns, value)
  for (const { target, code, message } of notRead) {
    output.note(`Not read${target === undefined ? '' : `: ${target}`}: ${message} (${code})`)
  }
  if (!output.json) {
    const count = value.length === 0 ? `No ${many}` : `${value.length} ${value.length === 1 ? one : many}`
    output.note(`${count}${asOf === undefined ? '' : `, as of ${moment(asOf)}`}.`)
  }
  return notRead.length === 0 ? exitCodes.done : exitCodes.failed
}

/** The columns of targets in lists. */
export const targetColumns: readonly Column<Loose<TargetSummary>>[] = [
  { title: 'TARGET', of: ({ name }) => name },
  { title: 'PROVIDER', of: ({ provider }) => provider, spare: 2 },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'SLOT', of: ({ slot }) => slot, spare: 3 },
  { title: 'ROTATED', of: ({ rotatedAt }) => moment(rotatedAt), spare: 4 },
  { title: 'NEXT ROTATION', of: ({ nextRotationAt, dueAt }) => moment(nextRotationAt ?? dueAt) },
  { title: 'LAST ERROR', of: ({ lastError }) => lastError?.code, spare: 1 },
  { title: 'VAULT', of: ({ vault }) => vault, spare: 5 },
]

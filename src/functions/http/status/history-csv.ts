// A history as CSV (RFC 4180), for an audit: opened in a spreadsheet, no cell of it is run.

import type { HttpRequest, HttpResponseInit } from '@azure/functions'
import { badRequest } from '../body.ts'
import type { HistoryEntry } from '../schemas/history-schema.ts'

/** A line of the history. Of a target that could not be read: its name and vault, and the error. */
export type HistoryLine = { readonly [Name in keyof HistoryEntry]?: HistoryEntry[Name] | undefined }

/** The header line, and the order of the cells. */
const columns = [
  'target',
  'vault',
  'secret',
  'output',
  'version',
  'createdAt',
  'expiresAt',
  'enabled',
  'slot',
  'reason',
  'actor',
  'note',
  'rotatedAt',
  'announced',
  'lastError',
] as const satisfies readonly (keyof HistoryEntry)[]

/** The query parameter for those that cannot send a header. */
export const formatParameter = 'format'

/** Whether the caller wants CSV: by `?format=csv`, or by the header `Accept`. Throws RekeyError `BadRequest` for another format. */
export function wantsCsv({ query, headers }: HttpRequest): boolean {
  const format = query.get(formatParameter)
  if (format !== null && format !== 'csv' && format !== 'json') {
    throw badRequest(`?${formatParameter}= is neither csv nor json`, 'Leave it out for JSON.')
  }
  if (format !== null) return format === 'csv'
  const accepted = (headers.get('accept') ?? '').split(',').map((each) => each.split(';').map((part) => part.trim()))
  return accepted.some(([type = '', ...rest]) => type.toLowerCase() === 'text/csv' && !rest.some(isRefused))
}

/** A weight of zero: the caller does not take this type. */
function isRefused(parameter: string): boolean {
  return /^q\s*=\s*0(\.0*)?$/i.test(parameter)
}

/** 200 with the lines. `next`: the address of the next page, in the header `Link`. */
export function csvAnswer(lines: readonly HistoryLine[], next?: string): HttpResponseInit {
  const rows = [columns, ...lines.map((line) => columns.map((column) => textOf(line[column])))]
  return {
    status: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="rekey-history.csv"',
      'cache-control': 'no-store',
      ...(next === undefined ? {} : { link: `<${next}>; rel="next"` }),
    },
    body: rows.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join(''),
  }
}

function textOf(value: HistoryLine[keyof HistoryLine]): string {
  if (typeof value === 'object') return value.code
  return value === undefined ? '' : String(value)
}

/** Quoted where it must be. A spreadsheet runs what begins like a formula, and callers choose notes: an apostrophe makes it text. */
function cellOf(text: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

// Tables that fit the terminal: a narrow one leaves columns out, the least important first, and cuts what is still too long.

import { columns as aligned, widthsOf } from '../../simulator/local/columns.ts'
import { plain } from './plain-text.ts'

export interface Column<Row> {
  readonly title: string
  /** What the cell says; nothing where it does not apply. */
  of(row: Row): unknown
  /** The order in which columns are left out, the highest first, and any that has no value. Without it the column stays. */
  readonly spare?: number
}

const gap = 2
/** No column is cut to less than this. */
const least = 6

/** The rows under a header. `width`: the columns of the terminal. */
export function fitted<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  let shown = columns.filter((column) => column.spare === undefined || rows.some((row) => cell(column.of(row)) !== ''))
  let cells = cellsOf(shown, rows)
  while (lengthOf(cells) > width) {
    const first = shown.reduce((most, column) => ((column.spare ?? 0) > (most.spare ?? 0) ? column : most))
    if (first.spare === undefined) break
    shown = shown.filter((column) => column !== first)
    cells = cellsOf(shown, rows)
  }
  return aligned(cut(cells, width))
}

/** Names and values, one a line; those without a value are left out. No line is broken: a command in it is to be copied. */
export function listed(entries: readonly (readonly [name: string, value: unknown])[]): string {
  const present = entries.filter(([, value]) => cell(value) !== '')
  return aligned(present.map(([name, value]) => [name, cell(value)]))
}

/** A moment as people read it, in UTC: `2026-11-21 23:20Z`. What is no moment stays as it is. */
export function moment(value: unknown): string {
  const text = cell(value)
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:/.test(text) ? `${text.slice(0, 10)} ${text.slice(11, 16)}Z` : text
}

/** A value of an answer as one line of a table. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return plain(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

function cellsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  return [columns.map(({ title }) => title), ...rows.map((row) => columns.map((column) => cell(column.of(row))))]
}

function lengthOf(cells: readonly (readonly string[])[]): number {
  return widthsOf(cells).reduce((sum, width) => sum + width + gap, -gap)
}

/** Cuts the widest column, again and again, until the line fits. The end of an address says more than its beginning. */
function cut(cells: readonly (readonly string[])[], width: number): readonly (readonly string[])[] {
  const widths = widthsOf(cells)
  const length = () => widths.reduce((sum, each) => sum + each + gap, -gap)
  while (length() > width && Math.max(...widths) > least) {
    const widest = widths.indexOf(Math.max(...widths))
    widths[widest] = Math.max(least, widths[widest]! - (length() - width))
  }
  return cells.map((row) => row.map((text, at) => shortened(text, widths[at]!)))
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  return text.startsWith('/') || text.startsWith('https:') ? `…${text.slice(1 - most)}` : `${text.slice(0, most - 1)}…`
}

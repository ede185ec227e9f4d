// What a command prints: tables and sentences for people, one JSON document with --json.

import type { Progress } from '../../simulator/local/print-demo.ts'
import { type Column, fitted, listed } from './fitted-table.ts'
import { plain, plainJson, plainLines } from './plain-text.ts'
import { type Confirmation, confirm, progressIn, type Terminal, widthOf } from './terminal.ts'

export interface Output {
  /** Whether a script reads: `document` prints, and the others do not. */
  readonly json: boolean
  /** The result, for scripts. */
  document(value: unknown): void
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void
  /** Names and values, one a line; those without a value are left out. */
  list(entries: readonly (readonly [name: string, value: unknown])[]): void
  /** A sentence of the result. */
  text(text: string): void
  /** Text as it is, for a file. On a terminal it is made safe. */
  raw(text: string): void
  /** What is not the result, on stderr, also for scripts. */
  note(text: string): void
  progress(): Progress
  /** Returns if it is confirmed. Throws Ended. */
  confirm(confirmation: Confirmation): Promise<void>
}

export function outputTo(terminal: Terminal, json: boolean): Output {
  const { stdout, stderr } = terminal
  const width = widthOf(terminal)
  const people = (text: string) => {
    if (!json) stdout.write(`${text}\n`)
  }
  return {
    json,
    document: (value) => {
      if (json) stdout.write(`${plainJson(value)}\n`)
    },
    table: (columns, rows) => people(fitted(columns, rows, width)),
    list: (entries) => people(listed(entries)),
    text: (text) => people(plainLines(text)),
    raw: (text) => void stdout.write(stdout.isTTY === true ? `${plainLines(text)}` : text),
    // A progress line may be there.
    note: (text) => void stderr.write(`${stderr.isTTY === true ? '\r\u001b[2K' : ''}${plain(text)}\n`),
    progress: () => progressIn(terminal),
    confirm: (confirmation) => confirm(terminal, confirmation),
  }
}

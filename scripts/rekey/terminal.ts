// Where a command reads and writes: results on stdout; progress, questions and errors on stderr.

import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Progress, progressOn } from '../../simulator/local/print-demo.ts'
import { Ended } from './ended.ts'
import { plain } from './plain-text.ts'

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** How many columns a table may have: as many as it likes where no terminal shows it. */
export function widthOf({ stdout }: Terminal): number {
  return stdout.isTTY === true ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY
}

/** Progress on stderr: one line that changes on a terminal; elsewhere a line for each new state. */
export function progressIn({ stderr }: Terminal): Progress {
  const { changes, say, end } = progressOn(stderr as NodeJS.WriteStream)
  return { changes, say: (text) => say(plain(text)), end }
}

/**
 * Asks for a confirmation. Returns if it is given, with `yes` without asking. Throws Ended where the answer is not "yes" or "y", and where
 * nobody can be asked.
 */
export async function confirm(terminal: Terminal, question: string, yes: boolean): Promise<void> {
  if (yes) return
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new Ended('usage', {
      code: 'NotConfirmed',
      detail: `${question}: this needs a confirmation, and there is no terminal to ask on. Nothing was changed.`,
      remedy: 'Add --yes to confirm it on the command line.',
    })
  }
  stderr.write(`${plain(question)}? [y/N] `)
  const answer = await lineFrom(stdin)
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new Ended('usage', { code: 'NotConfirmed', detail: 'Not confirmed. Nothing was changed.' })
}

/** One line of the input; an empty one if it ends first. */
function lineFrom(stdin: Readable): Promise<string> {
  const lines = createInterface({ input: stdin })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => resolve(''))
  })
}

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

/** What is to be confirmed. */
export interface Confirmation {
  /** What will be done, naming the targets, such as `revoke every key of vision`. */
  readonly what: string
  /** What follows for consumers, as a sentence. */
  readonly warning?: string
  /** It is confirmed on the command line. */
  readonly yes: true | undefined
}

/** Returns if it is confirmed. Throws Ended where the answer is not "yes" or "y", and where there is no terminal to ask on. */
export async function confirm(terminal: Terminal, { what, warning, yes }: Confirmation): Promise<void> {
  if (yes) return
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new Ended('usage', {
      code: 'NotConfirmed',
      detail: `to ${what} needs a confirmation, and there is no terminal to ask on. Nothing was changed`,
      remedy: 'Add --yes to confirm it on the command line.',
    })
  }
  const question = `${what.charAt(0).toUpperCase()}${what.slice(1)}? [y/N] `
  stderr.write(plain(warning === undefined ? question : `${warning} ${question}`))
  const answer = await lineFrom(stdin)
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new Ended('usage', { code: 'NotConfirmed', detail: 'not confirmed: nothing was changed' })
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

// A terminal whose output a test reads, and whose answers it gives.

import { PassThrough, Writable } from 'node:stream'
import { runCommand } from '../../scripts/rekey/run-command.ts'
import type { Terminal } from '../../scripts/rekey/terminal.ts'
import type { Captured } from '../captured-child.ts'

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What is typed. With it there is a terminal; without it there is none. */
  readonly typed?: string
  /** The columns of the terminal that shows stdout. */
  readonly columns?: number
}

/** Runs a command line in this process. */
export async function run(line: readonly string[], { env = {}, typed, columns }: Surroundings = {}): Promise<Captured> {
  const [stdout, out] = sink(columns !== undefined)
  const [stderr, err] = sink(typed !== undefined)
  const stdin = Object.assign(new PassThrough(), { isTTY: typed !== undefined })
  stdin.end(typed ?? '')
  const terminal: Terminal = { env, stdin, stdout: Object.assign(stdout, { columns: columns ?? 80 }), stderr }
  return { code: await runCommand(line, terminal), out: out(), err: err() }
}

function sink(isTTY: boolean) {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return [Object.assign(stream, { isTTY }), () => Buffer.concat(chunks).toString('utf8')] as const
}

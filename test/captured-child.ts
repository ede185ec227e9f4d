// What a child process printed where, and how it ended.

import type { ChildProcessWithoutNullStreams } from 'node:child_process'

export interface Captured {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Waits for the end of the process and of its output. A process that a signal ended has code 1. */
export async function captured(child: ChildProcessWithoutNullStreams): Promise<Captured> {
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  const { promise, resolve } = Promise.withResolvers<number>()
  child.on('close', (code) => resolve(code ?? 1))
  return { code: await promise, out, err }
}

// Room: the doorways. What one health check says.

import { RekeyError } from '../../rotation/errors.ts'

/**
 * `well`; `failed`, with what to do; `unseen`: cannot be known without changing something, or not at all. What cannot be
 * seen is said, so that nobody takes silence for health.
 */
export interface Check {
  readonly check: string
  /** The vault, queue, topic, or ARM scope. */
  readonly place: string
  readonly status: 'well' | 'failed' | 'unseen'
  readonly detail?: string
  readonly code?: string
  readonly remedy?: string
  /** Whom it concerns. */
  readonly targets?: readonly string[]
}

/** Runs one check; a RekeyError is its failure, everything else is thrown. */
export async function checked(check: string, place: string, run: () => Promise<string>): Promise<Check> {
  try {
    return { check, place, status: 'well', detail: await run() }
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    const { remedy } = error.details
    return { check, place, status: 'failed', code: error.code, detail: error.message, ...(remedy ? { remedy } : {}) }
  }
}

export function unseen(check: string, place: string, detail: string): Check {
  return { check, place, status: 'unseen', detail }
}

// Facts about Azure that the simulator is held against.

import { test } from 'node:test'

export interface Source {
  /** `Azure/azure-cli`, or a site. */
  readonly repository: string
  /** File, issue or page. */
  readonly file: string
  /** When it was recorded, reported or published: `2023-07-25`, or `2025`. */
  readonly date: string
}

/** A test of one fact: `says` states what Azure answers, `source` where that is written, `run` holds the simulator against it. */
export function fact(says: string, source: Source, run: () => Promise<void>): void {
  test(`${says} (${source.repository}, ${source.file}, ${source.date})`, run)
}

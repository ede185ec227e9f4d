// What happened in a history, as far as the rules need it.

import type { RekeyEvent } from '../../../src/engine/events.ts'
import type { RotationRequest } from '../../../src/engine/request.ts'
import type { Run } from './stage.ts'

export interface Asked {
  readonly request: RotationRequest
  /** By the world's clock, whatever the clock of whoever asked said. */
  readonly at: number
  /** How many slots held a key that a revoke wants gone, and the newest key that had been current by then. */
  readonly oldSlots: number
  judged: boolean
}

export interface Regeneration {
  readonly at: number
  readonly run: Run
  readonly reason: string
  readonly slot: string
  /** It landed outside its lease. */
  readonly late: boolean
  /** The version of the lead then. */
  readonly lead: string | undefined
}

export interface Ledger {
  readonly asked: Asked[]
  readonly regenerations: Regeneration[]
  /** Versions of the lead, in order. */
  readonly leads: { readonly version: string; readonly key: string; readonly at: number }[]
  /** Event by id, in the order of their first announcement. */
  readonly events: Map<string, RekeyEvent>
  /** Requests that ended in a failure which their caller was given. */
  readonly failed: Set<string>
  /** Requests whose worker was disturbed between a regenerate and its record: each may cost one more regenerate. */
  readonly slack: Map<string, number>
  /** Versions whose tags a write outside its lease has changed. */
  readonly lateTags: Set<string>
  readonly reasons: Set<string>
  /** When an operator last changed the service or the vault, and when an effect last landed too late. */
  meddledAt: number
  lateAt: number
  /** Operations of the service that are not over. */
  underWay: number
  /** When the service was last read. */
  readAt: number
}

export function ledger(start: number): Ledger {
  return {
    asked: [],
    regenerations: [],
    leads: [],
    events: new Map(),
    failed: new Set(),
    slack: new Map(),
    lateTags: new Set(),
    reasons: new Set(),
    meddledAt: start,
    lateAt: Number.NEGATIVE_INFINITY,
    underWay: 0,
    readAt: Number.NEGATIVE_INFINITY,
  }
}

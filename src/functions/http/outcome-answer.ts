// Outcomes as callers see them: times and durations in ISO 8601, errors without their class.

import { formatDuration, iso } from '../../engine/duration.ts'
import type { Outcome } from '../../engine/outcome.ts'

/** What a reconcile did, as JSON; absent members do not apply. */
export function describeOutcome(outcome: Outcome) {
  const { target, provider, status, reason, again, error, overlap, rotatedAt, expiresOn, busy: _, ...rest } = outcome
  return {
    target,
    provider,
    status,
    reason,
    ...rest,
    rotatedAt: iso(rotatedAt),
    expiresOn: iso(expiresOn),
    overlap: typeof overlap === 'number' ? formatDuration(overlap) : overlap,
    again: iso(again?.at),
    ...(error && { code: error.code, detail: error.message, remedy: error.details.remedy }),
  }
}

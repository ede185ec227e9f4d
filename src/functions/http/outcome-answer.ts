// Outcomes as callers see them: times and durations in ISO 8601.

import { formatDuration, iso } from '../../engine/duration.ts'
import type { Outcome } from '../../engine/outcome.ts'
import type { Outcome as OutcomeAnswer } from './schemas/outcome-schema.ts'

/**
 * What a reconcile did, as JSON; absent members do not apply. `nextTryAt`: when the queue goes on. Its error is left to the problem
 * or the operation that the outcome is a part of.
 */
export function describeOutcome(outcome: Outcome): OutcomeAnswer {
  const {
    target,
    provider,
    status,
    reason,
    again,
    overlap,
    rotatedAt,
    expiresOn,
    error: _,
    busy: __,
    ...rest
  } = outcome
  return {
    target,
    provider,
    status,
    reason,
    ...rest,
    rotatedAt: iso(rotatedAt),
    expiresAt: iso(expiresOn),
    overlap: typeof overlap === 'number' ? formatDuration(overlap) : overlap,
    nextTryAt: iso(again?.at),
  }
}

// When a target is reconciled again, and with what: decided here, and nowhere else.

import type { Decision } from './checks.ts'
import type { ErrorCode, RekeyError } from './rekey-error.ts'
import { isExplicit, isRevoke, type RotationRequest } from './request.ts'
import type { Reason } from './stored-secret.ts'
import { type Duration, type Instant, minutes, seconds } from './target.ts'

/** When to come back. A request that a caller made must not be lost, so it comes back itself; any other as a resync. */
export interface Again {
  readonly after: Duration
  readonly at: Instant
  readonly with: 'request' | 'resync'
  /** Where many wait for the same thing, they must not come back together: then after a random time between these two. */
  readonly between?: readonly [earliest: Duration, latest: Duration]
  /** Throttled: then at the next turn of those that share its limit, after that time at the earliest. */
  readonly inTurn?: true
}

/** How a reconcile ended, as far as it matters for coming back. */
export interface Ending {
  /** The decision that it stopped at. */
  readonly decision?: Extract<Decision, { kind: 'wait' | 'blocked' }>
  readonly error?: RekeyError
  /** Another worker holds the lease. */
  readonly busy?: true
  /** Why the outcome says that it did what it did, or did nothing. */
  readonly reason?: Reason | undefined
}

/** How soon a revoke that waits for an operator is tried again. */
export const revokeInterval: Duration = minutes(10)
const pausedInterval: Duration = minutes(10)
const busyInterval: Duration = seconds(30)
/** An unanswered write may still land until then; and until then the lease keeps others away. */
const unansweredWrite: Duration = seconds(150)
/** The request itself is wrong or over: neither time nor an operator mends that. */
const endsRevokes: ReadonlySet<ErrorCode> = new Set(['RequestExpired', 'FromTheFuture', 'NotSupported', 'BadRequest'])

/** When to come back after this ending; undefined: nothing is left to do, or the schedule comes back by itself. */
export function comeBack(ending: Ending, request: RotationRequest, now: Instant): Again | undefined {
  const after = waitAfter(ending, request, now)
  if (after === undefined) return undefined
  const explicit = isExplicit(request)
  const left = request.expiresAt - now - after
  // Every tick queues the targets that are due again: resyncs that outlived their tick would pile up.
  if (!explicit && left < 0) return undefined
  const between = spread(ending, request, after, left)
  const inTurn = explicit && ending.error?.code === 'Throttled'
  const together = { ...(between && { between }), ...(inTurn && { inTurn }) }
  return { after, at: now + after, with: explicit ? 'request' : 'resync', ...together }
}

function waitAfter({ decision, error, busy }: Ending, request: RotationRequest, now: Instant): Duration | undefined {
  if (busy) return busyInterval
  if (error) return afterError(error, request)
  if (decision?.kind === 'blocked') return isExplicit(request) ? pausedInterval : undefined
  if (decision?.kind !== 'wait') return undefined
  // A due date that must cool comes back with the schedule: only what a caller asked for is waited for.
  if (decision.reason === 'cooling' && request.createdAfter === undefined && request.swap === undefined)
    return undefined
  return Math.max(decision.until - now, seconds(1))
}

/**
 * After a passing failure when that says; a revoke after a lasting one as well, since a missing right or a lock must not keep a leaked key
 * alive.
 */
function afterError({ code, details }: RekeyError, request: RotationRequest): Duration | undefined {
  const { retryAfter, outcomeUnknown } = details
  if (retryAfter === undefined) return isRevoke(request) && !endsRevokes.has(code) ? revokeInterval : undefined
  return outcomeUnknown && code !== 'OutcomeUnknown' ? Math.max(retryAfter, unansweredWrite) : retryAfter
}

function spread(
  { error, busy, reason }: Ending,
  request: RotationRequest,
  after: Duration,
  left: Duration,
): Again['between'] {
  if (busy) return [(after * 2) / 3, (after * 4) / 3]
  // Retried together, throttled requests would spend the whole rate on listing keys, and leave none for a regenerate.
  if (error?.code === 'Throttled' && !isExplicit(request)) return [after, after + left]
  // All requests wait for the same moment here. The first may make the others wait once more, but never a revoke.
  const together = error?.code === 'ServiceBusy' || reason === 'settling'
  if (together && !isRevoke(request)) return [after + seconds(15), after + seconds(45)]
  return undefined
}

// Whether keys are young enough for what was asked for: for the checks, and for whoever asks how far a request has got.

import type { Stamps } from './observation.ts'
import { clockBound, type Instant } from './target.ts'

const unknownAge = Number.NEGATIVE_INFINITY

/** What the lead's tag says of the keys' ages. */
export type Aged = Partial<Pick<Stamps, 'createdAfter' | 'standbyCreatedAfter' | 'pending' | 'reason' | 'retire'>>

/** A lower bound of when the active key was made. */
export function activeSince({ createdAfter }: Aged): Instant {
  return createdAfter ?? unknownAge
}

/** A lower bound of when the standby's key was made. */
export function standbySince({ standbyCreatedAfter, pending }: Aged): Instant {
  return Math.max(standbyCreatedAfter ?? unknownAge, pending?.state === 'created' ? pending.since : unknownAge)
}

/** Whether the active key is new enough for `createdAfter`: the request's moment decides, so the same request twice is one rotation. */
function isNewEnough(stamps: Aged, after: Instant): boolean {
  return activeSince(stamps) >= after
}

/**
 * Whether a key that is new enough for `after` is active, or was until a promote went back from it: the standby slot still holds it then
 * (`retire`). That decision is younger than the request, so a late copy of the request must not undo it.
 */
export function wasRotated(stamps: Aged, after: Instant): boolean {
  if (isNewEnough(stamps, after)) return true
  return stamps.reason === 'promoted' && stamps.retire === true && (stamps.standbyCreatedAfter ?? unknownAge) >= after
}

/** Clocks differ by up to ε: two moments less than that apart cannot be put in order. */
function isAsGood(age: Instant, moment: Instant): boolean {
  return age > moment - clockBound
}

/**
 * Whether the active key may stay after a revoke. It is exact, unless a revoke published the key: a second revoke less than ε after the first
 * is the same one, and would kill the key that was just published.
 */
export function activeSurvives(stamps: Aged, before: Instant): boolean {
  const age = activeSince(stamps)
  return age >= before || (stamps.reason === 'revoked' && isAsGood(age, before))
}

/** The same of the standby's key, where the revoke that published the active one has made it: no consumer was given it. */
export function standbySurvives(stamps: Aged, before: Instant): boolean {
  const age = standbySince(stamps)
  // A key that waits to be published was made for another request, after that revoke.
  const waits = stamps.pending?.state === 'created'
  return age >= before || (stamps.reason === 'revoked' && !stamps.retire && !waits && isAsGood(age, before))
}

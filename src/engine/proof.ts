// Whether a key may replace a live one, by what the data plane says of it: pure, no I/O.

import { clockBound, type Duration, days, hours, type Instant, minutes, settle } from './target.ts'

/**
 * What the data plane says of a key that is to replace the active one.
 * `accepted`; `refused`: by a request that accepts the active key; `says nothing`: the same request refuses the active key too, or neither
 * gets an answer; `unclear`: only one of the two gets an answer, and it proves nothing; `no probe`: the target has none.
 */
export type Evidence = 'accepted' | 'refused' | 'says nothing' | 'unclear' | 'no probe'

/** How long a key may wait before that is announced. */
export const notifyAfter: Duration = hours(1)
/** How long a key waits for a verdict before it is published without one. */
export const verdictLimit: Readonly<Record<'rotation' | 'revoke', Duration>> = {
  rotation: days(1),
  revoke: minutes(10),
}

export interface Waiting {
  readonly now: Instant
  /** Whether a probe has once accepted a key of this target. */
  readonly proven: boolean
  /** Since when no probe has given a verdict; undefined: until now one has. */
  readonly unanswered: Instant | undefined
  /** When the key could be tried first: from then on it is tried less and less often. */
  readonly tried: Instant
  readonly kind: keyof typeof verdictLimit
}

export type Permission =
  /** `proven`: undefined where nothing was learned. */
  | { readonly publish: true; readonly proven?: boolean }
  | { readonly publish: false; readonly until: Instant; readonly unanswered?: Instant }

/** Whether a key may replace a live one now, or when to ask again. A key without a verdict waits: the active one works meanwhile. */
export function permit(evidence: Evidence, waiting: Waiting): Permission {
  if (evidence === 'no probe') return { publish: true }
  if (evidence === 'accepted') return { publish: true, proven: true }
  if (evidence === 'refused') return { publish: false, until: waiting.now + pause(waiting) }
  return withoutVerdict(evidence, waiting)
}

function withoutVerdict(evidence: 'says nothing' | 'unclear', waiting: Waiting): Permission {
  const { now, proven, kind } = waiting
  const unanswered = waiting.unanswered ?? now
  const giveUp = unanswered + verdictLimit[kind]
  // The network was closed for good: waiting longer would end in an expired key.
  if (now >= giveUp) return { publish: true, proven: false }
  const until = Math.min(now + pause({ ...waiting, tried: Math.max(waiting.tried, unanswered) }), giveUp)
  if (proven) return { publish: false, until, unanswered }
  // No probe of this target has ever been answered, as behind a private endpoint. One lost answer is still not enough.
  const second = unanswered + settle + clockBound
  if (now < second) return { publish: false, until: Math.min(second, giveUp), unanswered }
  if (evidence === 'says nothing') return { publish: true, proven: false }
  return { publish: false, until, unanswered }
}

/** 1, 2, 4, … 15 minutes: about as long as it has been tried already. */
function pause({ now, tried }: Waiting): Duration {
  return Math.min(minutes(15), Math.max(minutes(1), now - tried + minutes(1)))
}

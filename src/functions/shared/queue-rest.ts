// Carries on what an outcome leaves to do.

import type { App } from '../../compose.ts'
import type { Outcome } from '../../engine/outcome.ts'
import { shareOf } from '../../engine/pace.ts'
import type { RequestQueue } from '../../engine/ports.ts'
import { isRevoke, type RotationRequest } from '../../engine/request.ts'
import { type Duration, minutes, seconds, type Target } from '../../engine/target.ts'
import { revokeWrites } from './many-candidate.ts'

/** How a request comes back where many do. `random`: in [0, 1). */
interface ComingBack {
  readonly random: () => number
  /** The delay of a throttled request, from the earliest one. */
  readonly turn: (earliest: Duration) => Duration
}

/**
 * Queues what the outcome leaves to do, as a new message: returning the message would count towards the poison queue. The same
 * request: its id lets a failure be announced once, and its expiry ends it. `random` and `turn` choose the moment.
 */
export async function queueRest(
  outcome: Outcome,
  request: RotationRequest,
  queue: RequestQueue,
  { random, turn }: ComingBack,
): Promise<void> {
  if (outcome.again === undefined) return
  const { after, between: [earliest, latest] = [after, after], inTurn } = outcome.again
  const delay = inTurn ? turn(after) : earliest + (latest - earliest) * random()
  await queue.send(afterOutcome(request, outcome), delay)
}

/**
 * How a request comes back where many do. Throttled revokes take turns at the whole limit of their service, other requests at the half, so
 * that no revoke waits for them.
 */
export function comingBack(app: App, target: Target, request: RotationRequest): ComingBack {
  return {
    random: Math.random,
    turn: (earliest) => {
      const now = app.clock.now()
      const share = isRevoke(request) ? 'whole' : 'half'
      const { writes, allowance } = app.providerOf(target)
      const needed = isRevoke(request) ? revokeWrites(app, target, request.atOnce) : writes
      const line = `${share} ${app.placeOf(target).budget.toLowerCase()}`
      const length = seconds(needed / shareOf(allowance, share).perSecond)
      return app.turns.next(line, length, now + Math.max(earliest, pause(request))) - now
    },
  }
}

/**
 * Turns are known to one instance. Where others have the limit too, a request that is throttled again and again waits half as long again each
 * time, up to a minute: so no revoke waits for much longer than it has waited already.
 */
function pause({ throttled = 0 }: RotationRequest): Duration {
  return Math.min(seconds(1.5 ** throttled), minutes(1)) * (0.5 + Math.random() / 2)
}

/** The request as it is tried again: it says how often it was throttled, and which lasting failure has been announced, so that this is not repeated. */
function afterOutcome(request: RotationRequest, { error, again }: Outcome): RotationRequest {
  if (again?.inTurn) return { ...request, throttled: (request.throttled ?? 0) + 1 }
  return error === undefined || error.transient ? request : { ...request, failedWith: error.code }
}

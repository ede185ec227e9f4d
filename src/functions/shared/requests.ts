// Room: the doorways. The requests that doorways make, and what becomes of what an outcome leaves to do.

import type { Outcome } from '../../rotation/outcome.ts'
import type { RequestQueue } from '../../rotation/ports.ts'
import type { RotationRequest } from '../../rotation/request.ts'
import { type Duration, days, hours, type Instant, type Target } from '../../rotation/target.ts'

/** Until when a request that somebody made is wanted: a week longer than the overlap that it may have to wait out. */
export function wantedUntil(target: Target, now: Instant): Instant {
  return now + target.overlap + days(7)
}
/** How long a look stays wanted: the next one comes by itself. */
export const lookLife: Duration = hours(1)

/** Look at the target, and do what is due. */
export function look(target: string, id: string, actor: string, now: Instant): RotationRequest {
  return { id, target, actor, expiresAt: now + lookLife }
}

/**
 * Queues what the outcome leaves to do, as a new message: a message put back would burn the poison count. A look at the
 * target keeps the id of the request before it, so that the same failure is told once. `random`, in [0, 1), keeps those
 * who wait for the same lease from coming back together.
 */
export async function queueRest(
  outcome: Outcome,
  request: RotationRequest,
  queue: RequestQueue,
  random: () => number,
): Promise<void> {
  const { again, busy } = outcome
  if (again === undefined) return
  const { ignoreWindow } = request
  const lookAgain = look(request.target, request.id, request.actor, again.at)
  const next = again.with === 'request' ? request : { ...lookAgain, ...(ignoreWindow ? { ignoreWindow } : {}) }
  await queue.send(next, busy ? again.after * (2 / 3 + (2 / 3) * random()) : again.after)
}

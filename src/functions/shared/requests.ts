// Builds the requests of all triggers, and carries on what an outcome leaves to do.

import type { Outcome } from '../../engine/outcome.ts'
import type { RequestQueue } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { type Duration, days, hours, type Instant, type Target } from '../../engine/target.ts'

/** When a caller's request expires: a week after the overlap that it may have to wait for. */
export function wantedUntil(target: Target, now: Instant): Instant {
  return now + target.overlap + days(7)
}

/** How long a resync stays queued, however often it is retried: the schedule queues another by itself. */
export const resyncLife: Duration = hours(1)

/** The request to resync the target, and do what is due. */
export function resyncRequest(target: string, id: string, actor: string, now: Instant): RotationRequest {
  return { id, target, actor, expiresAt: now + resyncLife }
}

/** Why a disabled target is not changed. */
export function asDisabled(target: Target): RekeyError {
  return new RekeyError('Disabled', {
    target: target.name,
    message: 'targets.json has "enabled": false for this target',
    remedy: 'Set it to true, or leave it out, and ask again a minute later.',
  })
}

/**
 * Queues what the outcome leaves to do, as a new message: returning the message would count towards the poison queue. The same
 * request: its id lets a failure be announced once, and its expiry ends it. `random`, in [0, 1), chooses the moment.
 */
export async function queueRest(
  outcome: Outcome,
  request: RotationRequest,
  queue: RequestQueue,
  random: () => number,
): Promise<void> {
  if (outcome.again === undefined) return
  const { after, between: [earliest, latest] = [after, after] } = outcome.again
  await queue.send(afterOutcome(request, outcome), earliest + (latest - earliest) * random())
}

/** The request as it is tried again: it says which lasting failure has been announced, so that this is not repeated. */
function afterOutcome(request: RotationRequest, { error }: Outcome): RotationRequest {
  return error === undefined || error.transient ? request : { ...request, failedWith: error.code }
}

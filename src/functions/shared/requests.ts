// Builds the requests of all triggers, and carries on what an outcome leaves to do.

import { RekeyError } from '../../rotation/errors.ts'
import type { Outcome } from '../../rotation/outcome.ts'
import type { RequestQueue } from '../../rotation/ports.ts'
import type { RotationRequest } from '../../rotation/request.ts'
import { type Duration, days, hours, type Instant, seconds, type Target } from '../../rotation/target.ts'

/** Until when a request that somebody made is wanted: a week longer than the overlap that it may have to wait out. */
export function wantedUntil(target: Target, now: Instant): Instant {
  return now + target.overlap + days(7)
}
/** How long a look stays wanted, however often it has to come back: the schedule looks again by itself. */
export const lookLife: Duration = hours(1)

/** Look at the target, and do what is due. */
export function look(target: string, id: string, actor: string, now: Instant): RotationRequest {
  return { id, target, actor, expiresAt: now + lookLife }
}

/** Why nobody changes a target that is switched off. */
export function asDisabled(target: Target): RekeyError {
  return new RekeyError('Disabled', {
    target: target.name,
    message: 'targets.json has "enabled": false for this target',
    remedy: 'Set it to true, or leave it out, and ask again a minute later.',
  })
}

/**
 * Queues what the outcome leaves to do, as a new message: a message put back would burn the poison count. The same request:
 * its id lets a failure be told once, and its expiry ends it. A look that would come back later than that is dropped:
 * every tick queues anew whoever is due, and messages that outlived their tick would become more with each. `random`, in
 * [0, 1), keeps those from coming back together who wait for the same thing.
 */
export async function queueRest(
  outcome: Outcome,
  request: RotationRequest,
  queue: RequestQueue,
  random: () => number,
): Promise<void> {
  const { again } = outcome
  if (again === undefined) return
  const left = request.expiresAt - again.at
  if (again.with === 'look' && left < 0) return
  const [earliest, latest] = comeBack(outcome, request, left)
  await queue.send(afterOutcome(request, outcome), earliest + (latest - earliest) * random())
}

/** The request as it is tried again: it says which lasting failure has been announced, so that this is not repeated. */
function afterOutcome(request: RotationRequest, { error }: Outcome): RotationRequest {
  return error === undefined || error.transient ? request : { ...request, failedWith: error.code }
}

function comeBack(outcome: Outcome, request: RotationRequest, left: Duration): readonly [Duration, Duration] {
  const { after, with: what } = outcome.again!
  if (outcome.busy) return [(after * 2) / 3, (after * 4) / 3]
  // Coming back together, a herd that is throttled spends what trickles in on reading keys, and has none left to make one.
  if (what === 'look' && outcome.error?.code === 'Throttled') return [after, after + left]
  // Everybody waits for the same moment here. Whoever comes first may make the others wait once more: not a leaked key.
  const together = outcome.error?.code === 'ServiceBusy' || outcome.reason === 'settling'
  if (together && request.revokeBefore === undefined) return [after + seconds(15), after + seconds(45)]
  return [after, after]
}

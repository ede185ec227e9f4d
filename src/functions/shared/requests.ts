// Builds the requests of all triggers.

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

// What a caller or the schedule wants to be true. Safe to deliver late and often.

import { iso } from './duration.ts'
import type { KeySlot } from './key-ring.ts'
import { RekeyError } from './rekey-error.ts'
import { clockBound, type Instant } from './target.ts'

/** A desired state for one target. With none of the optional fields it means: resync now, and do what is due. */
export interface RotationRequest {
  /** Stable over redeliveries. */
  readonly id: string
  readonly target: string
  /** Who asked: a signed-in name, `http`, `schedule`, `near-expiry`, `resource-event` or `resync`. */
  readonly actor: string
  readonly note?: string
  /** A key created after this moment. */
  readonly createdAfter?: Instant
  /** Skip the cooling guard. */
  readonly force?: boolean
  /** Make this slot the active one without regenerating; only while the lead is still at version `from`. */
  readonly promote?: { readonly slot: KeySlot; readonly from: string }
  /** Move the active key to this slot at the service; only while the lead is still at version `from`. */
  readonly swap?: { readonly slot: KeySlot; readonly from: string }
  /** No slot may hold a key older than this. */
  readonly revokeBefore?: Instant
  /** Revoke every slot in one call, where the service can. */
  readonly atOnce?: boolean
  /** The code of the lasting failure that was announced last, where the request is tried again after it. */
  readonly failedWith?: string
  /** How often its service has throttled it. */
  readonly throttled?: number
  /** Compared with its service after this moment, and drift repaired; what is due may wait. */
  readonly comparedAfter?: Instant
  /** With `comparedAfter`: an event asks for it, and no caller waits. It is over once the target was compared after that moment. */
  readonly byEvent?: true
  /** Scheduled rotations may happen outside the window: the secret has expired. */
  readonly ignoreWindow?: boolean
  /** After this moment the request is dropped, and that is announced. */
  readonly expiresAt: Instant
}

/** Whether a caller asked for something, rather than for a resync. An explicit request is kept alive while it must wait. */
export function isExplicit(request: RotationRequest): boolean {
  return (
    request.createdAfter !== undefined ||
    request.promote !== undefined ||
    request.swap !== undefined ||
    request.revokeBefore !== undefined ||
    (request.comparedAfter !== undefined && request.byEvent === undefined)
  )
}

/** Whether the request revokes keys. A revoke is never dropped: it is tried again until it is carried out or expires. */
export function isRevoke(request: RotationRequest): boolean {
  return request.revokeBefore !== undefined
}

/**
 * Refuses a request that no clock of ours can have made: a `createdAfter` or `revokeBefore` further ahead than the clock
 * bound would regenerate again and again until that moment has come.
 * Throws RekeyError `FromTheFuture` or `RequestExpired`.
 */
export function checkRequest(request: RotationRequest, now: Instant): void {
  const latest = Math.max(request.createdAfter ?? 0, request.revokeBefore ?? 0)
  if (latest > now + clockBound) {
    throw new RekeyError('FromTheFuture', {
      target: request.target,
      message: `the request asks for a key created after ${iso(latest)}, which is still to come`,
      remedy: 'Send the request again, and check the clock of the machine that made it.',
    })
  }
  if (now > request.expiresAt) throw asExpired(request)
}

/** Why a request that waited too long is over. */
export function asExpired(request: RotationRequest): RekeyError {
  return new RekeyError('RequestExpired', {
    target: request.target,
    message: `the request expired at ${iso(request.expiresAt)}`,
    remedy: 'Ask again if it is still wanted.',
  })
}

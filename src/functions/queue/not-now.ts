// Messages that are not carried out now: the app is stopped, or the target is disabled or gone.

import type { ListPart, TickPart } from '../../azure/request-queue.ts'
import type { App } from '../../compose.ts'
import { revokeInterval } from '../../engine/come-back.ts'
import { announceFailure } from '../../engine/failed-reconcile.ts'
import type { Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { asExpired, isExplicit, isRevoke, type RotationRequest } from '../../engine/request.ts'
import { minutes, type Target } from '../../engine/target.ts'
import { recordAttempt } from '../operations/operation-record.ts'
import { notInForce } from '../shared/not-applied.ts'
import { asDisabled } from '../shared/requests.ts'

/** How long messages wait while the app is stopped, or their target's entry cannot be applied. */
const stopWait = minutes(5)
/** Every instance reads targets.json again once a minute: one that has not may not know a target that another accepted a request for. */
const targetsLag = minutes(2)

/**
 * Puts a request back while the app is stopped: a new message, so that waiting does not count as failing. Spread over as long again,
 * so that a full queue does not come back at one moment.
 */
export async function waitWhileStopped(request: RotationRequest, app: App, log: Log): Promise<void> {
  log('info', 'stopped: the message waits', { target: request.target, request: request.id })
  await app.queue.send(request, stopWait * (1 + Math.random()))
}

/** The same of a part of a list or of a tick. */
export async function partWaits(part: ListPart | TickPart, app: App, log: Log): Promise<void> {
  log('info', 'stopped: the message waits', { ...part })
  await app.queue.sendPart(part, stopWait * (1 + Math.random()))
}

/** Where no target of that name is in force: its entry cannot be applied as yet, or its tags do not count for now, and the message waits; or it is gone. */
export async function withoutTarget(request: RotationRequest, app: App, log: Log): Promise<void> {
  const { target } = request
  const why = notInForce(app, target)
  if (why === undefined || app.clock.now() > request.expiresAt) return await endRemoved(request, app, log)
  log('error', 'the target is not in force: the message waits', { target, why: why.message })
  await app.queue.send(request, stopWait)
}

/** Ends a request whose target is not in targets.json any more: one log line, one failure for the caller, no further try. */
async function endRemoved(request: RotationRequest, app: App, log: Log): Promise<void> {
  const asked = request.revokeBefore ?? request.createdAfter ?? request.comparedAfter
  if (asked !== undefined && app.clock.now() < asked + targetsLag) return await app.queue.send(request, targetsLag)
  drop(request, 'not in targets.json', log)
  if (!isExplicit(request)) return
  const error = asRemoved(request)
  const { target } = request
  app.telemetry.rotation({ target, provider: 'unknown', status: 'failed', reasons: [], secrets: [], error }, 0)
  await app.telemetry.flush()
  await recordAttempt(app, log, request, 'Failed', error)
}

/** Ends a request whose target is switched off in targets.json. A revoke waits: a leaked key is still accepted. */
export async function onDisabled(request: RotationRequest, target: Target, app: App, log: Log): Promise<void> {
  const expired = app.clock.now() > request.expiresAt
  const error = expired ? asExpired(request) : asDisabled(target)
  const waits = isRevoke(request) && !expired
  if (!waits) drop(request, expired ? 'expired' : 'disabled', log)
  if (!isExplicit(request)) return
  await announceFailure(error, target, request, app.ports(log))
  if (waits) await app.queue.send({ ...request, failedWith: error.code }, revokeInterval)
  await recordAttempt(app, log, request, waits ? 'Running' : 'Failed', error)
}

function drop(request: RotationRequest, why: string, log: Log): void {
  const { target, id, actor } = request
  log(isExplicit(request) ? 'error' : 'warn', 'message dropped', { target, request: id, actor, why })
}

function asRemoved({ target }: RotationRequest): RekeyError {
  return new RekeyError('UnknownTarget', {
    target,
    message: `targets.json has no target "${target}" any more`,
    remedy: 'If it has another name now, ask again under that one.',
  })
}

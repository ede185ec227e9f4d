// Handles one message of the queue `rekey-requests` or `rekey-revocations`: reconciles one target, or queues the requests of a list.

import type { InvocationContext } from '@azure/functions'
import { type ListPart, parsePart, parseRequest, type QueueName, type TickPart } from '../../azure/request-queue.ts'
import type { App, Compose } from '../../compose.ts'
import { comparedAt } from '../../engine/lease-metadata.ts'
import type { Outcome } from '../../engine/outcome.ts'
import type { Log } from '../../engine/ports.ts'
import { reconcile } from '../../engine/reconcile.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { isExplicit, isRevoke, type RotationRequest } from '../../engine/request.ts'
import { callLimit, minutes, type Target } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { recordAttempt } from '../operations/operation-record.ts'
import { excerptOf } from '../shared/excerpt.ts'
import { logOf, recordConfiguration, recordOutcome } from '../shared/invocation.ts'
import { comingBack, queueRest } from '../shared/queue-rest.ts'
import { isStopped } from '../shared/stop-switch.ts'
import { fanOut, queueTickPart } from './fan-out.ts'
import { onDisabled, partWaits, waitWhileStopped, withoutTarget } from './not-now.ts'
import { isSuperseded } from './superseded-request.ts'

/** After this no further effect starts: the longest change and the reads around it must end before `functionTimeout`. */
const startLimit = minutes(2)
/** How long messages wait while the configuration is bad. */
const configurationWait = minutes(5)
/** How often the host delivers a message that throws: `maxDequeueCount` in host.json. */
export const mostDeliveries = 5

/**
 * Reconciles the target that a message names. What has to wait goes into a new message, so that waiting never burns the
 * poison count; what throws here is unreadable, or the queue itself is out of reach. `queue` is where the message came from.
 */
export async function rotateMessage(
  message: unknown,
  context: InvocationContext,
  compose: Compose,
  queue?: QueueName,
): Promise<void> {
  const log = logOf(context)
  try {
    const part = parsePart(message)
    if (part !== undefined) return await queuePart(part, context, compose, log)
    const request = read(message, queue, log)
    const composed = await compose()
    if ('app' in composed) {
      await Promise.all([carryOut(request, composed.app, log), recordConfiguration(composed.app, log)])
      return
    }
    if (composed.queue === undefined) throw withoutQueue()
    log('error', 'bad configuration: the message waits', { target: request.target, ...excerptOf(composed.problems) })
    await composed.queue.send(request, configurationWait)
  } catch (thrown) {
    throw asRekeyError(thrown, log)
  }
}

/** Queues a part of a list, which waits for what its requests would wait for. */
async function queuePart(
  part: ListPart | TickPart,
  context: InvocationContext,
  compose: Compose,
  log: Log,
): Promise<void> {
  const composed = await compose()
  if ('app' in composed) {
    if (isStopped(composed.app)) return await partWaits(part, composed.app, log)
    if ('tick' in part) return await queueTickPart(part, composed.app, log)
    const delivery = Number(context.triggerMetadata?.['dequeueCount'] ?? 1)
    return await fanOut(part, composed.app, log, delivery >= mostDeliveries)
  }
  if (composed.queue === undefined) throw withoutQueue()
  log('error', 'bad configuration: the message waits', { ...part, ...excerptOf(composed.problems) })
  await composed.queue.sendPart(part, configurationWait)
}

async function carryOut(request: RotationRequest, app: App, log: Log): Promise<void> {
  // No request is lost by dropping a late resync: the schedule has queued the next one, or will.
  if (!isExplicit(request) && app.clock.now() > request.expiresAt) {
    log('info', 'resync dropped: it expired', { target: request.target, request: request.id })
    return
  }
  if (isStopped(app)) return await waitWhileStopped(request, app, log)
  const target = app.targetNamed(request.target)
  if (target === undefined) return await withoutTarget(request, app, log)
  if (!target.enabled) return await onDisabled(request, target, app, log)
  if (await isComparedSince(request, target, app, log)) return
  const deadline = app.clock.monotonic() + startLimit
  const outcome = await recordOutcome(app, log, () => reconcile(target, request, app.ports(log), { deadline }))
  if (waitsForEnabling(outcome, request) && (await isSuperseded(request, app, log))) {
    log('info', 'request dropped: a later one waits for the same target', { target: target.name, request: request.id })
    return
  }
  await queueRest(outcome, request, app.queue, comingBack(app, target, request))
  if (outcome.error) await recordAttempt(app, log, request, outcome.again ? 'Running' : 'Failed', outcome.error)
}

/**
 * Whether an event's request is over: the target was compared after the moment that it names. So of a thousand events about one resource a
 * few are carried out, and the others cost a read of the lease's metadata.
 */
async function isComparedSince(request: RotationRequest, target: Target, app: App, log: Log): Promise<boolean> {
  const { comparedAfter, byEvent } = request
  if (comparedAfter === undefined || !byEvent) return false
  try {
    const at = comparedAt(target, await app.leaseNotes.of(target.lease, AbortSignal.timeout(callLimit)))
    if (at === undefined || at < comparedAfter) return false
  } catch (thrown) {
    const { code } = asRekeyError(thrown, log)
    log('warn', 'when the target was compared is not known: it is compared now', { target: target.name, code })
    return false
  }
  log('info', 'resync dropped: the target was compared since', { target: target.name, request: request.id })
  return true
}

/** A secret was disabled by hand, and what a caller asked for waits until it is enabled again. */
function waitsForEnabling({ status, reason, again }: Outcome, request: RotationRequest): boolean {
  return status === 'paused' && reason === 'paused' && again?.with === 'request' && !isRevoke(request)
}

function read(message: unknown, queue: QueueName | undefined, log: Log): RotationRequest {
  try {
    return parseRequest(message, queue)
  } catch (thrown) {
    const error = asRekeyError(thrown, log)
    // Thrown until the host gives up: then the message is in the poison queue, for an operator to read, and an alert is raised.
    log('error', 'message unreadable: it moves to the poison queue after the last delivery', {
      code: error.code,
      detail: error.message,
    })
    throw error
  }
}

function withoutQueue(): RekeyError {
  return new RekeyError('BadConfiguration', {
    message:
      'the configuration has problems, those of the storage account among them: the message cannot be put back to wait',
    remedy: 'GET /api/health lists every problem.',
  })
}

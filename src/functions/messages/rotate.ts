// Room: the doorways. One message of the queue `rekey-requests` or `rekey-revocations`: reconcile one target.

import type { InvocationContext } from '@azure/functions'
import { parseRequest, type QueueName, queueFor } from '../../azure/queue.ts'
import type { App, Compose } from '../../compose.ts'
import { RekeyError } from '../../rotation/errors.ts'
import { announceFailure } from '../../rotation/failure.ts'
import type { Log } from '../../rotation/ports.ts'
import { reconcile } from '../../rotation/reconcile.ts'
import { isExplicit, type RotationRequest } from '../../rotation/request.ts'
import { minutes } from '../../rotation/target.ts'
import { asRekeyError } from '../../rotation/unforeseen.ts'
import { recordAttempt } from '../operations/operation-record.ts'
import { excerptOf } from '../shared/excerpt.ts'
import { logOf, recordConfiguration, recordOutcome } from '../shared/invocation.ts'
import { notApplied } from '../shared/not-applied.ts'
import { asDisabled, queueRest } from '../shared/requests.ts'

/** After this no further effect starts: the longest change and the reads around it must end before `functionTimeout`. */
const startLimit = minutes(2)
/** How long messages wait while the configuration is bad. */
const configurationWait = minutes(5)

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

async function carryOut(request: RotationRequest, app: App, log: Log): Promise<void> {
  const target = app.targetNamed(request.target)
  // Nobody misses a look: the schedule has queued the next one, or will. What somebody asked for is told by reconcile.
  if (!isExplicit(request) && app.clock.now() > request.expiresAt) {
    log('info', 'look dropped: it came too late', { target: request.target, request: request.id })
    return
  }
  const stopped = target === undefined ? notApplied(app, request.target) : undefined
  if (stopped && app.clock.now() <= request.expiresAt) {
    log('error', 'the target is not in force: the message waits', {
      target: request.target,
      standing: stopped.standing,
    })
    return app.queue.send(request, configurationWait)
  }
  if (target === undefined) {
    if (isExplicit(request)) throw unknownTarget(request, log)
    return drop(request, 'not in targets.json', log)
  }
  if (!target.enabled) {
    drop(request, 'disabled', log)
    if (isExplicit(request)) await announceFailure(asDisabled(target), target, request, app.ports(log))
    return await recordAttempt(app, log, request, 'Failed', asDisabled(target))
  }
  const deadline = app.clock.monotonic() + startLimit
  const outcome = await recordOutcome(app, log, () => reconcile(target, request, app.ports(log), { deadline }))
  await queueRest(outcome, request, app.queue, Math.random)
  if (outcome.error) await recordAttempt(app, log, request, outcome.again ? 'Running' : 'Failed', outcome.error)
}

function drop({ target, id, actor }: RotationRequest, why: string, log: Log): void {
  log('warn', 'message dropped', { target, request: id, actor, why })
}

/** Nobody would hear of it: an event needs a target. Thrown, the message ends in the poison queue, and that raises an alert. */
function unknownTarget(request: RotationRequest, log: Log): RekeyError {
  const { target, id, actor } = request
  log('error', 'request for an unknown target, it will end in the poison queue', { target, request: id, actor })
  return new RekeyError('UnknownTarget', {
    target,
    message: `targets.json has no target "${target}" any more; somebody asked for a change of it`,
    remedy: `If it has another name now, ask again under that one. The request is in the queue ${queueFor(request)}-poison.`,
  })
}

function read(message: unknown, queue: QueueName | undefined, log: Log): RotationRequest {
  try {
    return parseRequest(message, queue)
  } catch (thrown) {
    const error = asRekeyError(thrown, log)
    // Thrown until the host gives up: then it lies in the poison queue, for a person to read, and an alert is raised.
    log('error', 'message unreadable, it will end in the poison queue', { code: error.code, detail: error.message })
    throw error
  }
}

function withoutQueue(): RekeyError {
  return new RekeyError('BadConfiguration', {
    message: 'the configuration is bad, and so are the storage settings: the message cannot be put back to wait',
    remedy: 'GET /api/health lists every problem.',
  })
}

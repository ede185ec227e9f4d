// Carries out a caller's request for one target: at once where there is time, otherwise through the queue.

import type { HttpResponseInit } from '@azure/functions'
import { iso } from '../../../engine/duration.ts'
import type { Outcome } from '../../../engine/outcome.ts'
import { reconcile } from '../../../engine/reconcile.ts'
import { isRevoke, type RotationRequest } from '../../../engine/request.ts'
import { minutes, type Target } from '../../../engine/target.ts'
import { asRekeyError } from '../../../engine/unforeseen.ts'
import { operationIdOf } from '../../operations/operation-id.ts'
import { recordAttempt, shown } from '../../operations/operation-record.ts'
import { recordOutcome } from '../../shared/invocation.ts'
import { inlineTime, previewOf } from '../../shared/preview-target.ts'
import { comingBack, queueRest } from '../../shared/queue-rest.ts'
import { wantedUntil } from '../../shared/requests.ts'
import { acceptedAs, type Call, type Command, json } from '../answer-request.ts'
import { actorOf } from '../caller.ts'
import { describeOutcome } from '../outcome-answer.ts'
import { notQueued, problem } from '../problem.ts'
import type { AcceptedOperation } from '../schemas/operation-schema.ts'
import { asBusy, asNotNow, asSuperseded } from './refusals.ts'

/** When the queue checks whether a request that began inline was finished: after the caller has its response. */
const checkAfter = minutes(3)

/** The desired state that a route requests; the caller and the expiry are added here. */
export type DesiredState = Pick<
  RotationRequest,
  'note' | 'createdAfter' | 'force' | 'promote' | 'swap' | 'revokeBefore' | 'atOnce' | 'comparedAfter'
>

/** The desired state as a request of this caller. */
export function requestOf({ asked, request }: Command, target: Target, desired: DesiredState): RotationRequest {
  return {
    id: asked.id,
    target: target.name,
    actor: actorOf(request, process.env),
    ...desired,
    expiresAt: wantedUntil(target, asked.at),
  }
}

/** Whether the caller prefers not to wait for the end. */
function prefersAsync(call: Call): boolean {
  return /(^|,)\s*respond-async\s*(,|;|$)/i.test(call.request.headers.get('prefer') ?? '')
}

/**
 * 200 with the outcome; 202 with `Operation-Location` when the queue does it or finishes it: also after a transient failure before
 * anything was changed, and for a revoke after any failure that an operator can correct. 409 when it cannot be done now:
 * nothing was changed and nothing is queued. `long`: the service takes minutes for it.
 */
export async function carryOut(
  call: Command,
  target: Target,
  request: RotationRequest,
  options: { readonly long: boolean },
): Promise<HttpResponseInit> {
  if (options.long || prefersAsync(call)) return queueIt(call, target, request)
  const ports = call.app.ports(call.log)
  let begun = false
  const outcome = await recordOutcome(call.app, call.log, () =>
    reconcile(target, request, ports, {
      deadline: call.app.clock.monotonic() + inlineTime,
      beforeFirstEffect: async () => {
        await ports.queue.send(request, checkAfter)
        begun = true
      },
    }),
  )
  if (goesOn(outcome, request, begun)) {
    await queueUnfinished(call, target, outcome, request, begun)
    return accepted(call, request, outcome)
  }
  return finished(outcome, target, request, begun)
}

/** Whether the queue continues it. A revoke waits for whatever prevents it; any other request that finds the target busy or cooling is refused. */
function goesOn(outcome: Outcome, request: RotationRequest, begun: boolean): boolean {
  if (isRevoke(request)) return outcome.again !== undefined
  const unfinished = outcome.error?.transient === true || outcome.status === 'waiting'
  return unfinished && (begun || !(outcome.busy || outcome.reason === 'cooling'))
}

/** Throws RekeyError where the queue accepts no message and has none: then the caller must send the request again. */
async function queueUnfinished(
  call: Call,
  target: Target,
  outcome: Outcome,
  request: RotationRequest,
  begun: boolean,
): Promise<void> {
  const { app, log } = call
  const { queue } = app.ports(log)
  const { error, again } = outcome
  // After a lasting failure the message from before the first effect is enough: a second one would try the same beside it.
  const isQueued = begun && error?.transient === false
  try {
    if (!isQueued)
      await (again ? queueRest(outcome, request, queue, comingBack(app, target, request)) : queue.send(request, 0))
  } catch (thrown) {
    const failure = asRekeyError(thrown, log)
    if (!begun) throw failure
    log('warn', 'no new message could be queued: the one queued before the first change goes on', {
      target: request.target,
      code: failure.code,
    })
  }
  if (error) await recordAttempt(app, log, request, 'Running', error)
}

async function queueIt(call: Call, target: Target, request: RotationRequest) {
  const refusal = await refusalNow(call, target, request)
  if (refusal) return refusal
  await call.app.ports(call.log).queue.send(request, 0)
  return accepted(call, request)
}

/** Why the request is not queued; undefined: it is. What cannot be read for a transient reason is left to the queue. */
async function refusalNow(call: Call, target: Target, request: RotationRequest): Promise<HttpResponseInit | undefined> {
  if (isRevoke(request)) return undefined
  try {
    const { plan } = await previewOf(call, target, request)
    return plan && refusalOf(target, plan.reason, plan.until)
  } catch (thrown) {
    const error = asRekeyError(thrown, call.log)
    if (!error.transient) throw error
    return undefined
  }
}

function finished(
  outcome: Outcome,
  target: Target,
  { promote, swap }: RotationRequest,
  begun: boolean,
): HttpResponseInit {
  if (outcome.busy) return notQueued(asBusy(target))
  const refusal = outcome.status === 'failed' ? undefined : refusalOf(target, outcome.reason, outcome.again?.at)
  if (refusal && outcome.status !== 'changed') return refusal
  // The message that was queued before the first effect tries once more.
  const refuse = begun ? problem : notQueued
  if (outcome.error) return refuse(outcome.error.at({ target: target.name }), { outcome: describeOutcome(outcome) })
  const wanted = (promote ?? swap)?.slot
  if (wanted !== undefined && wanted !== outcome.slot) {
    return refuse(asSuperseded(target), { outcome: describeOutcome(outcome) })
  }
  return json(200, describeOutcome(outcome))
}

/** The problem for a reason that keeps a request from being carried out now. */
function refusalOf(target: Target, reason: Outcome['reason'], until?: number): HttpResponseInit | undefined {
  if (reason === undefined) return undefined
  const refusal = asNotNow(target, { reason, ...(until === undefined ? {} : { until }) })
  return refusal && notQueued(refusal, reason === 'cooling' ? { until: iso(until) } : {})
}

/** 202 with the operation, as GET of its address shows it, and what was done so far. */
function accepted(call: Call, request: RotationRequest, outcome?: Outcome): HttpResponseInit {
  const lastError = outcome?.error && shown(outcome.error, iso(call.app.clock.now()))
  const operation: AcceptedOperation = {
    id: operationIdOf(request)!,
    status: outcome ? 'Running' : 'NotStarted',
    target: request.target,
    request: request.id,
    expiresAt: iso(request.expiresAt),
    ...(lastError && { lastError }),
    ...(outcome && { soFar: describeOutcome(outcome) }),
  }
  return acceptedAs(call, operation)
}

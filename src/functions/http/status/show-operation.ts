// GET /api/operations/{id}: how a command that was answered with 202 is going, and how it ended.

import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import { type ErrorCode, RekeyError } from '../../../engine/rekey-error.ts'
import { type Instant, minutes, type Target } from '../../../engine/target.ts'
import { progressOfMany } from '../../operations/many-progress.ts'
import { readMany } from '../../operations/many-targets.ts'
import { type ManyOperation, parseOperationId, type TargetOperation } from '../../operations/operation-id.ts'
import { type Attempt, attemptOf, type OperationError, shown } from '../../operations/operation-record.ts'
import { progressOf } from '../../operations/operation-state.ts'
import { notInForce } from '../../shared/not-applied.ts'
import { type Call, type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { codeRemedy, taggedError } from '../embedded-error.ts'
import { checkQuery } from '../paging.ts'
import type { Operation } from '../schemas/operation-schema.ts'
import { notesOfOne, readTarget, type TargetReading } from './describe-target.ts'
import { readLimit } from './list-targets.ts'
import { leadIn } from './summarize-target.ts'
import { describeWhole } from './target-details.ts'

/** A try that began before the expiry may end after it. */
const lastTry = minutes(15)

/** 200 with the operation, and `Retry-After` while it goes on; 404 for an id that is not one of an operation. Changes no key and no secret. */
export const showOperation: Handler = {
  roles: readers,
  async answer(call) {
    checkQuery(call.request, [])
    const id = call.request.params['id'] ?? ''
    const parsed = parseOperationId(id)
    if (parsed === undefined) throw unknownOperation()
    return answerWith({ id, ...('many' in parsed ? await ofMany(call, parsed) : await ofTarget(call, parsed)) })
  },
}

/** The answer for an operation that goes on or has ended. */
function answerWith(operation: Operation): HttpResponseInit {
  const isOver = operation.status === 'Succeeded' || operation.status === 'Failed'
  return json(200, operation, isOver ? {} : { 'retry-after': '30' })
}

/** Of a list: how many have got how far. It has failed when all have ended, and one of them did so by failing. */
async function ofMany({ app }: Call, { kind, many: request }: ManyOperation): Promise<Omit<Operation, 'id'>> {
  const many = await readMany(app, request, kind)
  if (many === undefined) throw unknownOperation()
  const limits = { lastTryAt: Date.parse(many.expiresAt) + lastTry, signal: AbortSignal.timeout(readLimit) }
  const { counts, failures, waiting, lastError } = await progressOfMany(app, request, many, limits)
  const { createdAt, expiresAt, actor, note } = many
  const stopped = { ...(failures.length > 0 && { failures }), ...(waiting && { waiting }) }
  const place = { kind, createdAt, expiresAt, actor, ...(note !== undefined && { note }), counts, ...stopped }
  if (counts.running > 0) {
    const begun = counts.running < counts.total || (counts.waiting ?? 0) > 0
    const status = begun ? 'Running' : 'NotStarted'
    return { ...place, status, ...(lastError && { lastError }) }
  }
  if (counts.failed === 0) return { ...place, status: 'Succeeded', result: { counts } }
  const [first] = failures
  const error = failure(app, (first?.code ?? 'Internal') as ErrorCode, {
    message: `${counts.failed} of ${counts.total} targets failed; "failures" names the first of them`,
    remedy: codeRemedy,
  })
  return { ...place, status: 'Failed', error }
}

async function ofTarget(call: Call, operation: TargetOperation): Promise<Omit<Operation, 'id'>> {
  const { app } = call
  const target = app.targetNamed(operation.target)
  const place = { target: operation.target, expiresAt: iso(operation.expiresAt) }
  const attempt = await attemptOf(app, operation.request, operation.target)
  // What was once reported as failed stays so, whatever becomes of the target.
  if (attempt?.status === 'Failed') return { ...place, status: 'Failed', error: attempt.error }
  const stopped = notInForce(app, operation.target)
  if (stopped && app.clock.now() <= operation.expiresAt) {
    return { ...place, status: 'Running', lastError: shown(stopped, iso(app.clock.now())) }
  }
  if (target === undefined) {
    if (isNew(operation, app.clock.now())) return { ...place, status: 'NotStarted' }
    return { ...place, status: 'Failed', error: failure(app, 'UnknownTarget', removed) }
  }
  const signal = AbortSignal.timeout(readLimit)
  const notes = await notesOfOne(app, target, signal)
  const seen = await readTarget(app, target, signal, notes)
  const progress = await progressOf(operation.desired, seen, app.vault(target.vault), signal)
  if (progress === 'done') return { ...place, status: 'Succeeded', result: describeWhole(app, seen) }
  if (progress === 'overtaken')
    return { ...place, status: 'Failed', error: failure(app, 'Superseded', overtaken(target)) }
  return { ...place, ...open(app, operation, seen, attempt) }
}

/** Another instance may have read a targets.json that this one has not read yet: each reads it once a minute. */
function isNew({ desired }: TargetOperation, now: Instant): boolean {
  return 'after' in desired && now < desired.after + minutes(2)
}

/** Not done yet: tagged as failed, expired, or under way. */
function open(app: App, operation: TargetOperation, seen: TargetReading, attempt: Attempt | undefined) {
  const tagged = taggedFailure(seen, operation.request)
  // A revoke that needs an operator is tried again until it expires: its failure is only its last one.
  if (tagged && operation.desired.kind !== 'revoke') return { status: 'Failed', error: tagged } as const
  if (app.clock.now() > operation.expiresAt + lastTry) {
    return { status: 'Failed', error: failure(app, 'RequestExpired', expired) } as const
  }
  const lastError = attempt?.error ?? tagged ?? paused(app, operation, seen)
  const begun = lastError !== undefined || leadIn(seen)?.stamps?.pending !== undefined
  return { status: begun ? 'Running' : 'NotStarted', ...(lastError && { lastError }) } as const
}

/** The lead's tag has the code and the moment of the last failure, and whose it was. */
function taggedFailure(seen: TargetReading, request: string): OperationError | undefined {
  const failed = leadIn(seen)?.stamps?.failed
  if (failed?.request !== request) return undefined
  const { request: _, ...error } = taggedError(failed)
  return { ...error, at: iso(failed.at) }
}

/** A secret that an operator disabled holds up everything but a revoke. */
function paused(app: App, { desired }: TargetOperation, { secrets }: TargetReading): OperationError | undefined {
  if (desired.kind === 'revoke' || secrets.every((secret) => secret?.enabled !== false)) return undefined
  return failure(app, 'Paused', {
    message: 'the current version of one of its secrets is disabled by hand',
    remedy: 'Enable it again; the operation goes on within ten minutes after that.',
  })
}

interface Words {
  readonly message: string
  readonly remedy: string
}

const removed: Words = {
  message: 'targets.json has no target of this name any more',
  remedy: 'If it has another name now, send the request again with that name.',
}
const expired: Words = {
  message: 'the request could not be carried out before it expired',
  remedy: 'Send it again if it is still wanted. GET /api/targets/{name} says what prevents it.',
}

function overtaken({ name }: Target): Words {
  return {
    message: 'the secrets were changed by another request or client first',
    remedy: `Read GET /api/targets/${name}, and send it again if it is still wanted.`,
  }
}

function failure(app: App, code: ErrorCode, words: Words): OperationError {
  return shown(new RekeyError(code, words), iso(app.clock.now()))
}

function unknownOperation(): RekeyError {
  return new RekeyError('UnknownOperation', {
    message: 'there is no operation with this id',
    remedy:
      'Use the whole address from the header Operation-Location of the 202 response. Lists of targets are kept for two weeks.',
  })
}

// What every HTTP call goes through: compose, call the handler, turn an error into a problem.

import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions'
import type { App, Compose } from '../../compose.ts'
import { nearest } from '../../config/targets/nearest.ts'
import type { Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { Target } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { problemsIn } from '../shared/excerpt.ts'
import { logOf } from '../shared/invocation.ts'
import { notInForce } from '../shared/not-applied.ts'
import { asDisabled } from '../shared/requests.ts'
import { asStopped, isStopped } from '../shared/stop-switch.ts'
import { checkRole, type Role } from './caller.ts'
import { checkQuery } from './paging.ts'
import { notQueued, problem } from './problem.ts'
import { type Asked, askedIn, withResult } from './repeatability.ts'
import { addressOf, checkApiVersion, checkIsJson, checkSite } from './request-rules.ts'
import type { AcceptedOperation } from './schemas/operation-schema.ts'

/** One HTTP call, with everything that a handler may need. */
export interface Call {
  readonly request: HttpRequest
  readonly app: App
  readonly log: Log
}

/** A call of a command. */
export interface Command extends Call {
  readonly asked: Asked
}

/** Handles a route. `always` is called even when the configuration is invalid; `command` may change something. */
export type Handler = { readonly roles: readonly Role[] } & (
  | { answer(call: Call): Promise<HttpResponseInit> }
  | { command(call: Command): Promise<HttpResponseInit> }
  | { always(call: Omit<Call, 'app'>, compose: Compose): Promise<HttpResponseInit> }
)

/** The response to one HTTP call. Never throws: an error becomes a problem, and is logged when it is the app's own. */
export async function answer(
  handler: Handler,
  request: HttpRequest,
  context: InvocationContext,
  compose: Compose,
): Promise<HttpResponseInit> {
  const log = logOf(context)
  try {
    checkRequest(handler, request)
    if ('always' in handler) return await handler.always({ request, log }, compose)
    const composed = await compose()
    if ('problems' in composed) {
      const say = 'command' in handler ? notQueued : problem
      return say(badConfiguration(composed.problems.length), problemsIn(composed.problems))
    }
    const call = { request, app: composed.app, log }
    if ('answer' in handler) return await handler.answer(call)
    return await answerCommand(handler, call, context)
  } catch (thrown) {
    return refused(thrown, log, context, 'command' in handler ? notQueued : problem)
  }
}

/** What is refused before anything is read. Throws RekeyError. */
function checkRequest(handler: Handler, request: HttpRequest): void {
  checkSite(request, process.env)
  checkRole(request, process.env, handler.roles)
  checkApiVersion(request)
  if (!('command' in handler)) return
  checkIsJson(request)
  checkQuery(request, [])
}

/** A command may be repeated: each of its responses says whether the headers for that were accepted. */
async function answerCommand(
  handler: Extract<Handler, { command: unknown }>,
  call: Call,
  context: InvocationContext,
): Promise<HttpResponseInit> {
  const { request, app, log } = call
  let asked: Asked
  try {
    asked = askedIn(request, app.clock.now())
  } catch (thrown) {
    return withResult(request, 'rejected', refused(thrown, log, context, notQueued))
  }
  try {
    if (isStopped(app)) throw asStopped()
    return withResult(request, 'accepted', await handler.command({ ...call, asked }))
  } catch (thrown) {
    const result = thrown instanceof RekeyError && thrown.code === 'NotRepeatable' ? 'rejected' : 'accepted'
    return withResult(request, result, refused(thrown, log, context, notQueued))
  }
}

function refused(
  thrown: unknown,
  log: Log,
  context: InvocationContext,
  say: typeof problem | typeof notQueued,
): HttpResponseInit {
  const error = asRekeyError(thrown, log)
  const answered = say(error)
  log(answered.status! >= 500 ? 'error' : 'info', 'request refused', {
    route: context.functionName,
    code: error.code,
  })
  return answered
}

/** A JSON response that ends with a newline, for terminals. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponseInit {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: `${JSON.stringify(body)}\n`,
  }
}

/**
 * 202: the request continues as an operation, and `Operation-Location` is where to follow it. An absolute address, as Azure's
 * guidelines require, on the host that the caller used.
 */
export function acceptedAs({ request }: Call, operation: AcceptedOperation): HttpResponseInit {
  const address = addressOf(request, `/api/operations/${operation.id}`)
  return json(202, operation, { 'operation-location': address, 'retry-after': '30' })
}

/** The target that the route names. Throws RekeyError `UnknownTarget`, or `BadConfiguration` where its definition cannot be applied. */
export function targetOf({ app, request }: Call, name = request.params['name'] ?? ''): Target {
  const target = app.targetNamed(name)
  if (target !== undefined) return target
  if (app.reminders.some((reminder) => reminder.name === name)) throw asReminder(name)
  const stopped = notInForce(app, name)
  if (stopped !== undefined) throw stopped
  const names = [...app.targets, ...app.reminders].map((each) => each.name)
  const guess = nearest(name, names)
  throw new RekeyError('UnknownTarget', {
    message: `no target in targets.json is named ${shownName(name)}`,
    remedy: `${guess === undefined ? '' : `Did you mean ${guess}? `}GET /api/targets lists the names; names are case-sensitive.`,
  })
}

function asReminder(name: string): RekeyError {
  return new RekeyError('NotSupported', {
    target: name,
    message: 'the target is a reminder: its secret has no service, and Rekey never writes it',
    remedy: `Renew the secret where it was issued, and store the new value in the vault. GET /api/targets/${name} shows when that is due.`,
  })
}

/** Repeats only what could be a name: people paste secrets into the wrong field. */
function shownName(name: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(name) ? `"${name}"` : 'like this'
}

/** The same, and it may be changed. Throws RekeyError `UnknownTarget` or `Disabled`. */
export function enabledTargetOf(call: Call): Target {
  const target = targetOf(call)
  if (target.enabled) return target
  throw asDisabled(target)
}

function badConfiguration(count: number): RekeyError {
  return new RekeyError('BadConfiguration', {
    message: `the configuration has ${count} problem${count === 1 ? '' : 's'}; nothing is rotated until ${count === 1 ? 'it is' : 'they are'} fixed`,
    remedy: 'Fix every problem listed here. GET /api/health shows what is left of them.',
  })
}

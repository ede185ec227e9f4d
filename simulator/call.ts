// One call: what a handler reads of the request, and how its answer becomes a response.

import type { Identity, Token } from './caller-identity.ts'
import type { SimulatedClock } from './clock.ts'
import { claimsChallenge, type Dialect, dialectOf, type ErrorContext } from './dialects.ts'
import type { FaultSet } from './fault-set.ts'
import type { HostGroup } from './hosts.ts'
import { type Call, type Operation, Refusal, type Reply, type RetryAfterForm } from './service-operations.ts'

/** What a call adds to its history entry while it runs. */
export interface Trace {
  permission?: string
  effect?: true
  fault?: string
}

export interface CallParts {
  readonly url: URL
  readonly group: HostGroup
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
  readonly request: Request
  readonly bytes: Buffer
  readonly requestId: string
  readonly token: Token | undefined
  readonly trace: Trace
}

interface CallEnvironment {
  readonly clock: SimulatedClock
  readonly faults: FaultSet
  readonly identity: Identity
}

/** One call, as handlers see it. */
export function makeCall(parts: CallParts, { clock, faults, identity }: CallEnvironment): Call {
  const { url, group, operation, request, token, trace, requestId } = parts
  const dialect = dialectOf(group)
  const now = clock.now()
  const context = { requestId, now, host: url.hostname, tenant: identity.tenant }
  let readAt: number | undefined
  let emptyPages: number | undefined
  const call: Call = {
    operation,
    method: request.method,
    url,
    host: url.hostname,
    params: parts.params,
    query: url.searchParams,
    headers: request.headers,
    bytes: parts.bytes,
    get text() {
      return parts.bytes.toString('utf8')
    },
    token,
    requestId,
    get now() {
      return clock.now()
    },
    get readAt() {
      // Read once per call: each read draws again.
      readAt ??= clock.now() - faults.staleness(call)
      return readAt
    },
    json() {
      try {
        return JSON.parse(call.text)
      } catch {
        throw call.refuse(400, 'BadRequest', 'The request content was invalid and could not be deserialized.')
      }
    },
    authorize(action, scope = url.pathname) {
      trace.permission = action
      const accepted = acceptedToken(call, dialect, context, faults, trace)
      if (identity.may(action, scope)) return accepted
      const { status = 403, code, message, inner } = dialect.forbidden(action, scope, accepted.objectId)
      throw call.refuse(status, code, message, inner ? { inner } : {})
    },
    authenticated: () => acceptedToken(call, dialect, context, faults, trace),
    get emptyPages() {
      emptyPages ??= faults.emptyPages(call)
      return emptyPages
    },
    get softDeleteTime() {
      return faults.softDeleteTime()
    },
    throttled(seconds, form = dialect.retryAfter ?? 'seconds') {
      const { code, message } = dialect.throttled
      return call.refuse(429, code, message, { headers: comeBack(seconds, form, clock.now() + faults.dateSkew()) })
        .reply
    },
    refuse(status, code, message, more = {}) {
      const error = { status, code, message, ...(more.inner ? { inner: more.inner } : {}) }
      const body = dialect.body(error, context)
      const said = typeof body === 'string' ? { text: body } : { body }
      return new Refusal({ status, ...said, headers: { ...dialect.errorHeaders?.(error), ...more.headers } }, message)
    },
  }
  return call
}

/** The token of a call. Throws a 401 where it is missing, for another audience, expired, or refused by a fault. */
function acceptedToken(call: Call, dialect: Dialect, context: ErrorContext, faults: FaultSet, trace: Trace): Token {
  const { token } = call
  if (!token) throw notLetIn(call, dialect, context, 'missing')
  if (!dialect.audiences.includes(token.audience)) throw notLetIn(call, dialect, context, 'wrongAudience')
  if (token.expiresAt < Date.now()) throw notLetIn(call, dialect, context, 'expired')
  const refused = faults.refuses(token, call)
  if (!refused) return token
  trace.fault = refused.fault
  throw notLetIn(call, dialect, context, refused.because)
}

/** 401, with the challenge that leads to an accepted token. */
function notLetIn(
  call: Call,
  dialect: Dialect,
  context: ErrorContext,
  because: 'missing' | 'wrongAudience' | 'expired' | 'claims',
): Refusal {
  const { unauthenticated, wrongAudience = unauthenticated, expired = unauthenticated } = dialect
  const usual = dialect.challenge?.(context) ?? {}
  const notBefore = { essential: true, value: String(Math.floor(context.now / 1000)) }
  const saying = {
    missing: { error: unauthenticated, headers: usual },
    wrongAudience: { error: wrongAudience, headers: usual },
    expired: { error: expired, headers: dialect.expiredChallenge?.(context) ?? usual },
    claims: { error: unauthenticated, headers: claimsChallenge({ access_token: { nbf: notBefore } }) },
  }
  const { error, headers } = saying[because]
  return call.refuse(401, error.code, error.message, { headers })
}

/** `Retry-After`. A date is one of the answer's own clock. */
function comeBack(seconds: number, form: RetryAfterForm, answeredAt: number): Record<string, string> {
  if (form === 'none') return {}
  if (form === 'seconds') return { 'retry-after': String(seconds) }
  return { 'retry-after': new Date(Math.ceil(answeredAt / 1000 + seconds) * 1000).toUTCString() }
}

/** The token a call came with, if it is one of ours. */
export function bearer(headers: Headers, identity: Identity): Token | undefined {
  const value = headers.get('authorization')
  return value?.startsWith('Bearer ') ? identity.find(value.slice('Bearer '.length)) : undefined
}

/** Throws a 400 for an api-version that is missing or unknown. */
export function checkVersion(call: Call): void {
  const known = call.operation.apiVersions
  if (!known) return
  const { noVersion, unknownVersion } = { ...inGeneral, ...dialectOf(call.operation.host) }
  const asked = call.query.get('api-version')
  if (asked && known.includes(asked)) return
  const { code, message } = asked ? unknownVersion(asked, known, call.url.pathname) : noVersion(known)
  throw call.refuse(400, code, message)
}

/** Azure Resource Manager's answer; services with another answer have it in their dialect. */
const inGeneral: Required<Pick<Dialect, 'noVersion' | 'unknownVersion'>> = {
  noVersion: () => ({
    code: 'MissingApiVersionParameter',
    message: 'The api-version query parameter (?api-version=) is required for all requests.',
  }),
  unknownVersion: (asked, known) => ({
    code: 'InvalidApiVersionParameter',
    message: `The api-version '${asked}' is invalid. The supported versions are '${known.join(',')}'.`,
  }),
}

/** Answers 404 to a call that no service has registered. */
export function unknownOperation(host: HostGroup, method: string): Operation {
  return {
    operation: 'unknown',
    host,
    method,
    path: '*',
    handle: (call) =>
      call.refuse(404, 'NotFound', `The simulator has no operation ${method} ${call.url.pathname}.`).reply,
  }
}

/** A reply as HTTP, with the headers the service always sends, and `more` that depend on the moment. */
export function toResponse(reply: Reply, call: Call, group: HostGroup, more: Record<string, string>): Response {
  const headers: Record<string, string> = {
    ...more,
    ...dialectOf(group).headers({ requestId: call.requestId, now: call.now, host: call.host, tenant: '' }),
    ...(reply.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...reply.headers,
  }
  const text = reply.text ?? (reply.body === undefined ? null : JSON.stringify(reply.body))
  return new Response(reply.status === 204 ? null : text, { status: reply.status, headers })
}

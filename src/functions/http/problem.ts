// Errors as application/problem+json (RFC 9457). Every HTTP status of an error is set here: the engine, adapters,
// providers and commands throw a RekeyError with a code and know nothing of HTTP.

import type { HttpResponseInit } from '@azure/functions'
import type { ErrorCode, RekeyError } from '../../engine/rekey-error.ts'
import { seconds } from '../../engine/target.ts'

/** The HTTP status and the title of every code. The title never changes; what happened this time is in `detail`. */
export const problems: Readonly<Record<ErrorCode, readonly [status: number, title: string]>> = {
  BadRequest: [400, 'The request cannot be read'],
  UnsupportedApiVersionValue: [400, 'The app does not have this version of the API'],
  UnsupportedMediaType: [415, 'The request is not JSON'],
  BodyTooLarge: [413, 'The body is too large'],
  Forbidden: [403, 'The caller lacks the role for this'],
  CrossSite: [403, 'The request comes from another site'],
  UnknownTarget: [404, 'There is no such target'],
  UnknownOperation: [404, 'There is no such operation'],
  Disabled: [409, 'The target is disabled'],
  Stopped: [409, 'Everything that changes anything is stopped'],
  Busy: [409, 'The target is being changed by another client'],
  Cooling: [409, 'The key before the current one must stay valid for a while'],
  Unmanaged: [409, 'The secret is not managed by Rekey'],
  Paused: [409, 'A secret of the target is disabled by hand'],
  Drifted: [409, 'The vault holds no live key'],
  Superseded: [409, 'Another change came first'],
  CountDiffers: [409, 'The request names another number of targets'],
  NotRepeatable: [412, 'The request can no longer be repeated'],
  NotSupported: [400, 'The target cannot do this'],
  FromTheFuture: [400, 'The request names a moment in the future'],
  RequestExpired: [400, 'The request has expired'],
  BadConfiguration: [503, 'The configuration has problems'],
  LocalAuthDisabled: [502, 'The resource does not accept keys'],
  PermissionDenied: [502, 'A permission is missing'],
  FirewallDenied: [502, 'A firewall denies the call'],
  ResourceNotFound: [502, 'The resource does not exist'],
  ResourceLocked: [502, 'The resource is locked'],
  ServiceChanged: [503, 'The resource was changed meanwhile'],
  ServiceRefused: [502, 'The service refused'],
  ServiceBusy: [503, 'The service is busy with the resource'],
  ServiceUnavailable: [503, 'The service cannot be reached'],
  Throttled: [429, 'The service is rate limiting requests'],
  UnexpectedAnswer: [502, 'The service answered in an unexpected way'],
  SecretDeleted: [409, 'The secret is deleted, but can be recovered'],
  SecretDisabled: [409, 'The secret is disabled'],
  TagsTooLarge: [409, 'The tags of the secret are too large'],
  OutcomeUnknown: [503, 'It is not known yet what the service did'],
  LeaseLost: [503, 'The lease was lost'],
  OutOfTime: [503, 'The time ran out'],
  Unsettled: [503, 'The service does not show the change yet'],
  Internal: [500, 'An unexpected error occurred'],
}

/** Members of a problem beside those that every problem has. */
export type Extras = Readonly<Record<string, unknown>>

/** The response for a command that is neither carried out nor queued: it says both. */
export function notQueued(error: RekeyError, extras: Extras = {}): HttpResponseInit {
  const detail = `${error.details.message}; nothing is queued`
  return problem(error, { detail, accepted: false, ...extras })
}

/** The response for an error: its code's status, `Retry-After` where trying again makes sense, and the remedy. */
export function problem(error: RekeyError, extras: Extras = {}): HttpResponseInit {
  const { message, remedy, target, step, service, retryAfter } = error.details
  const [status, title] = problems[error.code]
  const type = `urn:rekey:problem:${error.code}`
  const body = { type, title, status, code: error.code, detail: message, remedy, target, step, service, ...extras }
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-ms-error-code': error.code,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfter / seconds(1))) }),
    },
    body: `${JSON.stringify(body)}\n`,
  }
}

// Rebuilds every error of a service or an SDK from status, code and request id. Its message and cause are dropped:
// an SDK's parse error quotes the body, new key included, and the host logs causes.

import { type ErrorCode, type ErrorDetails, RekeyError } from '../engine/rekey-error.ts'
import { type Duration, minutes, seconds } from '../engine/target.ts'
import {
  type ErrorCodePlaces,
  type Failure,
  failureOf,
  type RawFailure,
  rawFailure,
  tokenOver,
} from './failure-facts.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly what: string
  readonly remedy?: string
  /** Makes the error transient; the service's own Retry-After takes precedence. */
  readonly retryAfter?: Duration
  readonly outcomeUnknown?: true
}

const lock =
  'Remove the lock, or remove the target from targets.json: a read-only lock forbids listing and regenerating keys.'
const recover = 'Recover the secret, or write another secret name in targets.json.'
const grant =
  'Give the identity of the app the role that docs/security.md names for this call, then wait some minutes. GET /api/health shows the command.'
const identity =
  'In Azure: give the app a managed identity, and name its client id in AZURE_CLIENT_ID if it is user-assigned. On your own machine: az login.'
/** For a transient failure. An adapter does not know whether its caller is queued, so it promises nothing. */
export const passes = 'This usually passes. A queued request is tried again automatically; send anything else again.'

/** In order; the first whose `when` is true applies. Only 404 means absent. */
const meanings: readonly { readonly when: (failure: Failure) => boolean; readonly meaning: Meaning }[] = [
  {
    when: ({ kind }) => kind === 'token',
    meaning: { code: 'PermissionDenied', what: 'gave no access token', remedy: identity },
  },
  {
    when: ({ kind }) => kind === 'unsent',
    meaning: { code: 'ServiceUnavailable', what: 'could not be reached', remedy: passes, retryAfter: seconds(30) },
  },
  {
    when: ({ kind }) => kind === 'unanswered',
    meaning: {
      code: 'ServiceUnavailable',
      what: 'gave no answer',
      remedy: passes,
      retryAfter: seconds(30),
      outcomeUnknown: true,
    },
  },
  {
    when: ({ kind }) => kind === 'unreadable',
    meaning: {
      code: 'UnexpectedAnswer',
      what: 'gave an answer that cannot be read',
      remedy: passes,
      retryAfter: seconds(30),
      outcomeUnknown: true,
    },
  },
  {
    when: has(400, 'disableLocalAuth'),
    meaning: {
      code: 'LocalAuthDisabled',
      what: 'accepts no keys, because local authentication is disabled',
      remedy:
        'Enable local authentication (disableLocalAuth: false) if its keys are needed; otherwise remove the target from targets.json.',
    },
  },
  {
    // Storage's code for an api-version that it does not know: the emulator knows fewer than the SDK sends.
    when: has(400, 'InvalidHeaderValue'),
    meaning: {
      code: 'ServiceRefused',
      what: 'refused a header, perhaps the version of the call',
      remedy:
        'If it is Azurite, start it with npx azurite --skipApiVersionCheck. Otherwise quote the request id to support.',
    },
  },
  {
    when: has(403, 'SecretDisabled'),
    meaning: {
      code: 'SecretDisabled',
      what: 'denied access to the secret, because it is disabled',
      remedy: 'Enable the current version of the secret.',
    },
  },
  {
    when: has(403, 'ForbiddenByFirewall'),
    meaning: {
      code: 'FirewallDenied',
      what: 'denied access to the network address of the app',
      remedy:
        'Allow the subnet of the app in the firewall of the service, or connect the app through a private endpoint.',
    },
  },
  {
    // A new token was requested and sent before this: the platform's own token cache can be older.
    when: has(401, tokenOver),
    meaning: {
      code: 'ServiceUnavailable',
      what: 'no longer accepts the access token of the app',
      remedy: passes,
      retryAfter: minutes(1),
    },
  },
  { when: is(401, 403), meaning: { code: 'PermissionDenied', what: 'denied access to the app', remedy: grant } },
  {
    when: is(404),
    meaning: {
      code: 'ResourceNotFound',
      what: 'does not have this resource',
      remedy: 'Correct its name or id in targets.json.',
    },
  },
  {
    when: has(409, 'ScopeLocked'),
    meaning: { code: 'ResourceLocked', what: 'has a lock on the resource', remedy: lock },
  },
  {
    when: has(409, 'ObjectIsDeletedButRecoverable'),
    meaning: { code: 'SecretDeleted', what: 'holds a deleted secret of that name', remedy: recover },
  },
  {
    when: has(409, 'MissingSubscriptionRegistration'),
    meaning: {
      code: 'ServiceRefused',
      what: 'is not registered as a resource provider in the subscription',
      remedy: 'Register the resource provider (az provider register).',
    },
  },
  {
    when: is(409, 423),
    meaning: {
      code: 'ServiceBusy',
      what: 'is busy with another change of the resource',
      remedy: passes,
      retryAfter: minutes(1),
    },
  },
  {
    when: is(412),
    meaning: {
      code: 'ServiceChanged',
      what: 'has a newer state of the resource, because another client changed it meanwhile',
      remedy: passes,
      retryAfter: seconds(1),
    },
  },
  {
    when: is(429),
    meaning: { code: 'Throttled', what: 'is rate limiting requests', remedy: passes, retryAfter: seconds(30) },
  },
  {
    when: ({ status = 0 }) => status === 408 || status >= 500,
    meaning: {
      code: 'ServiceUnavailable',
      what: 'failed',
      remedy: passes,
      retryAfter: seconds(30),
      outcomeUnknown: true,
    },
  },
  {
    when: ({ status = 0 }) => status >= 400,
    meaning: {
      code: 'ServiceRefused',
      what: 'refused the request',
      remedy:
        'Find the code in the documentation of the service. If that does not help, quote the request id to support.',
    },
  },
]

/** An undeclared 2xx, a redirect, or no status at all: the service may have acted. */
const otherwise: Meaning = {
  code: 'UnexpectedAnswer',
  what: 'gave an undocumented answer',
  remedy: passes,
  retryAfter: seconds(30),
  outcomeUnknown: true,
}

/**
 * The RekeyError for whatever an SDK threw. `operation` says which call, e.g. `GET secret "vision-key"`; it begins the
 * message. A RekeyError is returned unchanged. Of `places` only what codes mean is used.
 */
export function rebuild(error: unknown, operation: string, places?: ErrorCodePlaces): RekeyError {
  return error instanceof RekeyError ? error : mean(failureOf(error), operation, places?.means)
}

/** The RekeyError for the response to a raw call: any status that is not a success. */
export function refusal(answer: RawFailure, operation: string, places?: ErrorCodePlaces): RekeyError {
  return mean(rawFailure(answer, places), operation, places?.means)
}

/** The RekeyError for a response that cannot be read. The service may have acted. */
export function unreadable(operation: string, status?: number): RekeyError {
  return mean({ kind: 'unreadable', codes: [], ...(status === undefined ? {} : { status }) }, operation)
}

function mean(failure: Failure, operation: string, own: ErrorCodePlaces['means'] = {}): RekeyError {
  const named = failure.codes.map((code) => own[code]).find((code) => code !== undefined)
  const found = meanings.find(({ when, meaning }) => (named === undefined ? when(failure) : meaning.code === named))
  const { code, what, remedy, retryAfter, outcomeUnknown }: Meaning =
    typeof named === 'object' ? named : (found?.meaning ?? otherwise)
  const serviceCode = failure.codes.at(-1)
  const wait = retryAfter === undefined ? undefined : (failure.retryAfter ?? retryAfter)

  return new RekeyError(code, {
    message: `${operation}: the service ${what}${said(failure.status, serviceCode)}`,
    ...(remedy === undefined ? {} : { remedy: remedyFor(remedy, failure) }),
    service: {
      operation,
      ...(failure.status === undefined ? {} : { status: failure.status }),
      ...(serviceCode === undefined ? {} : { code: serviceCode }),
      ...(failure.requestId === undefined ? {} : { requestId: failure.requestId }),
    },
    ...(wait === undefined ? {} : { retryAfter: wait }),
    ...(outcomeUnknown === undefined ? {} : { outcomeUnknown }),
  } satisfies ErrorDetails)
}

function remedyFor(remedy: string, { action }: Failure): string {
  return action === undefined ? remedy : `${remedy} The missing permission is ${action}.`
}

function said(status: number | undefined, code: string | undefined): string {
  const words = [status, code].filter((word) => word !== undefined)
  return words.length === 0 ? '' : ` (${words.join(' ')})`
}

function is(...statuses: readonly number[]): (failure: Failure) => boolean {
  return ({ status }) => status !== undefined && statuses.includes(status)
}

function has(status: number, ...codes: readonly string[]): (failure: Failure) => boolean {
  return (failure) => failure.status === status && failure.codes.some((code) => codes.includes(code))
}

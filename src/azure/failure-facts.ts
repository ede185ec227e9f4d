// What can be learned from a failure without copying its text: kind, status, codes, request id and Retry-After.

import type { ErrorCode } from '../engine/rekey-error.ts'
import type { Duration } from '../engine/target.ts'

/**
 * Given as a code where a 401 says that the token has expired, or that another is required; or where Key Vault could not check a
 * valid one, which happens for less than a second (AKV10046: hashicorp/terraform-provider-azurerm issue 30912).
 */
export const tokenOver = 'TokenOver'

export interface Failure {
  /**
   * `answered`: there is a status. `unsent`: nothing reached the service. `unanswered`: it may have. `unreadable`: it
   * answered, and the answer was cut short or is not JSON. `token`: no access token.
   */
  readonly kind: 'answered' | 'unsent' | 'unanswered' | 'unreadable' | 'token'
  readonly status?: number
  /** The service's codes, from the general to the particular. Names only, never prose. */
  readonly codes: readonly string[]
  readonly requestId?: string
  readonly retryAfter?: Duration
  /** The permission that the caller lacks, as the refusal names it. */
  readonly action?: string
}

/** Where a service says what is wrong, beside the places that Azure's services have in common. */
export interface ErrorCodePlaces {
  /** A header that holds a code. */
  readonly header?: string
  /** What texts are searched for, and the code that stands for it. The text itself is dropped. */
  readonly texts?: readonly (readonly [RegExp, string])[]
  /** What codes of its own mean, whatever the status is. */
  readonly means?: Readonly<Record<string, ServiceErrorCode | ServiceMeaning>>
}

/** What only this service says, and only an operator can mend. */
export interface ServiceMeaning {
  readonly code: ErrorCode
  /** Follows "the service" in the message. */
  readonly what: string
  readonly remedy: string
}

/** The error codes that a service's own code can stand for. */
export type ServiceErrorCode = 'LocalAuthDisabled' | 'ResourceNotFound' | 'ServiceBusy' | 'ServiceChanged' | 'Throttled'

/** The response to a raw call. */
export interface RawFailure {
  readonly status: number
  header(name: string): string | undefined
  /** The body, parsed where it is JSON. */
  readonly body: unknown
}

/** The fields of an SDK's error that are read. */
interface SdkError {
  readonly name?: string
  readonly code?: unknown
  readonly errorCode?: unknown
  readonly statusCode?: unknown
  readonly message?: unknown
  readonly details?: unknown
  readonly cause?: unknown
  readonly response?: {
    readonly headers?: { get(name: string): string | undefined }
    readonly bodyAsText?: unknown
    readonly parsedBody?: unknown
  }
}

// Nothing was sent: there was no connection to send it on.
const neverConnected = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$|CERT|^ERR_TLS|^UNABLE_TO_VERIFY/
const noToken = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
])
// Texts that are searched for, each with the code that replaces it. The text itself is dropped.
const knownTexts: readonly (readonly [RegExp, string])[] = [
  [/disableLocalAuth/i, 'disableLocalAuth'],
  [/ObjectIsDeletedButRecoverable|deleted but recoverable/i, 'ObjectIsDeletedButRecoverable'],
]

/** Reads an error that an SDK threw. */
export function failureOf(error: unknown): Failure {
  const { name = '', code: given, statusCode, details, message, response, cause } = Object(error) as SdkError
  // A number is the legacy code of a DOMException, and says nothing about the service.
  const code = typeof given === 'string' ? given : undefined
  if (noToken.has(name)) return tokenFailure(statusCode, cause)
  if (typeof statusCode !== 'number') {
    if (code !== undefined && neverConnected.test(code)) return { kind: 'unsent', codes: namesIn(code) }
    // A body cut short, and the Key Vault client's TypeError for an error without a body.
    if (code === 'PARSE_ERROR' || error instanceof TypeError || error instanceof SyntaxError)
      return { kind: 'unreadable', codes: [] }
    return { kind: 'unanswered', codes: namesIn(code) }
  }

  const header = (wanted: string) => response?.headers?.get(wanted)
  const found = rawFailure({
    status: statusCode,
    header,
    body: details ?? response?.parsedBody,
    text: [message, response?.bodyAsText],
  })
  const own = namesIn(code).filter((each) => !found.codes.includes(each) && each !== 'PARSE_ERROR')
  const codes = [...own, ...found.codes]
  return statusCode < 300 && code === 'PARSE_ERROR' ? { ...found, kind: 'unreadable', codes } : { ...found, codes }
}

/** Reads the response to a call. `text`: whatever else may contain a known text. */
export function rawFailure(
  { status, header, body, text = [] }: RawFailure & { readonly text?: readonly unknown[] },
  places: ErrorCodePlaces = {},
): Failure {
  const words = [...text.filter((each) => typeof each === 'string'), JSON.stringify(body) ?? ''].join('\n')
  const codes = [
    ...codesIn(body),
    ...namesIn(header('x-ms-error-code')),
    ...(places.header === undefined ? [] : namesIn(header(places.header))),
    ...namesIn(/ErrorCode:(\w+)/.exec(words)?.[1]),
    ...(status >= 400
      ? [...knownTexts, ...(places.texts ?? [])].filter(([pattern]) => pattern.test(words)).map(([, code]) => code)
      : []),
  ]
  if (status === 401 && isTokenOver(header('www-authenticate') ?? '', words)) codes.push(tokenOver)
  const requestId = firstOf(['x-ms-request-id', 'request-id', 'x-ms-correlation-request-id', 'apim-request-id'], header)
  const retryAfter = retryAfterOf(header)
  const action = status === 403 ? /action:? '(Microsoft\.\w+(?:\/\w+)+)'/i.exec(words)?.[1] : undefined
  return {
    kind: 'answered',
    status,
    codes: [...new Set(codes)],
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(action === undefined ? {} : { action }),
  }
}

function isTokenOver(challenge: string, words: string): boolean {
  return (
    challenge.includes('insufficient_claims') ||
    /TokenExpired|ExpiredAuthenticationToken|token is expired|AKV10046/i.test(words)
  )
}

/**
 * Milliseconds to wait, from any of Azure's three headers; undefined when there is none. A date is relative to the
 * response's own date: our clock may differ.
 */
export function retryAfterOf(header: (name: string) => string | undefined): Duration | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const value = Number(header(name) ?? Number.NaN)
    if (Number.isFinite(value) && value >= 0) return value
  }
  const value = header('retry-after')
  if (value === undefined) return undefined
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(header('date') ?? '')
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** An identity endpoint that fails is transient; a missing identity is not. */
function tokenFailure(status: unknown, cause: unknown): Failure {
  const { errorCode, code } = Object(cause) as SdkError
  const busy = typeof status === 'number' && (status === 429 || status >= 500)
  return busy || errorCode === 'network_error'
    ? { kind: 'unsent', codes: namesIn(errorCode) }
    : { kind: 'token', codes: namesIn(errorCode ?? code) }
}

/** `error.code`, its inner codes and details, wherever the service's clients put them: the most specific one last. */
function codesIn(body: unknown, depth = 0): readonly string[] {
  if (typeof body !== 'object' || body === null || depth > 6) return []
  // Some services list `errors`, each with an `errorCode`, where a call is about several things.
  const {
    code,
    errorCode,
    error,
    body: inside,
    details,
    errors,
    innererror,
    innerError,
  } = body as Readonly<Record<string, unknown>>
  const deeper = [inside, error, firstIn(details), firstIn(errors), innererror, innerError]
  return [...namesIn(code), ...namesIn(errorCode), ...deeper.flatMap((each) => codesIn(each, depth + 1))]
}

function firstIn(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

/** A code is a name or a number; anything else might be prose, or worse, and is dropped. */
function namesIn(code: unknown): readonly string[] {
  const name = typeof code === 'number' ? String(code) : code
  return typeof name === 'string' && /^(?:[A-Za-z][A-Za-z._-]{0,63}|[A-Za-z]*\d{1,9})$/.test(name) ? [name] : []
}

/** The first of these headers that holds a plausible request id: a GUID, or similar. */
function firstOf(names: readonly string[], header: (name: string) => string | undefined): string | undefined {
  return names.map(header).find((value) => value !== undefined && /^[\w.:-]{8,80}$/.test(value))
}

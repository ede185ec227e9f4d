// One error class, one stable code per meaning. Nothing of a service's own error object is kept: an SDK's parse error
// quotes the body, new key included, and hosts log causes.

/** What a service behind the app says, or what comes of its silence: whatever calls one may end with these. */
export const servicesCodes = [
  // what a service said
  'LocalAuthDisabled',
  'PermissionDenied',
  'FirewallDenied',
  'ResourceNotFound',
  'ResourceLocked',
  'ServiceChanged',
  'ServiceRefused',
  'ServiceBusy',
  'ServiceUnavailable',
  'Throttled',
  'UnexpectedAnswer',
  'SecretDeleted',
  'SecretDisabled',
  'TagsTooLarge',
  // the engine's
  'OutcomeUnknown',
  'LeaseLost',
  'OutOfTime',
  'Unsettled',
] as const

/** Every code that reaches a caller, a log or an event. `docs/reference/error-codes.md` says what to do about each. */
export const errorCodes = [
  // the caller's
  'BadRequest',
  'UnsupportedApiVersionValue',
  'UnsupportedMediaType',
  'BodyTooLarge',
  'Forbidden',
  'CrossSite',
  'UnknownTarget',
  'UnknownOperation',
  'Disabled',
  'Stopped',
  'Busy',
  'Cooling',
  'Unmanaged',
  'Paused',
  'Drifted',
  'Superseded',
  'CountDiffers',
  'NotRepeatable',
  'NotSupported',
  'FromTheFuture',
  'RequestExpired',
  // the configuration's
  'BadConfiguration',
  ...servicesCodes,
  'Internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** What a service said, without its message or body: status, its code and the id to quote to support. */
export interface ServiceAnswer {
  /** REST operation, e.g. `POST …/regenerateKey`. */
  readonly operation: string
  readonly status?: number
  readonly code?: string
  readonly requestId?: string
}

export interface ErrorDetails {
  /** One sentence, no secrets, no service text. */
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string
  readonly target?: string
  readonly step?: string
  readonly service?: ServiceAnswer
  /** Milliseconds until it makes sense to try again; its presence makes the error a transient one. */
  readonly retryAfter?: number
  /** The service may or may not have acted: read back before deciding. */
  readonly outcomeUnknown?: boolean
}

export class RekeyError extends Error {
  override readonly name = 'RekeyError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message)
    this.code = code
    this.details = details
  }

  /** The same error with more of the place filled in; what is known already stays. */
  at(place: Pick<ErrorDetails, 'target' | 'step'>): RekeyError {
    return new RekeyError(this.code, { ...place, ...this.details })
  }

  /** The same error of a call whose repetition is harmless: nothing has to be settled first. */
  ofHarmlessCall(): RekeyError {
    const { outcomeUnknown: _, ...details } = this.details
    return new RekeyError(this.code, details)
  }

  /** Worth another try later, without an operator. */
  get transient(): boolean {
    return this.details.retryAfter !== undefined
  }
}

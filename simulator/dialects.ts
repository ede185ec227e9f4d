// How each service refuses a request: the format of its errors, its headers, and the token audiences it accepts.

import type { HostGroup } from './hosts.ts'
import type { RetryAfterForm } from './service-operations.ts'

export interface ServiceError {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly inner?: string
}

export interface ErrorContext {
  readonly requestId: string
  readonly now: number
  readonly host: string
  readonly tenant: string
}

export interface Dialect {
  /** Audiences of the Entra tokens this service accepts; none: it has its own credentials. */
  readonly audiences: readonly string[]
  /** Its clients speak on a connection without HTTP (simulator/raw-sockets.ts). */
  readonly onSocket?: true
  /** Of an error: sent as JSON, or as it is where it is text. */
  body(error: ServiceError, context: ErrorContext): unknown
  /** Beside `headers`, on every error. */
  errorHeaders?(error: ServiceError): Record<string, string>
  /** On every answer. */
  headers(context: ErrorContext): Record<string, string>
  /** 401 for a token that is missing or not for this service. */
  readonly unauthenticated: Omit<ServiceError, 'status'>
  challenge?(context: ErrorContext): Record<string, string>
  /** 403, unless the service has another status for it. */
  forbidden(
    action: string,
    scope: string,
    objectId: string,
  ): Omit<ServiceError, 'status'> & { readonly status?: number }
  readonly throttled: Omit<ServiceError, 'status'>
  /** How a 429 states when to retry. Default: in seconds. */
  readonly retryAfter?: RetryAfterForm
  /** 401 for a token of another audience. Default: as for one that is missing. */
  readonly wrongAudience?: Omit<ServiceError, 'status'>
  /** 401 for an expired token. Default: as for one that is missing. */
  readonly expired?: Omit<ServiceError, 'status'>
  /** The `WWW-Authenticate` of that 401. Default: that of `challenge`. */
  expiredChallenge?(context: ErrorContext): Record<string, string>
  /** For a caller whose address a network rule denies. */
  readonly networkDenied?: ServiceError
  /** 400 for an api-version that is missing or unknown. */
  noVersion?(known: readonly string[]): Omit<ServiceError, 'status'>
  unknownVersion?(asked: string, known: readonly string[], path: string): Omit<ServiceError, 'status'>
}

/** 401 with a claims challenge: this token is no longer accepted, a token with these claims would be. */
export function claimsChallenge(claims: object): Record<string, string> {
  const encoded = Buffer.from(JSON.stringify(claims)).toString('base64')
  return {
    'www-authenticate': `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${encoded}"`,
  }
}

const nested = ({ code, message, inner }: ServiceError): unknown => ({
  error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) },
})

const invalidToken = (tenant: string, why: string) => ({
  'www-authenticate': `Bearer authorization_uri="https://login.windows.net/${tenant}", error="invalid_token", error_description="${why}"`,
})

const resourceManager: Dialect = {
  audiences: [
    'https://management.azure.com',
    'https://management.core.windows.net',
    'https://management.usgovcloudapi.net',
    'https://management.core.usgovcloudapi.net',
    'https://management.chinacloudapi.cn',
    'https://management.core.chinacloudapi.cn',
  ],
  body: ({ code, message }) => ({ error: { code, message } }),
  headers: ({ requestId }) => ({
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': requestId,
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
  }),
  unauthenticated: {
    code: 'AuthenticationFailed',
    message: "Authentication failed. The 'Authorization' header is missing.",
  },
  wrongAudience: {
    code: 'InvalidAuthenticationTokenAudience',
    message: 'The access token has been obtained for wrong audience or resource.',
  },
  challenge: ({ tenant }) =>
    invalidToken(tenant, "The authentication failed because of missing 'Authorization' header."),
  expired: {
    code: 'ExpiredAuthenticationToken',
    message: 'The access token expiry UTC time is earlier than current UTC time.',
  },
  expiredChallenge: ({ tenant }) =>
    invalidToken(tenant, 'The access token expiry UTC time is earlier than current UTC time.'),
  forbidden: (action, scope, objectId) => ({
    code: 'AuthorizationFailed',
    message:
      `The client '${objectId}' with object id '${objectId}' does not have authorization to perform action ` +
      `'${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  }),
  throttled: {
    code: 'SubscriptionRequestsThrottled',
    message: 'Number of requests exceeded the limit. Please try again later.',
  },
}

const keyVault: Dialect = {
  audiences: ['https://vault.azure.net', 'https://vault.usgovcloudapi.net', 'https://vault.azure.cn'],
  body: nested,
  headers: ({ requestId }) => ({
    'x-ms-request-id': requestId,
    'x-ms-keyvault-region': 'westeurope',
    'x-ms-keyvault-service-version': '1.9.2500.1',
    'strict-transport-security': 'max-age=31536000;includeSubDomains',
  }),
  unauthenticated: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' },
  challenge: ({ host, tenant }) => ({
    'www-authenticate': `Bearer authorization="https://login.windows.net/${tenant}", resource="https://${host.slice(host.indexOf('.') + 1)}"`,
  }),
  forbidden: (action, scope, objectId) => ({
    code: 'Forbidden',
    message: `Caller is not authorized to perform action on resource.\r\nCaller: oid=${objectId}\r\nAction: '${action}'\r\nResource: '${scope}'`,
    inner: 'ForbiddenByRbac',
  }),
  throttled: {
    code: 'Throttled',
    message: 'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
  },
  retryAfter: 'none',
  expired: { code: 'Unauthorized', message: "[TokenExpired] Error validating token: 'S2S12086'." },
  networkDenied: {
    status: 403,
    code: 'Forbidden',
    message: 'Client address is not authorized and caller is not a trusted service.',
    inner: 'ForbiddenByFirewall',
  },
  // The texts that Key Vault uses for these are unverified.
  noVersion: () => ({ code: 'BadParameter', message: 'api-version must be specified' }),
  unknownVersion: (asked) => ({ code: 'BadParameter', message: `The specified version (${asked}) is not recognized.` }),
}

const graph: Dialect = {
  audiences: [
    'https://graph.microsoft.com',
    'https://graph.microsoft.us',
    'https://dod-graph.microsoft.us',
    'https://microsoftgraph.chinacloudapi.cn',
  ],
  body: ({ code, message }, { requestId, now }) => ({
    error: {
      code,
      message,
      innerError: { date: new Date(now).toISOString(), 'request-id': requestId, 'client-request-id': requestId },
    },
  }),
  headers: ({ requestId }) => ({ 'request-id': requestId, 'client-request-id': requestId }),
  unauthenticated: { code: 'InvalidAuthenticationToken', message: 'Access token is empty or for another audience.' },
  expired: { code: 'InvalidAuthenticationToken', message: 'Lifetime validation failed, the token is expired.' },
  challenge: () => ({
    'www-authenticate': 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common"',
  }),
  forbidden: (action) => ({ code: 'Forbidden', message: `The token lacks the role ${action}.` }),
  throttled: { code: 'TooManyRequests', message: 'Too many requests.' },
}

const eventGrid: Dialect = {
  audiences: ['https://eventgrid.azure.net', 'https://eventgrid.azure.us', 'https://eventgrid.azure.cn'],
  body: ({ code, message, inner }, { requestId, now }) => ({
    error: {
      code,
      message: `${message} Report '${requestId}:1:${new Date(now).toUTCString()}' to our forums for assistance or raise a support ticket.`,
      details: [{ code: inner ?? code, message }],
    },
  }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId }),
  unauthenticated: {
    code: 'Unauthorized',
    message: 'The request authorization token or key is not present or is incorrect.',
  },
  forbidden: (action) => ({ code: 'Forbidden', message: `The principal is not authorized to perform ${action}.` }),
  throttled: { code: 'TooManyRequests', message: 'The topic is over its rate limit.' },
}

/** For services whose refusals have no shape that matters. */
export const plainDialect: Dialect = {
  audiences: [],
  body: ({ code, message }) => ({ error: code, error_description: message, Error: code, Message: message }),
  headers: ({ requestId }) => ({ 'x-ms-request-id': requestId }),
  unauthenticated: { code: 'InvalidAuthorization', message: 'An invalid authorization was specified in the request.' },
  forbidden: () => ({ code: 'Forbidden', message: 'Forbidden' }),
  throttled: { code: 'TooManyRequests', message: 'Too many requests.' },
}

const dialects = new Map<HostGroup, Dialect>([
  ['resource-manager', resourceManager],
  ['key-vault', keyVault],
  ['graph', graph],
  ['event-grid', eventGrid],
  ['telemetry', plainDialect],
  ['login', plainDialect],
  ['managed-identity', plainDialect],
])

/** Of a service that is not listed above. */
export function addDialect(group: HostGroup, dialect: Dialect): void {
  dialects.set(group, dialect)
}

/** Throws TypeError for a group that has none. */
export function dialectOf(group: HostGroup): Dialect {
  const dialect = dialects.get(group)
  if (dialect === undefined) throw new TypeError(`no dialect for ${group}: export it as a data plane of its service`)
  return dialect
}

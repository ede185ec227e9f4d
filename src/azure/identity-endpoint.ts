// Calls App Service's identity endpoint directly. @azure/identity caches the tokens of a managed identity for the life
// of the process and ignores claims (4.14.1): a token that a service has refused would be returned again.

import type { AccessToken, TokenCredential } from '@azure/core-auth'
import type { HttpClient } from '@azure/core-rest-pipeline'
import { minutes, seconds } from '../engine/target.ts'
import { parseJson } from './json.ts'

export interface IdentityEndpoint {
  /** `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, as the platform sets them. */
  readonly url: string
  readonly header: string
  /** Of a user-assigned identity. */
  readonly clientId?: string
}

/** The library's credential, except for a request with claims: it gets a new token, which from then on replaces the library's. */
export function pastItsCache(
  library: TokenCredential,
  ask: (resource: string) => Promise<AccessToken>,
): TokenCredential {
  const newer = new Map<string, AccessToken>()
  return {
    getToken: async (scopes, options) => {
      const scope = [scopes].flat().join(' ')
      if (options?.claims !== undefined) newer.set(scope, await ask(scope.replace(/\/\.default$/, '')))
      const token = newer.get(scope)
      if (token !== undefined && token.expiresOnTimestamp - Date.now() > minutes(5)) return token
      newer.delete(scope)
      return token ?? (await library.getToken(scopes, options))
    },
  }
}

/** `GET {IDENTITY_ENDPOINT}`, api-version 2019-08-01. Throws RestError for any answer without a token. */
export async function askIdentityEndpoint(
  { url, header, clientId }: IdentityEndpoint,
  resource: string,
  client: HttpClient,
): Promise<AccessToken> {
  const { createHttpHeaders, createPipelineRequest, RestError } = await import('@azure/core-rest-pipeline')
  const asked = new URL(url)
  asked.searchParams.set('api-version', '2019-08-01')
  asked.searchParams.set('resource', resource)
  if (clientId !== undefined) asked.searchParams.set('client_id', clientId)
  const request = createPipelineRequest({
    url: asked.href,
    headers: createHttpHeaders({ accept: 'application/json', 'x-identity-header': header }),
    // The endpoint is local to this machine: http://localhost or 127.0.0.1.
    allowInsecureConnection: true,
  })
  const { status, bodyAsText } = await client.sendRequest(request)
  const token = status === 200 ? tokenIn(bodyAsText) : undefined
  if (token !== undefined) return token
  // Without the response and its text: it may hold a token.
  throw Object.assign(new RestError('the identity endpoint gave no token', { statusCode: status }), {
    name: 'CredentialUnavailableError',
  })
}

function tokenIn(text: string | null | undefined): AccessToken | undefined {
  const { access_token: token, expires_on: expires } = Object(parseJson(text ?? '')) as Readonly<
    Record<string, unknown>
  >
  const at = seconds(Number(expires))
  return typeof token === 'string' && Number.isFinite(at) ? { token, expiresOnTimestamp: at } : undefined
}

// The app's credential: its managed identity in Azure, the developer's own sign-in on their machine.

import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth'
import type { HttpClient } from '@azure/core-rest-pipeline'
import { callLimit } from '../engine/target.ts'
import { askIdentityEndpoint, pastItsCache } from './identity-endpoint.ts'
import { lazily } from './lazily.ts'
import { rebuild } from './service-error.ts'

export interface CredentialSettings {
  /** Client id of a user-assigned identity; absent: the system-assigned one. */
  readonly clientId?: string
  /** `https://login.microsoftonline.com`, or another cloud's. */
  readonly authority: string
  /** Whether the platform offers a managed identity: `IDENTITY_ENDPOINT` is set. */
  readonly managed: boolean
}

/**
 * The identity that makes the calls. @azure/identity is loaded with the first token. A token that cannot be obtained is
 * `PermissionDenied`, an identity endpoint that fails `ServiceUnavailable`.
 */
export function credential(settings: CredentialSettings): TokenCredential {
  const loaded = lazily(() => load(settings))
  return {
    getToken: async (scopes, options = {}) => {
      const operation = `access token for ${[scopes].flat().join(' ')}`
      try {
        return await inTime((await loaded()).getToken(scopes, options), options)
      } catch (error) {
        throw rebuild(error, operation)
      }
    },
  }
}

async function load({ clientId, authority, managed }: CredentialSettings): Promise<TokenCredential> {
  const identity = await import('@azure/identity')
  const retryOptions = { maxRetries: 2 }
  const ours = clientId === undefined ? {} : { clientId }
  if (managed) {
    const httpClient = await clientThatThrows()
    const library = new identity.ManagedIdentityCredential({ retryOptions, httpClient, ...ours })
    // The same variables that the library reads.
    const { IDENTITY_ENDPOINT: url = '', IDENTITY_HEADER: header = '' } = process.env
    return pastItsCache(library, (resource) => askIdentityEndpoint({ url, header, ...ours }, resource, httpClient))
  }
  return new identity.DefaultAzureCredential({
    authorityHost: authority,
    retryOptions,
    ...(clientId === undefined ? {} : { managedIdentityClientId: clientId }),
  })
}

// The library takes any JSON from the identity endpoint for a token, and then misses the token's expiry: it reports a 500 as
// an app without an identity. Thrown as an error, the 500 is retried, and reported as what it is.
async function clientThatThrows(): Promise<HttpClient> {
  const { createDefaultHttpClient, RestError } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  return {
    sendRequest: async (request) => {
      const response = await client.sendRequest(request)
      const { status } = response
      if (status < 500 && status !== 429) return response
      throw new RestError('the identity endpoint failed', { statusCode: status, request, response })
    },
  }
}

// The managed identity's client supports neither abort signals nor time limits.
async function inTime(
  token: Promise<AccessToken | null>,
  { abortSignal }: GetTokenOptions,
): Promise<AccessToken | null> {
  const own = AbortSignal.timeout(callLimit)
  const signal = abortSignal === undefined ? own : AbortSignal.any([abortSignal as AbortSignal, own])
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => reject(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([token, ended])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

// Handles a service that no longer accepts a token which is still cached as valid.

import type { PipelinePolicy, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline'

/**
 * Turns a 401 for one of our tokens into a claims challenge, once per request. The SDKs' own authentication answers such a
 * challenge, and no other 401, with one more token request and one more send. Nothing was carried out, so a request that must
 * be sent once may be sent again. Belongs inside the policy that adds the token: position `perRetry`.
 * Key Vault says `[TokenExpired]` with its usual challenge, Resource Manager says `invalid_token`, and what others say about an
 * expired token is not documented: so every 401 counts.
 */
export function refusedToken(now: () => number): PipelinePolicy {
  const challenged = new WeakSet<PipelineRequest>()
  return {
    name: 'rekeyRefusedToken',
    sendRequest: async (request, next) => {
      const sent = request.headers.get('authorization')
      const response = await next(request)
      if (!sent?.startsWith('Bearer ') || challenged.has(request) || !isLeftToUs(response)) return response
      challenged.add(request)
      response.headers.set('www-authenticate', challenge(momentOf(response, now)))
      return response
    },
  }
}

/** False for what the SDK answers by itself: a claims challenge, or Key Vault's challenge with the tenant whose tokens it accepts. */
function isLeftToUs({ status, headers, bodyAsText }: PipelineResponse): boolean {
  if (status !== 401) return false
  const header = headers.get('www-authenticate') ?? ''
  if (header.includes('insufficient_claims')) return false
  return !header.includes('authorization="') || /TokenExpired/.test(bodyAsText ?? '')
}

/** In Microsoft Entra's form: asks for a token that is not valid before this moment, and so not for the one we have. */
function challenge(moment: number): string {
  const notBefore = { essential: true, value: String(Math.floor(moment / 1000)) }
  return `Bearer error="insufficient_claims", claims="${btoa(JSON.stringify({ access_token: { nbf: notBefore } }))}"`
}

/** The moment of the refusal by the service's clock, which may differ from ours. */
function momentOf({ headers }: PipelineResponse, now: () => number): number {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isFinite(date) ? date : now()
}

// Handles a service that no longer accepts a token which is still cached as valid.

import type { PipelinePolicy, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline'

/**
 * Makes a claims challenge of a 401 for a token of ours, once for each request. The SDKs' own authentication answers such a
 * challenge with one more token request and one more send, and no other 401. Nothing was carried out, so what is sent once may
 * be sent again. Belongs inside the policy that adds the token: position `perRetry`.
 * Key Vault says `[TokenExpired]` with its usual challenge, Resource Manager says `invalid_token`, and what others say of an
 * expired token is not documented: so every 401 counts.
 */
export function refusedToken(now: () => number): PipelinePolicy {
  const challenged = new WeakSet<PipelineRequest>()
  return {
    name: 'rekeyRefusedToken',
    sendRequest: async (request, next) => {
      const sent = request.headers.get('authorization')
      const response = await next(request)
      if (!sent?.startsWith('Bearer ') || challenged.has(request) || !leavesItToUs(response)) return response
      challenged.add(request)
      response.headers.set('www-authenticate', challenge(momentOf(response, now)))
      return response
    },
  }
}

/** Not what the SDK answers by itself: a claims challenge, or Key Vault's word on the tenant whose tokens it takes. */
function leavesItToUs({ status, headers, bodyAsText }: PipelineResponse): boolean {
  if (status !== 401) return false
  const header = headers.get('www-authenticate') ?? ''
  if (header.includes('insufficient_claims')) return false
  return !header.includes('authorization="') || /TokenExpired/.test(bodyAsText ?? '')
}

/** As Microsoft Entra words it: a token that is not valid before this moment, and therefore not the one we have. */
function challenge(moment: number): string {
  const notBefore = { essential: true, value: String(Math.floor(moment / 1000)) }
  return `Bearer error="insufficient_claims", claims="${btoa(JSON.stringify({ access_token: { nbf: notBefore } }))}"`
}

/** By the clock of who refused us, which may not be ours. */
function momentOf({ headers }: PipelineResponse, now: () => number): number {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isFinite(date) ? date : now()
}

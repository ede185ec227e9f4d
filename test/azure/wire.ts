// SDK clients in this process whose HTTP is answered by a function: the simulated Azure's `fetch`, or canned answers. The
// clients are the real ones; only the socket is missing.

import type { HttpClient, PipelineRequest } from '@azure/core-rest-pipeline'
import { createHttpHeaders, RestError } from '@azure/core-rest-pipeline'

export type Fetch = (request: Request) => Promise<Response>

/** An HTTP client whose calls `fetch` answers. A rejection is a reset connection, a signal that ends an abort, as in Node. */
export function wire(fetch: Fetch): HttpClient {
  return {
    sendRequest: async (request) => {
      const aborted = () => Object.assign(new Error('The operation was aborted.'), { name: 'AbortError' })
      if (request.abortSignal?.aborted) throw aborted()
      const { promise: ended, reject } = Promise.withResolvers<never>()
      const end = () => reject(aborted())
      request.abortSignal?.addEventListener('abort', end)
      try {
        const response = await Promise.race([answer(fetch, request), ended])
        return {
          request,
          status: response.status,
          headers: createHttpHeaders(response.headers),
          bodyAsText: response.text,
        }
      } finally {
        request.abortSignal?.removeEventListener('abort', end)
      }
    },
  }
}

async function answer(fetch: Fetch, request: PipelineRequest) {
  const { url, method, headers, body } = request
  // The first call to a vault has its body taken away: null then, not undefined.
  const sent = body === undefined || body === null ? {} : { body: String(body) }
  try {
    const response = await fetch(new Request(url, { method, headers: headers.toJSON(), ...sent }))
    return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() }
  } catch {
    throw new RestError('socket hang up', { code: 'ECONNRESET', request })
  }
}

/** Canned answers in order; the last one for good. Remembers what was sent. */
export function canned(...answers: readonly (() => Response | Promise<Response>)[]) {
  const sent: Request[] = []
  const fetch: Fetch = async (request) => {
    sent.push(request)
    return await (answers[sent.length - 1] ?? answers.at(-1)!)()
  }
  return { fetch, sent }
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): () => Response {
  return () =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** A connection that is cut after the request was sent. */
export function cut(): Response {
  throw new Error('cut')
}

/** A credential for calls whose token is not checked. */
export const anyToken = {
  getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }),
}

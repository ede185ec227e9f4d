// Registers one HTTP function; at load it imports nothing that the runtime has not loaded already.

import { app, type HttpMethod } from '@azure/functions'
import type { Handler } from './answer-request.ts'
import { isKeyless } from './sign-in.ts'

/** How to load the handler of each route, by the function's name: tests compare them with the OpenAPI document. */
export const loaders = new Map<string, () => Promise<Handler>>()

/**
 * Registers one route as a function of its own, so that it has a key of its own. Its handler is loaded by the first
 * request: registration must cost nothing and must not depend on configuration. With the sign-in on, no function key is needed:
 * docs/decisions/038 says why that is safe.
 */
export function route(name: string, method: HttpMethod, path: string, load: () => Promise<Handler>): void {
  loaders.set(name, load)
  app.http(name, {
    methods: [method],
    route: path,
    authLevel: isKeyless(process.env) ? 'anonymous' : 'function',
    handler: async (request, context) => {
      const [{ answer }, { compose }, handler] = await Promise.all([
        import('./answer-request.ts'),
        import('../../compose.ts'),
        load(),
      ])
      return answer(handler, request, context, compose)
    },
  })
}

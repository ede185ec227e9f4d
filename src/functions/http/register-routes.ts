// Registers every route as a function; at load it imports nothing that the runtime has not loaded already.

import { app } from '@azure/functions'
import './http-functions.ts'
import './page/page-function.ts'
import { routes } from './route-list.ts'
import { isKeyless } from './sign-in.ts'

/** With the sign-in on, no function key is needed: docs/decisions/038 says why that is safe. */
const authLevel = isKeyless(process.env) ? 'anonymous' : 'function'

for (const [name, { method, path, load }] of routes) {
  app.http(name, {
    methods: [method],
    route: path,
    authLevel,
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

// GET /api/openapi.json: the description of this API, as docs/openapi.json has it.

import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery } from '../paging.ts'

/** With the address of this app in place of those that the file names. Also while the configuration is not valid. */
export const showOpenapi: Handler = {
  roles: readers,
  async always({ request }) {
    checkQuery(request, [])
    // In a file of its own in the package: no other call needs it.
    const { default: document } = await import('../../../../docs/openapi.json', { with: { type: 'json' } })
    const servers = [{ url: new URL(request.url).origin, description: 'This app.' }]
    return json(200, { ...document, servers })
  },
}

// POST /api/targets/{name}/rotate: requests a new key.

import * as z from 'zod/mini'
import { enabledTargetOf, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { note } from './note.ts'

export const rotateBody = z.strictObject({ note: z.optional(note), force: z.optional(z.boolean()) })

/** A key created from now on becomes the current one. `force` skips the check for cooling. */
export const rotate: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const desired = await parseBody(call.request, rotateBody)
    const target = enabledTargetOf(call)
    const createdAfter = call.asked.at
    const request = requestOf(call, target, { ...desired, createdAfter })
    const long = call.app.providerOf(target).longRunning === true
    return carryOut(call, target, request, { long })
  },
}

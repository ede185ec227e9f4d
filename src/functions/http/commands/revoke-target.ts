// POST /api/targets/{name}/revoke: replaces every key that was created before a moment.

import * as z from 'zod/mini'
import { enabledTargetOf, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { why } from './note.ts'
import { asNotSupported } from './refusals.ts'

export const revokeBody = z.strictObject({
  note: why,
  atOnce: z.optional(z.boolean()),
})

/** An emergency: no slot keeps a key older than now. Goes on through a secret that was disabled by hand, and ignores overlaps. */
export const revoke: Handler = {
  roles: ['Rekey.Revoke'],
  async command(call) {
    const desired = await parseBody(call.request, revokeBody)
    const target = enabledTargetOf(call)
    const provider = call.app.providerOf(target)
    if (desired.atOnce && !provider.can.atOnce) {
      throw asNotSupported(target, `${provider.title} cannot replace every slot in one call`, 'Leave out "atOnce".')
    }
    const revokeBefore = call.asked.at
    const request = requestOf(call, target, { ...desired, revokeBefore })
    const long = provider.longRunning === true
    return carryOut(call, target, request, { long })
  },
}

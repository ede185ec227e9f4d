// POST /api/targets/{name}/repair: compares a target with its service now.

import * as z from 'zod/mini'
import { days } from '../../../engine/target.ts'
import { enabledTargetOf, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { note } from './note.ts'

export const repairBody = z.strictObject({ note: z.optional(note) })

/** The schedule compares every target once a day: a repair that takes longer is superseded by that. */
const life = days(1)

/**
 * Compares the target with its service now, and repairs drift: a key that the service no longer accepts, outputs that differ, a publish that
 * stopped half way, a version that was not announced. It creates no key that is only due, and retires none.
 */
export const repair: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const desired = await parseBody(call.request, repairBody)
    const target = enabledTargetOf(call)
    // A caller's clock may be ahead: a comparison made now must satisfy the request.
    const comparedAfter = Math.min(call.asked.at, call.app.clock.now())
    const request = { ...requestOf(call, target, { ...desired, comparedAfter }), expiresAt: call.asked.at + life }
    // Comparing is quick; where the service takes minutes for the write that may follow, the queue continues it.
    return carryOut(call, target, request, { long: false })
  },
}

// POST /api/targets/{name}/repair: compares a target with its service now.

import * as z from 'zod'
import { days } from '../../rotation/target.ts'
import { enabledTargetOf, type Handler } from '../http/answer.ts'
import { parseBody } from '../http/body.ts'
import { carryOut, requestOf } from './carry-out.ts'
import { note } from './note.ts'

const body = z.strictObject({ note: note.optional() })

/** The schedule compares every target once a day: a repair that takes longer has been overtaken by that. */
const life = days(1)

/**
 * Compares the target with its service now, and repairs drift: a key that the service no longer accepts, outputs that differ, a publish that
 * stopped half way, a version that was not announced. No key is made that is only due, and none is retired.
 */
export const repair: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const wish = await parseBody(call.request, body)
    const target = enabledTargetOf(call)
    // A caller's clock may be ahead: what is compared now is compared in time.
    const comparedAfter = Math.min(call.asked.at, call.app.clock.now())
    const request = { ...requestOf(call, target, { ...wish, comparedAfter }), expiresAt: call.asked.at + life }
    // Comparing is quick; the write that may follow goes on in the queue where the service takes minutes for it.
    return carryOut(call, target, request, { long: false })
  },
}

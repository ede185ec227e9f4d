// GET /api/targets/{name}/plan: what a run would do with one target now, and why. Changes nothing.

import { iso } from '../../../engine/duration.ts'
import { previewOf } from '../../shared/preview-target.ts'
import { resyncRequest } from '../../shared/requests.ts'
import { type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { allowedCommands } from '../commands/allowed-commands.ts'
import { taggedError } from '../embedded-error.ts'
import { checkQuery } from '../paging.ts'
import type { TargetPlan } from '../schemas/plan-schema.ts'

/** By reading its service and its vault, which shows drift as well. */
export const planTarget: Handler = {
  roles: readers,
  async answer(call) {
    checkQuery(call.request, [])
    const target = targetOf(call)
    const request = resyncRequest(target.name, 'plan', 'plan', call.app.clock.now())
    const seen = await previewOf(call, target, request)
    const { slot, slots, stored, dueAt, plan } = seen
    const failed = stored?.stamps?.target === target.name ? stored.stamps.failed : undefined
    const described: TargetPlan = {
      target: target.name,
      enabled: target.enabled,
      slots,
      slot,
      version: stored?.version,
      dueAt: iso(dueAt),
      reason: plan?.reason,
      until: iso(plan?.until),
      steps: plan?.steps ?? [],
      lastError: failed && taggedError(failed),
      commands: allowedCommands(call, target, seen),
    }
    return json(200, described)
  },
}

// What a rotation or a revoke that a caller requests costs its service, for pacing.

import type { App } from '../../compose.ts'
import type { Candidate } from '../../engine/pace.ts'
import type { Target } from '../../engine/target.ts'

/** Whether the target's service replaces every slot in one call. */
export function canAtOnce(app: App, target: Target): boolean {
  return app.providerOf(target).can.atOnce === true
}

/**
 * The writes of a revoke. A rotation lists the keys, and the rest makes a new one: a revoke lists them once, and makes one for each slot.
 * `atOnce`: in one call, where the service can.
 */
export function revokeWrites(app: App, target: Target, atOnce = false): number {
  const { writes } = app.providerOf(target)
  if (atOnce && canAtOnce(app, target)) return writes
  return writes + (writes - 1) * (target.slots.length - 1)
}

/** A target of a list of requests. `atOnce`: every slot in one call, where the service can. */
export function manyCandidate(
  app: App,
  target: Target,
  { revokes, atOnce }: { readonly revokes: boolean; readonly atOnce?: boolean | undefined },
): Candidate {
  const { writes, allowance } = app.providerOf(target)
  return {
    target: target.name,
    urgency: 0,
    budget: app.placeOf(target).budget,
    allowance,
    writes: revokes ? revokeWrites(app, target, atOnce) : writes,
    vault: target.vault,
    creates: target.secrets.length,
  }
}

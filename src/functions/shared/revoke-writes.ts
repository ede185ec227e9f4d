// What a revoke costs its service.

import type { App } from '../../compose.ts'
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

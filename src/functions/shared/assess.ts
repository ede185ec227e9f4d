// Room: the doorways. What a target's lead says by its tags and dates alone, without asking the service: for the schedule,
// the plan of the whole fleet, and the list of targets.

import { dueAt, inWindow, isOverdue } from '../../rotation/due.ts'
import type { StoredSecret } from '../../rotation/observation.ts'
import type { Instant, Target } from '../../rotation/target.ts'

/** What is known of a lead without its value; a listing does not tell the version either. */
export type Lead = Omit<StoredSecret, 'value' | 'version'>

/**
 * `unmanaged`: nothing of ours in the vault. `paused`: disabled by hand. `unfinished`: something was begun and not
 * ended. `expired`: past its expiry, so the window does not count. `due`. `closed`: due, outside its window. `current`.
 */
export type State = 'disabled' | 'unmanaged' | 'paused' | 'unfinished' | 'expired' | 'due' | 'closed' | 'current'

export interface Assessment {
  readonly state: State
  readonly dueAt?: Instant
  readonly overdue: 'yes' | 'no'
}

/** What the tags say about a target now. `lead` undefined: the secret does not exist. */
export function assess(target: Target, lead: Lead | undefined, now: Instant): Assessment {
  if (!target.enabled) return { state: 'disabled', overdue: 'no' }
  if (lead?.stamps?.target !== target.name) return { state: 'unmanaged', overdue: 'no' }
  const stored = lead as StoredSecret
  const due = dueAt(target, stored)
  return {
    state: stateOf(target, lead, due, now),
    dueAt: due,
    overdue: lead.enabled && isOverdue(target, stored, now) ? 'yes' : 'no',
  }
}

function stateOf(target: Target, lead: Lead, due: Instant, now: Instant): State {
  if (!lead.enabled) return 'paused'
  // Before `unfinished`, which a look at an expired target finishes as well: but its window would count.
  if (lead.expiresOn !== undefined && lead.expiresOn <= now) return 'expired'
  if (lead.stamps?.pending !== undefined || lead.stamps?.announced !== true || mayRetire(target, lead, now)) {
    return 'unfinished'
  }
  if (now < due) return 'current'
  return target.window === undefined || inWindow(target.window, now) ? 'due' : 'closed'
}

function mayRetire(target: Target, { stamps, created }: Lead, now: Instant): boolean {
  return stamps?.retire === true && target.retireAfter !== undefined && now >= created + target.retireAfter
}

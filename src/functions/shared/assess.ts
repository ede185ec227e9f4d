// What a target's secrets say by their tags and dates alone, without calling the service: for the schedule, the plan of
// the whole fleet, and the list of targets.

import { inWindow, isOverdue, soonestDue } from '../../engine/due.ts'
import { deadlineOf, isReminder } from '../../engine/reminder.ts'
import { isElsewhere } from '../../engine/state.ts'
import type { StoredSecret } from '../../engine/stored-secret.ts'
import type { Instant, Target } from '../../engine/target.ts'

/** What is known of a secret without its value; a listing does not include the version either. Undefined: does not exist. */
export type Listed = Pick<StoredSecret, 'enabled' | 'created' | 'expiresOn' | 'slot' | 'address' | 'stamps'> | undefined

/**
 * `new`: the lead is not there, or may be taken over whatever it holds. `untagged`: a secret is there without our
 * tag; `unmanaged`: tagged for another target or resource. Only a resync shows whether they hold a live key. `paused`: one is
 * disabled by hand. `unfinished`: something was begun and not ended. `expired`: past its expiry, so the window does not
 * count. `due`. `closed`: due, outside its window. `current`.
 */
export type State =
  | 'disabled'
  | 'new'
  | 'untagged'
  | 'unmanaged'
  | 'paused'
  | 'unfinished'
  | 'expired'
  | 'due'
  | 'closed'
  | 'current'

export interface Assessment {
  readonly state: State
  readonly dueAt?: Instant
  readonly overdue: boolean
  /** When the newest secret that is not tagged for the target was written. */
  readonly unmanagedSince?: Instant
}

/** What the tags say about a target now. `secrets`: all of the target's, in its order, so the lead is the first. */
export function assess(target: Target, secrets: readonly Listed[], now: Instant): Assessment {
  if (!target.enabled) return { state: 'disabled', overdue: false }
  if (isReminder(target)) return assessReminder(target, secrets[0], now)
  const [lead] = secrets
  const unmanaged = unmanagedIn(target, secrets)
  const since = unmanaged.length === 0 ? {} : { unmanagedSince: Math.max(...unmanaged.map(({ created }) => created)) }
  const state = stateOf(target, secrets, unmanaged, now)
  if (lead?.stamps?.target !== target.name) return { state, overdue: false, ...since }
  const overdue = isOverdue(target, lead, secrets, now)
  return { state, dueAt: soonestDue(target, lead, secrets), overdue, ...since }
}

/** By the dates alone: nothing of ours is in its tags. `new`: there is no secret yet. `expired`: its deadline has passed. */
function assessReminder(target: Target, secret: Listed, now: Instant): Assessment {
  if (secret === undefined) return { state: 'new', overdue: false }
  if (!secret.enabled) return { state: 'paused', overdue: false }
  const { dueAt, deadline } = deadlineOf(target, secret)
  const overdue = now >= deadline
  return { state: overdue ? 'expired' : now >= dueAt ? 'due' : 'current', dueAt, overdue }
}

function stateOf(
  target: Target,
  secrets: readonly Listed[],
  unmanaged: readonly NonNullable<Listed>[],
  now: Instant,
): State {
  const [lead] = secrets
  if (secrets.some((secret) => secret?.enabled === false)) return 'paused'
  if (unmanaged.length > 0 && !target.adopt) {
    return !target.unverified && unmanaged.some((secret) => isAnothers(target, secret)) ? 'unmanaged' : 'untagged'
  }
  // With `adopt`, the first resync takes them over, whatever they hold.
  if (lead === undefined || unmanaged.length > 0) return 'new'
  // Before `unfinished`, which a resync of an expired target finishes as well: but its window would count.
  if (secrets.some((secret) => secret?.expiresOn !== undefined && secret.expiresOn <= now)) return 'expired'
  if (lead.stamps?.pending !== undefined || lead.stamps?.announced !== true || mayRetire(target, secrets, now)) {
    return 'unfinished'
  }
  if (secrets.some((secret) => secret && isLeftBehind(lead, secret))) return 'unfinished'
  if (now < soonestDue(target, lead, secrets)) return 'current'
  return target.window === undefined || inWindow(target.window, now) ? 'due' : 'closed'
}

function unmanagedIn(target: Target, secrets: readonly Listed[]): readonly NonNullable<Listed>[] {
  // What the tags of a target say that is not verified counts for nothing.
  const isOurs = ({ stamps }: NonNullable<Listed>) => !target.unverified && stamps?.target === target.name
  return secrets.flatMap((secret) => (secret && !isOurs(secret) ? [secret] : []))
}

/** True also for the secrets of a target that was renamed. */
function isAnothers(target: Target, secret: NonNullable<Listed>): boolean {
  return secret.stamps !== undefined || isElsewhere(target, secret)
}

/** A publish that stopped before the lead, or a repair that was not announced. */
function isLeftBehind(lead: NonNullable<Listed>, { slot, created, stamps }: NonNullable<Listed>): boolean {
  if (created < lead.created) return false
  return slot?.toLowerCase() !== lead.slot?.toLowerCase() || (created > lead.created && stamps?.announced !== true)
}

function mayRetire(target: Target, secrets: readonly Listed[], now: Instant): boolean {
  const written = Math.max(...secrets.map((secret) => secret?.created ?? Number.NEGATIVE_INFINITY))
  return secrets[0]?.stamps?.retire === true && target.retireAfter !== undefined && now >= written + target.retireAfter
}

// Which targets a tick queues, and how urgent each is.

import type { ListedSecret } from '../../azure/key-vault.ts'
import type { App } from '../../compose.ts'
import { turn } from '../../engine/due.ts'
import { iso } from '../../engine/duration.ts'
import type { Candidate } from '../../engine/pace.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { type Duration, days, hours, type Instant, minutes, type Target } from '../../engine/target.ts'
import { type State as Assessed, type Assessment, assess } from '../shared/assess.ts'
import { resyncLife, resyncRequest } from '../shared/requests.ts'
import type { Period } from './period.ts'

/** `unreadable`: its vault could not be listed. */
export type State = Assessed | 'unreadable'

export interface Wanted extends Candidate {
  readonly state: State
  readonly request: RotationRequest
}

/** The next tick queues a due target again: the message lives until then, but at least as long as a batch takes. */
const shortestLife = minutes(15)
/**
 * A secret without our tag that was written recently may be one of ours that another client overwrote, or a key to be taken
 * over: every tick resyncs it. An older one most likely stays unmanaged, which only a resync can show: less often.
 */
const lately: Duration = hours(2)
const untaggedTurn: Duration = hours(1)

/** What a vault says about one of its targets. */
export interface Seen extends Omit<Assessment, 'state'> {
  readonly state: State
  readonly target: Target
  readonly rotatedAt?: Instant
  readonly expiresOn?: Instant
}

export function see(target: Target, secrets: readonly (ListedSecret | undefined)[], period: Period): Seen {
  const assessment = assess(target, secrets, period.to)
  const [lead] = secrets
  if (lead?.stamps?.target !== target.name) return { target, ...assessment }
  const {
    expiresOn,
    stamps: { rotatedAt },
  } = lead
  return {
    target,
    ...assessment,
    ...(rotatedAt === undefined ? {} : { rotatedAt }),
    ...(expiresOn === undefined ? {} : { expiresOn }),
  }
}

/** Queued in its turn all the same: the resync may succeed, or reports its own failure. */
export function unreadable(target: Target): Seen {
  return { target, state: 'unreadable', overdue: false }
}

/** The candidate for the queue; undefined when there is nothing to do and it is not this target's turn. */
export function wanted(app: App, seen: Seen, period: Period): Wanted | undefined {
  const { target, state } = seen
  const rotates = state === 'due' || state === 'expired'
  const publishes = rotates || isUnseen(seen, period)
  const urgent = publishes || state === 'unfinished'
  if (!urgent && !isItsTurn(seen, period)) return undefined
  const provider = app.providerOf(target)
  const id = `schedule/${target.name}/${iso(period.to).slice(0, 10)}`
  const life = urgent ? Math.max(period.interval, shortestLife) : resyncLife
  const request = { ...resyncRequest(target.name, id, 'schedule', period.to), expiresAt: period.to + life }
  return {
    target: target.name,
    state,
    request: state === 'expired' ? { ...request, ignoreWindow: true } : request,
    urgency: urgencyOf(seen, period),
    budget: budgetOf(app, target),
    allowance: provider.allowance,
    // A resync is a POST listKeys; a target may turn out to need more, and the queue then retries it.
    writes: rotates ? provider.writes : 1,
    vault: target.vault,
    creates: publishes ? target.secrets.length : 0,
  }
}

/** By target: an id is taken apart once, and not with every tick in which many wait. */
const budgets = new WeakMap<Target, string>()

function budgetOf(app: App, target: Target): string {
  const budget = budgets.get(target) ?? app.placeOf(target).budget
  budgets.set(target, budget)
  return budget
}

/** What is there now has not been compared yet. */
function isUnseen({ state, unmanagedSince }: Seen, { to }: Period): boolean {
  if (state === 'new') return true
  return isUntagged(state) && unmanagedSince !== undefined && to < unmanagedSince + lately
}

function isItsTurn({ target, state }: Seen, { from, to }: Period): boolean {
  return turn(target.name, from, to, isUntagged(state) ? untaggedTurn : days(1))
}

function isUntagged(state: State): boolean {
  return state === 'untagged' || state === 'unmanaged'
}

/** What is due gains one with every day that it waits, and stays below what is unfinished. */
const urgencies = { expired: 1e6, unfinished: 1e5, dueAtMost: 9e4, due: 10, unseen: 1, resync: 0 } as const

function urgencyOf(seen: Seen, period: Period): number {
  const { state, dueAt = period.to } = seen
  if (state === 'expired' || state === 'unfinished') return urgencies[state]
  if (state === 'due') return Math.min(urgencies.due + (period.to - dueAt) / days(1), urgencies.dueAtMost)
  return isUnseen(seen, period) ? urgencies.unseen : urgencies.resync
}

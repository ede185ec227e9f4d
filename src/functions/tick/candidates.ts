// Which targets a tick queues, and how urgent each is.

import type { ListedSecret } from '../../azure/key-vault.ts'
import type { App } from '../../compose.ts'
import { turn } from '../../rotation/due.ts'
import { iso } from '../../rotation/duration.ts'
import type { Candidate } from '../../rotation/pace.ts'
import type { RotationRequest } from '../../rotation/request.ts'
import { type Duration, days, hours, type Instant, minutes, type Target } from '../../rotation/target.ts'
import { type State as Assessed, type Assessment, assess } from '../shared/assess.ts'
import { look, lookLife } from '../shared/requests.ts'
import type { Period } from './period.ts'

/** `unreadable`: its vault could not be listed. */
export type State = Assessed | 'unreadable'

export interface Wanted extends Candidate {
  readonly state: State
  readonly request: RotationRequest
}

/** Whoever is due is queued anew by the next tick: until then the message lives, but not for less than a batch takes. */
const shortestLife = minutes(15)
/**
 * A secret without our tag that was written lately may be one of ours that somebody overwrote, or a key to be taken over:
 * every tick looks at it. An older one is most likely somebody else's for good, and only a look can tell: less often.
 */
const lately: Duration = hours(2)
const strangersTurn: Duration = hours(1)

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

/** Its turn comes all the same: the look may get through, or says in its own name why not. */
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
  const life = urgent ? Math.max(period.interval, shortestLife) : lookLife
  const request = { ...look(target.name, id, 'schedule', period.to), expiresAt: period.to + life }
  return {
    target: target.name,
    state,
    request: state === 'expired' ? { ...request, ignoreWindow: true } : request,
    urgency: urgencyOf(seen, period),
    budget: app.placeOf(target).budget,
    allowance: provider.allowance,
    // A look is a POST listKeys; whoever is looked at may turn out to need more, and the queue sees to it.
    writes: rotates ? provider.writes : 1,
    vault: target.vault,
    creates: publishes ? target.secrets.length : 0,
  }
}

/** Nobody has looked at what is there now. */
function isUnseen({ state, strangeSince }: Seen, { to }: Period): boolean {
  if (state === 'unmanaged') return true
  return isStrange(state) && strangeSince !== undefined && to < strangeSince + lately
}

function isItsTurn({ target, state }: Seen, { from, to }: Period): boolean {
  return turn(target.name, from, to, isStrange(state) ? strangersTurn : days(1))
}

function isStrange(state: State): boolean {
  return state === 'untagged' || state === 'foreign'
}

/** What is due gains one with every day that it waits, and stays below what is unfinished. */
const urgencies = { expired: 1e6, unfinished: 1e5, dueAtMost: 9e4, due: 10, unseen: 1, look: 0 } as const

function urgencyOf(seen: Seen, period: Period): number {
  const { state, dueAt = period.to } = seen
  if (state === 'expired' || state === 'unfinished') return urgencies[state]
  if (state === 'due') return Math.min(urgencies.due + (period.to - dueAt) / days(1), urgencies.dueAtMost)
  return isUnseen(seen, period) ? urgencies.unseen : urgencies.look
}

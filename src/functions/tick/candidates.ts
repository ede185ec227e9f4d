// Room: the doorways. Who is queued by a tick, and how urgent it is.

import type { ListedSecret } from '../../azure/key-vault.ts'
import type { App } from '../../compose.ts'
import { turn } from '../../rotation/due.ts'
import { iso } from '../../rotation/duration.ts'
import type { Candidate } from '../../rotation/pace.ts'
import type { RotationRequest } from '../../rotation/request.ts'
import { days, type Instant, minutes, type Target } from '../../rotation/target.ts'
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

/** What a vault says about one of its targets. */
export interface Seen extends Omit<Assessment, 'state'> {
  readonly state: State
  readonly target: Target
  readonly rotatedAt?: Instant
  readonly expiresOn?: Instant
}

export function see(target: Target, lead: ListedSecret | undefined, period: Period): Seen {
  const assessment = assess(target, lead, period.to)
  if (lead?.stamps === undefined || assessment.state === 'unmanaged') return { target, ...assessment }
  const {
    expiresOn,
    stamps: { rotatedAt },
  } = lead
  return {
    ...{ target, ...assessment },
    ...(rotatedAt === undefined ? {} : { rotatedAt }),
    ...(expiresOn === undefined ? {} : { expiresOn }),
  }
}

/** Its turn comes all the same: the look may get through, or says in its own name why not. */
export function unreadable(target: Target): Seen {
  return { target, state: 'unreadable', overdue: 'no' }
}

/** The candidate for the queue; undefined when there is nothing to do and it is not this target's turn. */
export function wanted(app: App, { target, state, dueAt }: Seen, period: Period): Wanted | undefined {
  const rotates = state === 'due' || state === 'expired'
  const repairs = state === 'unmanaged' || state === 'unfinished'
  if (!rotates && !repairs && !(state !== 'disabled' && turn(target.name, period.from, period.to))) return undefined
  const provider = app.providerOf(target)
  const id = `schedule/${target.name}/${iso(period.to).slice(0, 10)}`
  const life = rotates || repairs ? Math.max(period.interval, shortestLife) : lookLife
  const request = { ...look(target.name, id, 'schedule', period.to), expiresAt: period.to + life }
  return {
    target: target.name,
    state,
    request: state === 'expired' ? { ...request, ignoreWindow: true } : request,
    urgency: urgencyOf(state, dueAt, period),
    budget: app.placeOf(target).budget,
    // A look is a POST listKeys; whoever is looked at may turn out to need more, and the queue sees to it.
    writes: rotates ? provider.writes : 1,
    vault: target.vault,
    creates: rotates || state === 'unmanaged' ? target.secrets.length : 0,
  }
}

/** Expired before unfinished, before what is longest due, before what nobody has seen, before the day's looks. */
function urgencyOf(state: State, dueAt: number | undefined, { to }: Period): number {
  if (state === 'expired') return 1e6
  if (state === 'unfinished') return 1e5
  if (state === 'due') return 10 + Math.min((to - dueAt!) / days(1), 9e4)
  return state === 'unmanaged' ? 1 : 0
}

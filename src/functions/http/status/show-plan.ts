// GET /api/plan: what the next tick of the schedule does with each target. Changes nothing.

import { iso } from '../../../engine/duration.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { State } from '../../shared/assess.ts'
import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery, pageOf, skipToken } from '../paging.ts'
import { nextRotationAt, readTargets, standingOf, type TargetReading, type Unreadable } from './describe-target.ts'
import { readLimit } from './list-targets.ts'

/** Of all targets by their tags, a page at a time. */
export const listPlan: Handler = {
  roles: readers,
  async answer({ app, request }) {
    checkQuery(request, [skipToken])
    const { value: targets, ...next } = pageOf(request, app.configuration.targets)
    const seen = await readTargets(app, targets, AbortSignal.timeout(readLimit))
    return json(200, { value: seen.map((each) => planByTags(each, app.clock.now())), ...next })
  },
}

function planByTags(seen: TargetReading | Unreadable, now: number) {
  const { name: target } = seen.target
  if ('error' in seen) return { target, status: 'unreadable', does: 'nothing: it cannot be read' }
  const { status, state, dueAt } = standingOf(seen, now)
  const what = isReminder(seen.target) ? ofReminder(state) : does[state]
  return {
    target,
    status,
    does: what,
    dueAt: iso(dueAt),
    nextRotationAt: iso(nextRotationAt(seen.target, status, dueAt)),
  }
}

/** A reminder is announced, and nothing of it is done. */
function ofReminder(state: State): string {
  const says: Partial<Record<State, string>> = {
    disabled: does.disabled,
    new: 'nothing: a reminder, and the vault has no such secret',
    due: 'announces that an operator must renew the secret, unless it has',
    expired: 'announces that the secret should have been renewed, unless it has',
  }
  return says[state] ?? 'nothing: a reminder'
}

/** What the next tick does about each state. Drift does not show in the tags: the daily resync, or the plan of the one target, finds it. */
const does: Readonly<Record<State, string>> = {
  disabled: 'nothing: disabled in targets.json',
  new: 'publishes the key that the service holds now, unless a secret is unmanaged',
  untagged: 'resyncs: takes over a live key, repairs an earlier secret of the target, and leaves anything else alone',
  unmanaged: 'resyncs, though the tags are of another target: takes over a live key, and leaves anything else alone',
  paused: 'nothing until the secret is enabled again',
  unfinished: 'finishes what was begun',
  expired: 'rotates at once: the secret has expired',
  due: 'rotates',
  closed: 'rotates when its window opens',
  current: 'nothing until it is due',
}

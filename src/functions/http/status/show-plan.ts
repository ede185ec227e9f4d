// GET /api/plan: what the next tick of the schedule does with each target. Changes nothing.

import { iso } from '../../../engine/duration.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { Instant, Target } from '../../../engine/target.ts'
import type { State } from '../../shared/assess.ts'
import type { KnownTarget } from '../../snapshot/known-targets.ts'
import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import type { PlanCollection, PlanEntry } from '../schemas/plan-schema.ts'
import { readLimit } from './list-targets.ts'
import { nextRotationAt, type Standing, standingOf } from './summarize-target.ts'
import { targetPage } from './target-page.ts'

/** Of all targets by their tags as the schedule saw them last, a page at a time. */
export const listPlan: Handler = {
  roles: readers,
  async answer(call) {
    const now = call.app.clock.now()
    const signal = AbortSignal.timeout(readLimit)
    const page: PlanCollection = await targetPage(call, signal, (known) => planByTags(known, now))
    return json(200, page)
  },
}

function planByTags(known: KnownTarget, now: Instant): PlanEntry {
  const { target } = known
  const standing = standingOf(known, now)
  return {
    target: target.name,
    status: standing.status,
    does: whatIsDone(target, standing),
    dueAt: iso(standing.dueAt),
    nextRotationAt: iso(nextRotationAt(target, standing)),
  }
}

function whatIsDone(target: Target, { status, state }: Standing): string {
  if (state !== undefined) return isReminder(target) ? ofReminder(state) : does[state]
  return status === 'unreadable' ? 'nothing: its vault cannot be read' : 'reads it for the first time'
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

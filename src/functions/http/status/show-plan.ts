// GET /api/plan: what a run would do now, and why. Changes nothing.

import type { HttpResponseInit } from '@azure/functions'
import { iso } from '../../../engine/duration.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { Target } from '../../../engine/target.ts'
import type { State } from '../../shared/assess.ts'
import { previewOf } from '../../shared/preview-target.ts'
import { resyncRequest } from '../../shared/requests.ts'
import { type Call, type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery, pageOf } from '../paging.ts'
import { readTargets, standingOf, type TargetReading, type Unreadable } from './describe-target.ts'
import { readLimit } from './list-targets.ts'

/** The plan of one target (`?target=`) by reading service and vault; of all of them by their tags, a page at a time. */
export const plan: Handler = {
  roles: readers,
  answer(call) {
    checkQuery(call.request, ['target', 'page'])
    const name = call.request.query.get('target')
    return name === null ? planOfAll(call) : planOfOne(call, targetOf(call, name))
  },
}

async function planOfOne(call: Call, target: Target): Promise<HttpResponseInit> {
  const request = resyncRequest(target.name, 'plan', 'plan', call.app.clock.now())
  const { slot, slots, stored, dueAt, plan } = await previewOf(call, target, request)
  const failed = stored?.stamps?.target === target.name ? stored.stamps.failed : undefined
  return json(200, {
    target: target.name,
    enabled: target.enabled,
    slots,
    slot: slot ?? null,
    version: stored?.version,
    failed: failed && { ...failed, at: iso(failed.at) },
    dueAt: iso(dueAt),
    reason: plan?.reason ?? null,
    until: iso(plan?.until),
    steps: plan?.steps ?? [],
  })
}

async function planOfAll({ app, request }: Call): Promise<HttpResponseInit> {
  const { items, next } = pageOf(request, app.configuration.targets, '/api/plan')
  const seen = await readTargets(app, items, AbortSignal.timeout(readLimit))
  const targets = seen.map((each) => planByTags(each, app.clock.now()))
  return json(200, { seenBy: 'tags', targets, total: app.configuration.targets.length, next })
}

function planByTags(seen: TargetReading | Unreadable, now: number) {
  const { name: target } = seen.target
  if ('error' in seen)
    return { target, status: 'unreadable', does: 'nothing: it cannot be read', code: seen.error.code }
  const { status, state, failed, dueAt, overdue } = standingOf(seen, now)
  const what = isReminder(seen.target) ? ofReminder(state) : does[state]
  return { target, status, does: what, failed, dueAt: iso(dueAt), overdue }
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

/** What the next tick does about each state. Drift does not show in the tags: the daily resync, or `?target=`, finds it. */
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

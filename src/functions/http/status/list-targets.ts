// GET /api/targets and GET /api/targets/{name}.

import { type Instant, minutes } from '../../../engine/target.ts'
import type { KnownTarget } from '../../snapshot/known-targets.ts'
import { type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery } from '../paging.ts'
import type { Target, TargetCollection } from '../schemas/target-schema.ts'
import { notesOfOne, readable, readTarget } from './describe-target.ts'
import { summaryOf } from './summarize-target.ts'
import { describeWhole } from './target-details.ts'
import { targetPage } from './target-page.ts'

/** How long a reading route may take. */
export const readLimit = minutes(1)

/** Every target as the schedule saw it last, a page at a time. */
export const listTargets: Handler = {
  roles: readers,
  async answer(call) {
    const now = call.app.clock.now()
    const show = (known: KnownTarget, asOf: Instant) => summaryOf(known, now, asOf)
    const page: TargetCollection = await targetPage(call, AbortSignal.timeout(readLimit), show)
    return json(200, page)
  },
}

/** One target, by the tags of its secrets. */
export const showTarget: Handler = {
  roles: readers,
  async answer(call) {
    checkQuery(call.request, [])
    const reminder = call.app.reminders.find(({ name }) => name === call.request.params['name'])
    if (reminder !== undefined) {
      return json(200, describeWhole(call.app, await readTarget(call.app, reminder, AbortSignal.timeout(readLimit))))
    }
    const target = targetOf(call)
    const signal = AbortSignal.timeout(readLimit)
    const { notes, ...unread } = await readable(notesOfOne(call.app, target, signal))
    const shown = describeWhole(call.app, await readTarget(call.app, target, signal, notes))
    return json(200, { ...shown, ...unread } satisfies Target)
  },
}

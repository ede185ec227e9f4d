// GET /api/targets and GET /api/targets/{name}.

import { minutes } from '../../../engine/target.ts'
import { type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery, pageOf, skipToken } from '../paging.ts'
import { describe, notesOfAll, notesOfOne, readable, readTarget, readTargets } from './describe-target.ts'
import { describeWhole } from './target-details.ts'

/** How long a reading route may take. */
export const readLimit = minutes(1)

/** Every target in the order of targets.json, a page at a time. */
export const listTargets: Handler = {
  roles: readers,
  async answer({ app, request }) {
    checkQuery(request, [skipToken])
    const { value: targets, ...next } = pageOf(request, app.configuration.targets)
    const signal = AbortSignal.timeout(readLimit)
    const { notes, ...unread } = await readable(notesOfAll(app, signal))
    const seen = await readTargets(app, targets, signal, notes)
    return json(200, { value: seen.map((each) => describe(app, each)), ...next, ...unread })
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
    return json(200, { ...describeWhole(call.app, await readTarget(call.app, target, signal, notes)), ...unread })
  },
}

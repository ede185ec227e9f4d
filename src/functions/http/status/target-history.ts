// GET /api/targets/{name}/history: the versions of a target's secrets.

import { type Handler, json, targetOf } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { checkQuery } from '../paging.ts'
import type { HistoryCollection } from '../schemas/history-schema.ts'
import { csvAnswer, formatParameter, wantsCsv } from './history-csv.ts'
import { historyOf } from './history-entries.ts'
import { readLimit } from './list-targets.ts'

/** Newest first, as JSON or as CSV. Never a value. */
export const targetHistory: Handler = {
  roles: readers,
  async answer(call) {
    checkQuery(call.request, [formatParameter])
    const csv = wantsCsv(call.request)
    const value = await historyOf(call.app, targetOf(call), AbortSignal.timeout(readLimit))
    return csv ? csvAnswer(value) : json(200, { value } satisfies HistoryCollection)
  },
}

// GET /api/history: the versions of the secrets of all targets, for an audit.

import type { App } from '../../../compose.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { Target } from '../../../engine/target.ts'
import { atMost } from '../../shared/at-most.ts'
import { vaultCalls } from '../../shared/read-secrets.ts'
import { type Handler, json } from '../answer-request.ts'
import { readers } from '../caller.ts'
import { type EmbeddedError, embedded } from '../embedded-error.ts'
import { checkQuery, pageOf, skipToken } from '../paging.ts'
import type { HistoryCollection, HistoryEntry } from '../schemas/history-schema.ts'
import { csvAnswer, formatParameter, type HistoryLine, wantsCsv } from './history-csv.ts'
import { historyOf } from './history-entries.ts'
import { readLimit } from './list-targets.ts'

/**
 * A page of targets at a time, in the order of targets.json; of each, newest first. A target that cannot be read is named as such, with the
 * error: an audit must not take it for one without a history.
 */
export const listHistory: Handler = {
  roles: readers,
  async answer({ app, request }) {
    checkQuery(request, [skipToken, formatParameter])
    const csv = wantsCsv(request)
    const { value: targets, nextLink } = pageOf(request, app.targets)
    const signal = AbortSignal.timeout(readLimit)
    const read = await atMost(vaultCalls, targets, (target) => readable(app, target, signal))
    if (csv) return csvAnswer(read.flatMap(linesOf), nextLink)
    const value = read.flatMap(({ entries }) => entries)
    const notRead = read.flatMap(({ target: { name }, error }) => (error ? [{ target: name, ...error }] : []))
    const page: HistoryCollection = { value, nextLink, ...(notRead.length > 0 && { notRead }) }
    return json(200, page)
  },
}

interface Read {
  readonly target: Target
  readonly entries: readonly HistoryEntry[]
  readonly error?: EmbeddedError
}

async function readable(app: App, target: Target, signal: AbortSignal): Promise<Read> {
  try {
    return { target, entries: await historyOf(app, target, signal) }
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    return { target, entries: [], error: embedded(error) }
  }
}

function linesOf({ target, entries, error }: Read): readonly HistoryLine[] {
  return error ? [{ target: target.name, vault: target.vault, lastError: error }] : entries
}

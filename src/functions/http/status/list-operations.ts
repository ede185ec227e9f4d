// GET /api/operations: the lists of targets that were rotated or revoked together in the last two weeks.

import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import { indexPage, isToken, type ListedMany } from '../../operations/many-index.ts'
import { endOfMany } from '../../operations/many-progress.ts'
import { manyOperationId } from '../../operations/operation-id.ts'
import { atMost } from '../../shared/at-most.ts'
import { vaultCalls } from '../../shared/read-secrets.ts'
import { type Handler, json } from '../answer-request.ts'
import { badRequest } from '../body.ts'
import { readers } from '../caller.ts'
import { checkQuery, nextLink, skipToken } from '../paging.ts'
import type { ListedOperation, OperationCollection } from '../schemas/operation-schema.ts'
import { readLimit } from './list-targets.ts'

/** Two small records are read for each. */
const pageSize = 50

/** Newest first. `status` and how far they got are there for those that have ended: of the others GET /api/operations/{id} says it. */
export const listOperations: Handler = {
  roles: readers,
  async answer({ app, request }) {
    checkQuery(request, [skipToken])
    const after = request.query.get(skipToken) ?? undefined
    if (after !== undefined && !isToken(after)) {
      throw badRequest('?skipToken= is not the token of a page', 'Use the address in "nextLink" as it is.')
    }
    const signal = AbortSignal.timeout(readLimit)
    const { lists, next } = await indexPage(app, { after, most: pageSize, signal })
    const value = await atMost(vaultCalls, lists, (list) => described(app, list, signal))
    const page: OperationCollection = { value, ...(next === undefined ? {} : { nextLink: nextLink(request, next) }) }
    return json(200, page)
  },
}

async function described(app: App, list: ListedMany, signal: AbortSignal): Promise<ListedOperation> {
  const { kind, many, createdAt, expiresAt, actor, note, total } = list
  const ended = await endOfMany(app, many, signal)
  const known = ended && {
    status: ended.counts.failed === 0 ? ('Succeeded' as const) : ('Failed' as const),
    counts: ended.counts,
  }
  return {
    id: manyOperationId({ kind, many }),
    kind,
    createdAt: iso(createdAt),
    expiresAt,
    actor,
    note,
    total,
    ...known,
  }
}

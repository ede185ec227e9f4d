// Room: the doorways. GET /api/targets and GET /api/targets/{name}

import type { HttpRequest } from '@azure/functions'
import { z } from 'zod'
import type { Instant } from '../../rotation/target.ts'
import { minutes } from '../../rotation/target.ts'
import { type Handler, json, targetOf } from '../http/answer.ts'
import { badRequest } from '../http/body.ts'
import { checkQuery, pageOf } from '../http/paging.ts'
import { describe, type Look, leadIn, lookAt, lookAtAll } from './describe.ts'

/** How long a reading route may take. */
export const readLimit = minutes(1)

/** Every target in the order of targets.json, a page at a time. */
export const listTargets: Handler = {
  roles: ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'],
  async answer({ app, request }) {
    checkQuery(request, ['page'])
    const { items, next } = pageOf(request, app.targets, '/api/targets')
    const seen = await lookAtAll(app, items, AbortSignal.timeout(readLimit))
    return json(200, { targets: seen.map((each) => describe(app, each)), total: app.targets.length, next })
  },
}

/**
 * One target. With the query of a `Location`, also whether that is `done`: `freshAfter`, `revokeBefore`, or `slot` with the version that
 * the lead must have got past (`after`, a promote) or must still have (`version`, a swap).
 */
export const showTarget: Handler = {
  roles: ['Rekey.Read', 'Rekey.Rotate', 'Rekey.Revoke'],
  async answer(call) {
    checkQuery(call.request, ['freshAfter', 'revokeBefore', 'slot', 'after', 'version'])
    const target = targetOf(call)
    const wished = wishOf(call.request)
    const seen = await lookAt(call.app, target, AbortSignal.timeout(readLimit))
    return json(200, { ...describe(call.app, seen), ...(wished && doneOf(wished, seen)) })
  },
}

// Without an offset it would be read as the host's local time.
const zonedMoment = z.iso.datetime({ offset: true })

interface Wished {
  readonly freshAfter?: Instant
  readonly revokeBefore?: Instant
  readonly slot?: string
  readonly after?: string
  readonly version?: string
}

function wishOf({ query }: HttpRequest): Wished | undefined {
  const freshAfter = instantOf(query.get('freshAfter'), 'freshAfter')
  const revokeBefore = instantOf(query.get('revokeBefore'), 'revokeBefore')
  const words = ['slot', 'after', 'version'].flatMap((name) => (query.has(name) ? [[name, query.get(name)!]] : []))
  if (freshAfter === undefined && revokeBefore === undefined && words.length === 0) return undefined
  return {
    ...(freshAfter === undefined ? {} : { freshAfter }),
    ...(revokeBefore === undefined ? {} : { revokeBefore }),
    ...Object.fromEntries(words),
  }
}

/** `superseded`: it will never be done, since another change came first. */
function doneOf(wished: Wished, seen: Look): { readonly done: boolean; readonly superseded?: true } {
  const { version, stamps } = leadIn(seen) ?? {}
  const kept = wished.version === undefined || wished.version === version
  const moved = wished.after === undefined || wished.after !== version
  // A rotation goes to the very slot that a promote goes to. A key that was waiting there is the one that was asked for.
  const promoted = wished.after === undefined || stamps?.reason === 'promoted' || stamps?.reason === 'pending'
  const done = kept && moved && promoted && isDone(wished, seen)
  const overtaken = !kept || (wished.after !== undefined && moved && !done)
  return { done, ...(overtaken ? { superseded: true } : {}) }
}

/** By the stamps, as the engine itself decides it. An output that was not written yet means that it is not done. */
function isDone({ freshAfter, revokeBefore, slot }: Wished, seen: Look): boolean {
  const lead = leadIn(seen)
  if (lead?.stamps === undefined || seen.secrets.some((secret) => secret?.slot !== lead.slot)) return false
  const { fresh = 0, standby = 0 } = lead.stamps
  const single = seen.target.slots.length < 2
  return (
    (freshAfter === undefined || fresh >= freshAfter) &&
    (revokeBefore === undefined || (fresh >= revokeBefore && (single || standby >= revokeBefore))) &&
    (slot === undefined || lead.slot === slot)
  )
}

function instantOf(text: string | null, name: string): Instant | undefined {
  if (text === null) return undefined
  const moment = zonedMoment.safeParse(text)
  if (moment.success) return Date.parse(moment.data)
  throw badRequest(`?${name}= is no moment`, 'Write it with its offset, as in 2026-03-01T10:00:00Z.')
}

// POST /api/rotations: requests new keys for many targets.

import type { HttpResponseInit } from '@azure/functions'
import * as z from 'zod/mini'
import type { App } from '../../../compose.ts'
import { nearest } from '../../../config/targets/nearest.ts'
import { iso } from '../../../engine/duration.ts'
import { type Candidate, pace } from '../../../engine/pace.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { RotationRequest } from '../../../engine/request.ts'
import { type Duration, minutes, type Target } from '../../../engine/target.ts'
import { asRekeyError } from '../../../engine/unforeseen.ts'
import { type Many, recordMany, writeMany } from '../../operations/many-targets.ts'
import { manyOperationId } from '../../operations/operation-id.ts'
import { memberId } from '../../operations/operation-record.ts'
import { atMost } from '../../shared/at-most.ts'
import { notApplied } from '../../shared/not-applied.ts'
import { wantedUntil } from '../../shared/requests.ts'
import { acceptedAs, type Command, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { notQueued, problem } from '../problem.ts'
import { requestOf } from './carry-out.ts'
import { note } from './note.ts'

/** More would not fit into one request. */
const mostNames = 1000

const body = z.strictObject({
  targets: z.union(
    [
      z.literal('all'),
      z.array(z.string().check(z.minLength(1), z.maxLength(63))).check(z.minLength(1), z.maxLength(mostNames)),
    ],
    {
      error: ({ input }) => wrongTargets(input),
    },
  ),
  note: z.optional(note),
})

function wrongTargets(input: unknown): string {
  if (!Array.isArray(input) || input.length <= mostNames) return 'must be a list of target names, or "all"'
  const [most, sent] = [mostNames, input.length].map((count) => count.toLocaleString('en-US'))
  return `may have at most ${most} names, and has ${sent}: send them in several requests`
}

/** Requests are spread over periods of this length, as a tick of the schedule does. */
const stretch: Duration = minutes(15)

/**
 * Requests a key created from now on for every target named; queued, and spread over time so that no service's limit is hit.
 * Where the queue fails half-way, the problem names the targets that were queued and those that were not.
 */
export const startRotations: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const { targets: names, ...said } = await parseBody(call.request, body)
    const { app } = call
    const unapplied = names === 'all' ? [] : [...new Set(names)].filter((name) => notApplied(app, name))
    if (unapplied.length > 0) return notQueued(asUnapplied(unapplied.length), { targets: unapplied })
    const unknown = names === 'all' ? [] : names.filter((name) => app.targetNamed(name) === undefined)
    if (unknown.length > 0) return unknownNames(app, [...new Set(unknown)])
    const chosen = names === 'all' ? app.targets : [...new Set(names)].map((name) => app.targetNamed(name)!)
    const disabled = chosen.filter((target) => !target.enabled).map((target) => target.name)
    if (names !== 'all' && disabled.length > 0) return notQueued(asDisabled(disabled.length), { targets: disabled })
    const enabled = chosen.filter((target) => target.enabled)
    return queueAll(call, enabled, said, disabled)
  },
}

/**
 * Records the list before its first request is queued, so that whatever is carried out can be followed. Of a request that is sent
 * again, what the list recorded first still lacks is queued.
 */
async function queueAll(
  call: Command,
  targets: readonly Target[],
  said: Pick<RotationRequest, 'note'>,
  skipped: readonly string[],
): Promise<HttpResponseInit> {
  const { app, asked } = call
  const createdAfter = iso(asked.at)
  const expiresAt = iso(targets.reduce((latest, target) => Math.max(latest, wantedUntil(target, asked.at)), asked.at))
  const chosen = targets.map(({ name }) => name)
  const many = await recordMany(app, asked.id, { createdAfter, expiresAt, targets: chosen, unsent: chosen })
  const missing = new Set(many.unsent)
  const paced = await spread(
    app,
    targets.filter(({ name }) => missing.has(name)),
  )
  const names = paced.map(({ target }) => target.name)
  const places = new Map(many.targets.map((name, place) => [name, place]))
  const sent = new Set<string>()
  try {
    await atMost(16, paced, async ({ target, delay }) => {
      const id = memberId(asked.id, places.get(target.name)!)
      await app.queue.send({ ...requestOf(call, target, { ...said, createdAfter: asked.at }), id }, delay)
      sent.add(target.name)
    })
  } catch (thrown) {
    const error = asUnfinished(asRekeyError(thrown, call.log), sent.size, paced.length)
    call.log('error', 'rotations not all queued', { code: error.code, detail: error.message })
    const unsent = names.filter((name) => !sent.has(name))
    await keep(call, { ...many, unsent, refusedWith: error.code })
    const operation = manyOperationId(asked.id)
    return problem(error, { operation, createdAfter, queued: [...sent], notQueued: unsent, skipped })
  }
  const { refusedWith: _, ended: __, ...rest } = many
  if (names.length > 0) await keep(call, { ...rest, unsent: [] })
  const id = manyOperationId(asked.id)
  return acceptedAs(call, { id, status: 'NotStarted', createdAfter, expiresAt, targets: many.targets, skipped })
}

/** The requests are queued, whether or not that can be recorded: the tags show what became of them. */
async function keep({ app, asked, log }: Command, many: Many): Promise<void> {
  try {
    await writeMany(app, asked.id, many)
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'the list of an operation could not be written', { request: asked.id, code, detail: message })
  }
}

interface Wanted extends Candidate {
  readonly of: Target
}

/** When each target's message becomes visible. */
async function spread(app: App, targets: readonly Target[]): Promise<{ target: Target; delay: Duration }[]> {
  const placed: { target: Target; delay: Duration }[] = []
  let waiting = targets.map((target) => candidate(app, target))
  let queued = await app.queue.depth()
  for (let start: Duration = 0; waiting.length > 0; start += stretch) {
    const { now, later } = pace(waiting, { interval: stretch, queued })
    placed.push(...now.map(({ candidate: { of }, delay }) => ({ target: of, delay: start + delay })))
    waiting = [...later]
    queued = 0
  }
  return placed
}

function candidate(app: App, target: Target): Wanted {
  const { writes, allowance } = app.providerOf(target)
  const { budget } = app.placeOf(target)
  const creates = target.secrets.length
  return { of: target, target: target.name, urgency: 0, budget, allowance, writes, vault: target.vault, creates }
}

/** The first few with the names that were probably meant: comparing a thousand names with every target takes too long. */
function unknownNames(app: App, unknown: readonly string[]): HttpResponseInit {
  const names = app.targets.map(({ name }) => name)
  const guesses = unknown.slice(0, 5).flatMap((name) => nearest(name, names) ?? [])
  return notQueued(asUnknown(unknown.length, [...new Set(guesses)]), { targets: unknown })
}

function asUnknown(count: number, guesses: readonly string[]): RekeyError {
  return new RekeyError('UnknownTarget', {
    message: `${count} of these names ${count === 1 ? 'is' : 'are'} no target's`,
    remedy: `${guesses.length === 0 ? '' : `Did you mean ${guesses.join(', ')}? `}GET /api/targets lists the names; names are case-sensitive.`,
  })
}

function asUnapplied(count: number): RekeyError {
  return new RekeyError('BadConfiguration', {
    message: `the entries of ${count} of these targets in targets.json cannot be applied`,
    remedy: 'Correct them (GET /api/health lists the problems), or leave these targets out.',
  })
}

function asUnfinished({ code, details }: RekeyError, queued: number, all: number): RekeyError {
  return new RekeyError(code, {
    ...details,
    message: `${queued} of ${all} targets are queued: ${details.message}`,
    remedy: 'Send the request again for the targets in "notQueued"; those in "queued" are being rotated.',
  })
}

function asDisabled(count: number): RekeyError {
  return new RekeyError('Disabled', {
    message: `${count} of these targets ${count === 1 ? 'is' : 'are'} disabled in targets.json`,
    remedy: 'Leave them out, or set "enabled" to true and send the request again a minute later.',
  })
}

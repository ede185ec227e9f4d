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
import { type Many, readMany, recordMany } from '../../operations/many-targets.ts'
import { manyOperationId } from '../../operations/operation-id.ts'
import { notApplied } from '../../shared/not-applied.ts'
import { wantedUntil } from '../../shared/requests.ts'
import { acceptedAs, type Command, type Handler } from '../answer-request.ts'
import { parseBody } from '../body.ts'
import { actorOf } from '../caller.ts'
import { notQueued } from '../problem.ts'
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
 * Requests a key created from now on for every target named: stores the list, and queues one message that stands for it. What is queued for
 * each target is spread over time so that no service's limit is hit.
 */
export const startRotations: Handler = {
  roles: ['Rekey.Rotate'],
  async command(call) {
    const { targets: names, ...said } = await parseBody(call.request, body)
    const { app } = call
    const unapplied = names === 'all' ? [] : [...new Set(names)].filter((name) => notApplied(app, name))
    if (unapplied.length > 0) return notQueued(asUnapplied(unapplied.length), { targets: unapplied })
    const reminders =
      names === 'all' ? [] : app.reminders.map(({ name }) => name).filter((name) => names.includes(name))
    if (reminders.length > 0) return notQueued(asReminders(reminders.length), { targets: reminders })
    const unknown = names === 'all' ? [] : names.filter((name) => app.targetNamed(name) === undefined)
    if (unknown.length > 0) return unknownNames(app, [...new Set(unknown)])
    const chosen = names === 'all' ? app.targets : [...new Set(names)].map((name) => app.targetNamed(name)!)
    const disabled = chosen.filter((target) => !target.enabled).map((target) => target.name)
    if (names !== 'all' && disabled.length > 0) return notQueued(asDisabled(disabled.length), { targets: disabled })
    const enabled = chosen.filter((target) => target.enabled)
    return queueAll(call, enabled, said, disabled)
  },
}

/** Records the list, once for all copies of the request, and queues its message. */
async function queueAll(
  call: Command,
  targets: readonly Target[],
  { note }: Pick<RotationRequest, 'note'>,
  skipped: readonly string[],
): Promise<HttpResponseInit> {
  const { app, asked } = call
  const known = asked.repeatable ? await readMany(app, asked.id) : undefined
  const many = known ?? (await recordMany(app, asked.id, await listOf(call, targets, note)))
  if (many.targets.length > 0) await app.queue.sendPart({ list: asked.id }, 0)
  const { createdAfter, expiresAt } = many
  const id = manyOperationId(asked.id)
  return acceptedAs(call, { id, status: 'NotStarted', createdAfter, expiresAt, targets: many.targets, skipped })
}

/** The list as it is stored. */
async function listOf({ app, asked, request }: Command, targets: readonly Target[], note?: string): Promise<Many> {
  const paced = await spread(app, targets)
  return {
    createdAfter: iso(asked.at),
    expiresAt: iso(targets.reduce((latest, target) => Math.max(latest, wantedUntil(target, asked.at)), asked.at)),
    actor: actorOf(request, process.env),
    ...(note === undefined ? {} : { note }),
    targets: paced.map(({ target }) => target.name),
    delays: paced.map(({ delay }) => Math.ceil(delay / 1000)),
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

function asReminders(count: number): RekeyError {
  return new RekeyError('NotSupported', {
    message: `${count} of these targets ${count === 1 ? 'is a reminder' : 'are reminders'}, without a service that makes keys`,
    remedy: 'Leave them out: an operator renews their secrets.',
  })
}

function asDisabled(count: number): RekeyError {
  return new RekeyError('Disabled', {
    message: `${count} of these targets ${count === 1 ? 'is' : 'are'} disabled in targets.json`,
    remedy: 'Leave them out, or set "enabled" to true and send the request again a minute later.',
  })
}

// Records the requests of many targets, and queues the one message that stands for them.

import type { HttpResponseInit } from '@azure/functions'
import type { App } from '../../../compose.ts'
import { iso } from '../../../engine/duration.ts'
import { type Candidate, pace } from '../../../engine/pace.ts'
import { type Duration, days, minutes, seconds, type Target } from '../../../engine/target.ts'
import { listInIndex } from '../../operations/many-index.ts'
import { type Many, type ManyKind, recordMany, repeatOf } from '../../operations/many-targets.ts'
import { manyOperationId } from '../../operations/operation-id.ts'
import { revokesAhead } from '../../operations/revokes-ahead.ts'
import { mostListed } from '../../shared/excerpt.ts'
import { canAtOnce, manyCandidate } from '../../shared/many-candidate.ts'
import { wantedUntil } from '../../shared/requests.ts'
import { acceptedAs, type Command } from '../answer-request.ts'
import { actorOf } from '../caller.ts'

/** What is requested of each target. */
export interface Wanted {
  readonly kind: ManyKind
  readonly targets: readonly Target[]
  /** What the body named, as `selectionDigest` says. */
  readonly selection: string
  readonly note?: string
  /** Of revokes: every slot in one call, where the service can. */
  readonly atOnce?: boolean
}

/**
 * The list that another copy of this request has stored; undefined: this is the first. Throws RekeyError, `NotRepeatable` where it is no copy.
 */
export async function repeatedMany(
  { app, asked }: Command,
  wanted: Pick<Wanted, 'kind' | 'selection'>,
): Promise<Many | undefined> {
  return asked.repeatable ? await repeatOf(app, asked.id, wanted) : undefined
}

/** Records the list, once for all copies of the request. Throws RekeyError. */
export async function listMany({ app, asked, request }: Command, wanted: Wanted): Promise<Many> {
  const { kind, targets, selection, note, atOnce } = wanted
  const paced = await spread(app, wanted)
  const longest = paced.reduce((most, { delay }) => Math.max(most, delay), 0)
  const until = targets.reduce((latest, target) => Math.max(latest, wantedUntil(target, asked.at)), asked.at)
  return await recordMany(app, asked.id, {
    kind,
    createdAt: iso(asked.at),
    expiresAt: iso(until + longest),
    actor: actorOf(request, process.env),
    ...(note === undefined ? {} : { note }),
    selection,
    targets: paced.map(({ target }) => target.name),
    delays: paced.map(({ delay }) => Math.ceil(delay / seconds(1))),
    ...(atOnce && { atOnce: paced.flatMap(({ target }, place) => (canAtOnce(app, target) ? [place] : [])) }),
  })
}

/** Queues the message of a list: 202 with its operation. `also`: what the answer has beside it. Throws RekeyError. */
export async function queueMany(call: Command, many: Many, also: object = {}): Promise<HttpResponseInit> {
  const { app, asked } = call
  const { kind, createdAt, expiresAt, targets } = many
  if (targets.length > 0) {
    await app.queue.sendPart({ list: asked.id, ...(kind === 'revocations' && { revokes: true }) }, 0)
  }
  // Only now: what was not queued was not accepted. Whoever handles the message lists it too, should this worker die here.
  await listInIndex(app, call.log, asked.id, many)
  const counts = { total: targets.length, succeeded: 0, failed: 0, running: targets.length }
  return acceptedAs(call, {
    id: manyOperationId({ kind, many: asked.id }),
    status: 'NotStarted',
    kind,
    createdAt,
    expiresAt,
    counts: kind === 'revocations' ? { ...counts, waiting: 0 } : counts,
    targets: targets.slice(0, mostListed),
    ...also,
  })
}

interface Placed {
  readonly target: Target
  readonly delay: Duration
}

/** Rotations are spread over periods of this length, as a tick of the schedule does, so that between two of them each limit is whole. */
const stretch: Duration = minutes(15)
/** Revokes leave no such gaps: all of them go in one period. */
const stretchOfRevokes: Duration = days(365)
const wholeLimit = { share: 'whole', most: Number.POSITIVE_INFINITY } as const
/** How long reading what is under way may take. */
const queueLimit: Duration = minutes(1)

/**
 * When each target's message becomes visible: rotations at the half of each limit; revokes at the whole, in the order listed, behind what
 * earlier lists of revokes still have to do. Throws RekeyError.
 */
export async function spread(
  app: App,
  { kind, targets, atOnce }: Omit<Wanted, 'selection'>,
): Promise<readonly Placed[]> {
  const revokes = kind === 'revocations'
  const places = new Map<Candidate, Target>(targets.map((of) => [manyCandidate(app, of, { revokes, atOnce }), of]))
  const ahead = revokes ? await revokesAhead(app, AbortSignal.timeout(queueLimit)) : []
  const placed: Placed[] = []
  let waiting = [...ahead, ...places.keys()]
  let queued = revokes ? 0 : await app.queue.depth()
  const interval = revokes ? stretchOfRevokes : stretch
  for (let start: Duration = 0; placed.length < targets.length; start += interval) {
    const { now, later } = pace(waiting, { interval, queued, ...(revokes && wholeLimit) })
    for (const { candidate, delay } of now) {
      const target = places.get(candidate)
      if (target !== undefined) placed.push({ target, delay: start + delay })
    }
    waiting = [...later]
    queued = 0
  }
  return placed
}

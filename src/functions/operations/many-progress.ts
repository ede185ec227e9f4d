// How far the requests of a list have got: by the tags of its targets, and by what is recorded where tags cannot say it.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { type ErrorCode, RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, type Instant, minutes, type Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'
import { atMost } from '../shared/at-most.ts'
import { notInForce } from '../shared/not-applied.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import { besideMany, type Many, refusedPlaces } from './many-targets.ts'
import {
  attemptOf,
  failedMembers,
  memberId,
  type OperationError,
  shown,
  waitingMembers,
  waitOf,
} from './operation-record.ts'
import { isRevoked, isRotated } from './operation-state.ts'

/** `waiting`: of the revokes that are running, those that an operator has to help. */
const Counts = z.object({
  total: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  running: z.number(),
  waiting: z.optional(z.number()),
})
const Failure = z.object({ target: z.string(), code: z.string() })
/** How it ended: what the tags say later changes nothing about it. */
const Ended = z.object({ counts: Counts, failures: z.array(Failure) })

/** How many of a list have got how far. */
export type ManyCounts = z.output<typeof Counts>
/** A target, and the code of what stopped it. */
export type MemberFailure = z.output<typeof Failure>

/**
 * How far they have got. `failures` are the first hundred; `waiting` the first hundred revokes that wait for an operator; `lastError`: why
 * the status of some is not known.
 */
export interface ManyProgress {
  readonly counts: ManyCounts
  readonly failures: readonly MemberFailure[]
  readonly waiting?: readonly MemberFailure[]
  readonly lastError?: OperationError
}

/** Every instance reads targets.json once a minute: one may not know yet what another accepted a list for. */
const targetsLag: Duration = minutes(2)
/** How many targets are listed with their code; the counts are of all. */
const mostListed = 100

/** How a list ended; undefined: it goes on, as far as is known. Throws RekeyError. */
export async function endOfMany(
  app: App,
  request: string,
  signal: AbortSignal,
): Promise<z.output<typeof Ended> | undefined> {
  return Ended.safeParse(await app.operations.read(endName(request), signal)).data
}

/**
 * By the tags of all of them, vault by vault, and by the records of those that failed or wait. `lastTryAt`: until when they may go on.
 * Throws RekeyError.
 */
export async function progressOfMany(
  app: App,
  request: string,
  many: Many,
  { lastTryAt, signal }: { readonly lastTryAt: Instant; readonly signal: AbortSignal },
): Promise<ManyProgress> {
  const ended = await endOfMany(app, request, signal)
  if (ended) return ended
  const { succeeded, failed, waits, lastError } = await standingsOf(app, request, many, lastTryAt, signal)
  const total = many.targets.length
  const running = total - succeeded - failed.length
  const failures = await withCodes(app, failed)
  const ofRevokes = many.kind === 'revocations' && { waiting: waits.length }
  const counts = { total, succeeded, failed: failed.length, running, ...ofRevokes }
  if (running === 0 && total > 0) await app.operations.create(endName(request), { counts, failures })
  if (running === 0) return { counts, failures }
  const waiting = await withCodes(app, waits)
  return { counts, failures, ...(waiting.length > 0 && { waiting }), ...(lastError && { lastError }) }
}

/** A member of a list that failed or waits; without a code, a record has it. */
interface Stopped {
  readonly id: string
  readonly target: string
  readonly code?: string | undefined
}

interface Standings {
  readonly succeeded: number
  readonly failed: readonly Stopped[]
  readonly waits: readonly Stopped[]
  readonly lastError?: OperationError | undefined
}

async function standingsOf(
  app: App,
  request: string,
  many: Many,
  lastTryAt: Instant,
  signal: AbortSignal,
): Promise<Standings> {
  const revokes = many.kind === 'revocations'
  const [failedIds, waitIds, refused] = await Promise.all([
    failedMembers(app, request, signal),
    revokes ? waitingMembers(app, request, signal) : new Set<string>(),
    refusedPlaces(app, request, signal),
  ])
  const { seen, lastError } = await tagsOf(app, many.targets, signal)
  const isExpired = app.clock.now() > lastTryAt
  const isReached = revokes ? isRevoked : isRotated
  const moment = Date.parse(many.createdAt)
  const [failed, waits]: [Stopped[], Stopped[]] = [[], []]
  let succeeded = 0
  for (const [place, name] of many.targets.entries()) {
    const id = memberId(request, place)
    const secrets = seen.get(name)
    const target = app.targetNamed(name)
    const isOff = target === undefined && notInForce(app, name) !== undefined
    const isGone = target === undefined && !isOff && app.clock.now() >= moment + targetsLag
    const lastFailure = secrets?.[0]?.stamps?.failed
    const tagged = lastFailure?.request === id ? lastFailure.code : undefined
    const stopped = (code?: string): Stopped => ({ id, target: name, code })
    if (failedIds.has(id)) failed.push(stopped())
    else if (target && secrets && isReached(target, secrets, moment)) succeeded += 1
    else if (refused.has(place)) failed.push(stopped(refused.get(place)))
    else if (isGone) failed.push(stopped('UnknownTarget'))
    else if (!revokes && tagged !== undefined) failed.push(stopped(tagged))
    else if (isExpired) failed.push(stopped('RequestExpired'))
    else if (revokes && isOff) waits.push(stopped('BadConfiguration'))
    else if (tagged !== undefined || waitIds.has(id)) waits.push(stopped(tagged))
  }
  return { succeeded, failed, waits, lastError }
}

/** The tags of the targets that are in force, by name. A vault that cannot be read leaves its targets out. */
async function tagsOf(app: App, names: readonly string[], signal: AbortSignal) {
  const targets = names.flatMap((name) => app.targetNamed(name) ?? [])
  const seen = new Map<string, readonly Listed[]>()
  let lastError: OperationError | undefined
  await atMost(vaultCalls, [...byVault(targets)], async ([url, ofVault]: readonly [string, readonly Target[]]) => {
    try {
      for (const [name, secrets] of await secretsOf(app.vault(url), ofVault, signal)) seen.set(name, secrets)
    } catch (error) {
      if (!(error instanceof RekeyError)) throw error
      lastError = shown(error, iso(app.clock.now()))
    }
  })
  return { seen, lastError }
}

/** The first of them, each with its code: one that is only recorded is read. */
function withCodes(app: App, stopped: readonly Stopped[]): Promise<MemberFailure[]> {
  return atMost(vaultCalls, stopped.slice(0, mostListed), async ({ id, target, code }) => {
    const recorded =
      code ?? (await attemptOf(app, id, target))?.error.code ?? (await waitOf(app, id, target))?.error.code
    return { target, code: recorded ?? ('Internal' satisfies ErrorCode) }
  })
}

function endName(request: string): string {
  return besideMany(request, 'ended.json')
}

// The rotations of many targets that were requested together: a list that no tag can hold.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { iso } from '../../engine/duration.ts'
import { type ErrorCode, RekeyError } from '../../engine/rekey-error.ts'
import type { RotationRequest } from '../../engine/request.ts'
import type { Instant, Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'
import { atMost } from '../shared/at-most.ts'
import { notApplied } from '../shared/not-applied.ts'
import { byVault, secretsOf, vaultCalls } from '../shared/read-secrets.ts'
import { attemptOf, failedMembers, memberId, type OperationError, shown } from './operation-record.ts'
import { isRotated } from './operation-state.ts'

const Counts = z.object({ total: z.number(), succeeded: z.number(), failed: z.number(), running: z.number() })
const Failure = z.object({ target: z.string(), code: z.string() })
const ManyRecord = z.object({
  createdAfter: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  actor: z.string(),
  note: z.optional(z.string()),
  /** In the order of their requests' ids, and of when they are carried out. */
  targets: z.array(z.string()),
  /** How long after the list was accepted each of them may be carried out, in seconds. */
  delays: z.array(z.number()),
})
/** How it ended: what the tags say later changes nothing about it. */
const Ended = z.object({ counts: Counts, failures: z.array(Failure) })
/** Why requests of a part could not be queued. */
const Refused = z.object({ code: z.string(), from: z.number(), to: z.number() })

/** What is kept of the rotations of many targets. */
export type Many = z.output<typeof ManyRecord>

/** How far they have got. `failures` are the first hundred; `lastError`: why the status of some is not known. */
export interface ManyProgress {
  readonly counts: z.output<typeof Counts>
  readonly failures: readonly z.output<typeof Failure>[]
  readonly lastError?: OperationError
}

/** How many failures are listed; the count is of all. */
const mostFailures = 100

/** The record of a request; undefined: there is none. Throws RekeyError. */
export async function readMany(app: App, request: string): Promise<Many | undefined> {
  const read = ManyRecord.safeParse(await app.operations.read(nameOf(request)))
  return read.success ? read.data : undefined
}

/**
 * Records the list, unless another copy of the request has: then that one's list is in force. Nothing changes it later. Throws RekeyError.
 */
export async function recordMany(app: App, request: string, many: Many): Promise<Many> {
  if (await app.operations.create(nameOf(request), many)) return many
  // Deleted meanwhile: two weeks have passed between the two calls.
  return (await readMany(app, request)) ?? many
}

/** The requests of `from` up to, not including, `to`, as one part of a list. */
export interface Places {
  readonly from: number
  readonly to: number
}

/** How many requests one message queues: some seconds of an invocation. */
const partSize = 500

export function partCount({ targets }: Many): number {
  return Math.max(1, Math.ceil(targets.length / partSize))
}

export function placesOf({ targets }: Many, part: number): Places {
  return { from: part * partSize, to: Math.min((part + 1) * partSize, targets.length) }
}

/** The request of one place of a list, the same however often it is queued: its key is made once. */
export function memberRequest(request: string, many: Many, place: number): RotationRequest {
  const { createdAfter, expiresAt, actor, note, targets } = many
  return {
    id: memberId(request, place),
    target: targets[place]!,
    actor,
    ...(note === undefined ? {} : { note }),
    createdAfter: Date.parse(createdAfter),
    expiresAt: Date.parse(expiresAt),
  }
}

/** The parts of a list that are over: queued, or refused. Throws RekeyError. */
export async function partsOver(app: App, request: string): Promise<ReadonlySet<number>> {
  const names = await app.operations.names(`${folderOf(request)}parts/`)
  return new Set(names.map((name) => Number.parseInt(name.split('/').at(-1)!, 10)))
}

/** Throws RekeyError. */
export async function isPartOver(app: App, request: string, part: number): Promise<boolean> {
  return (await app.operations.read(partName(request, part))) !== undefined
}

/** Records that a part is queued, so that a copy of its message does nothing. Throws RekeyError. */
export async function endPart(app: App, request: string, part: number): Promise<void> {
  await app.operations.create(partName(request, part), { queued: true })
}

/** Records why requests of a part are not queued, and that they never will be. Throws RekeyError. */
export async function refusePart(
  app: App,
  request: string,
  part: number,
  refused: z.output<typeof Refused>,
): Promise<void> {
  await app.operations.create(`${folderOf(request)}refused/${part}.json`, refused)
  await app.operations.create(partName(request, part), { queued: false })
}

/** The codes of the places whose requests were not queued. */
async function refusedPlaces(app: App, request: string, signal: AbortSignal): Promise<ReadonlyMap<number, string>> {
  const names = await app.operations.names(`${folderOf(request)}refused/`, signal)
  const parts = await atMost(vaultCalls, names, (name) => app.operations.read(name, signal))
  const places = new Map<number, string>()
  for (const part of parts) {
    const { code, from, to } = Refused.parse(part)
    for (let place = from; place < to; place++) places.set(place, code)
  }
  return places
}

/** By the tags of all of them, vault by vault, and by the records of those that failed. `lastTryAt`: until when they may go on. */
export async function progressOfMany(
  app: App,
  request: string,
  many: Many,
  { lastTryAt, signal }: { readonly lastTryAt: Instant; readonly signal: AbortSignal },
): Promise<ManyProgress> {
  const ended = Ended.safeParse(await app.operations.read(`${folderOf(request)}ended.json`, signal))
  if (ended.success) return ended.data
  const failed = await failedMembers(app, request, signal)
  const refused = await refusedPlaces(app, request, signal)
  const { seen, lastError } = await tagsOf(app, many.targets, signal)
  const isExpired = app.clock.now() > lastTryAt
  const codes = new Map<string, string | undefined>()
  let succeeded = 0
  for (const [place, name] of many.targets.entries()) {
    const id = memberId(request, place)
    const secrets = seen.get(name)
    const target = app.targetNamed(name)
    if (failed.has(id)) codes.set(name, undefined)
    else if (target && secrets && isRotated(target, secrets, Date.parse(many.createdAfter))) succeeded += 1
    else if (refused.has(place)) codes.set(name, refused.get(place))
    else if (target === undefined && !notApplied(app, name)) codes.set(name, 'UnknownTarget')
    else if (secrets?.[0]?.stamps?.failed?.request === id) codes.set(name, secrets[0].stamps.failed.code)
    else if (isExpired) codes.set(name, 'RequestExpired')
  }
  const failures = await withCodes(app, request, many, [...codes].slice(0, mostFailures))
  const total = many.targets.length
  const running = total - succeeded - codes.size
  const counts = { total, succeeded, failed: codes.size, running }
  if (running === 0 && total > 0) await app.operations.create(`${folderOf(request)}ended.json`, { counts, failures })
  return { counts, failures, ...(running > 0 && lastError && { lastError }) }
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

/** A failure that is only recorded is read for its code. */
function withCodes(
  app: App,
  request: string,
  { targets }: Many,
  failures: readonly (readonly [string, string | undefined])[],
) {
  return atMost(vaultCalls, failures, async ([target, known]) => {
    const recorded = known ?? (await attemptOf(app, memberId(request, targets.indexOf(target)), target))?.error.code
    return { target, code: recorded ?? ('Internal' satisfies ErrorCode) }
  })
}

function nameOf(request: string): string {
  return `lists/${request}.json`
}

/** What is recorded of a list beside the list. */
function folderOf(request: string): string {
  return `lists/${request}/`
}

function partName(request: string, part: number): string {
  return `${folderOf(request)}parts/${part}.json`
}

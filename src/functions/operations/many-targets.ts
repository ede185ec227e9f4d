// What is stored of the rotations or the revokes of many targets that were requested together: a list that no tag can hold.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { atMost } from '../shared/at-most.ts'
import { vaultCalls } from '../shared/read-secrets.ts'
import { memberId } from './operation-record.ts'

const manyKinds = ['rotations', 'revocations'] as const
/** What a list requests for each of its targets. */
export type ManyKind = (typeof manyKinds)[number]

const ManyRecord = z.object({
  kind: z.enum(manyKinds),
  /** The moment of the request: a rotation makes a key created after it, a revoke ends those created before it. */
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  actor: z.string(),
  note: z.optional(z.string()),
  /** In the order of their requests' ids, and of when they are carried out. */
  targets: z.array(z.string()),
  /** How long after the list was accepted each of them may be carried out, in seconds. */
  delays: z.array(z.number()),
  /** What the request named, as `selectionDigest` says: another that has its id is not this one. */
  selection: z.string(),
  /** The places of revokes that replace every slot in one call. */
  atOnce: z.optional(z.array(z.int())),
})
/** Why requests of a part could not be queued. */
const Refused = z.object({ code: z.string(), from: z.number(), to: z.number() })

/** What is kept of the requests of many targets. */
export type Many = z.output<typeof ManyRecord>

/** The record of a request; undefined: there is none of this kind. Throws RekeyError. */
export async function readMany(app: App, request: string, kind?: ManyKind): Promise<Many | undefined> {
  const { data } = ManyRecord.safeParse(await app.operations.read(nameOf(request)))
  return kind === undefined || data?.kind === kind ? data : undefined
}

/**
 * Records the list, unless another copy of the request has: then that one's list is in force. Nothing changes it later. Throws RekeyError,
 * `NotRepeatable` where the id is that of another request.
 */
export async function recordMany(app: App, request: string, many: Many): Promise<Many> {
  if (await app.operations.create(nameOf(request), many)) return many
  // Deleted meanwhile: two weeks have passed between the two calls.
  return (await repeatOf(app, request, many)) ?? many
}

/**
 * The record of a request that is sent again; undefined: it is the first. Throws RekeyError, `NotRepeatable` where the id is that of a request
 * of the other kind, or for other targets: a revoke must not pass for a rotation, nor one list for another, of which no key is then changed.
 */
export async function repeatOf(
  app: App,
  request: string,
  { kind, selection }: Pick<Many, 'kind' | 'selection'>,
): Promise<Many | undefined> {
  const stored = await readMany(app, request)
  if (stored === undefined || (stored.kind === kind && stored.selection === selection)) return stored
  const what = stored.kind === kind ? `${kind} of other targets` : stored.kind
  throw new RekeyError('NotRepeatable', {
    message: `this Repeatability-Request-ID is that of a request for ${what}`,
    remedy: 'Send a new UUID with each new request.',
  })
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

/** The request of one place of a list, the same however often it is queued: its keys are made once. */
export function memberRequest(request: string, many: Many, place: number): RotationRequest {
  const { kind, createdAt, expiresAt, actor, note, targets, atOnce } = many
  const moment = Date.parse(createdAt)
  return {
    id: memberId(request, place),
    target: targets[place]!,
    actor,
    ...(note === undefined ? {} : { note }),
    ...(kind === 'revocations' ? { revokeBefore: moment } : { createdAfter: moment }),
    ...(atOnce?.includes(place) && { atOnce: true }),
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

/** The codes of the places whose requests were not queued. Throws RekeyError. */
export async function refusedPlaces(
  app: App,
  request: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const names = await app.operations.names(`${folderOf(request)}refused/`, signal)
  const parts = await atMost(vaultCalls, names, (name) => app.operations.read(name, signal))
  const places = new Map<number, string>()
  for (const part of parts) {
    const { code, from, to } = Refused.parse(part)
    for (let place = from; place < to; place++) places.set(place, code)
  }
  return places
}

/** The name of what is recorded of a list beside the list. */
export function besideMany(request: string, name: string): string {
  return `${folderOf(request)}${name}`
}

function nameOf(request: string): string {
  return `lists/${request}.json`
}

function folderOf(request: string): string {
  return `lists/${request}/`
}

function partName(request: string, part: number): string {
  return `${folderOf(request)}parts/${part}.json`
}

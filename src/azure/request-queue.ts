// The storage queues that carry requests to the functions that reconcile: base64 JSON, as the Functions host reads it.

import * as z from 'zod/mini'
import { iso } from '../engine/duration.ts'
import type { RequestQueue } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'
import type { RotationRequest } from '../engine/request.ts'
import { days, type Instant } from '../engine/target.ts'
import { failureOf } from './failure-facts.ts'
import { parseJson } from './json.ts'
import { creatingFirst } from './json-blob.ts'
import { onFirstUse } from './lazily.ts'
import { plainly } from './plain-issues.ts'
import { rebuild } from './service-error.ts'
import { inLimit, type Storage } from './storage.ts'

export const requestQueue = 'rekey-requests'
/** Revokes have a queue and a function of their own, so that no other request delays the revocation of a leaked key. */
export const revocationQueue = 'rekey-revocations'
export type QueueName = typeof requestQueue | typeof revocationQueue

/** The queue that a request travels through. */
function queueFor({ revokeBefore }: RotationRequest): QueueName {
  return revokeBefore === undefined ? requestQueue : revocationQueue
}

function queueForPart(part: ListPart | TickPart): QueueName {
  return 'list' in part && part.revokes ? revocationQueue : requestQueue
}

/**
 * The longest delay that the service accepts. A request that comes too early is queued again where its target must wait; one
 * that was only spread over time, to stay below rate limits, is carried out early.
 */
const longestDelay = days(7)

/** A part of the requests of a list that is stored: whoever handles it queues them. */
export interface ListPart {
  /** The id of the request that made the list. */
  readonly list: string
  /** Absent: whoever handles it queues the other parts first, and is the first part. */
  readonly part?: number
  /** The place in the list to go on from, where an earlier try got that far. */
  readonly from?: number
  /** The list is one of revokes: the message travels through their queue. */
  readonly revokes?: true
}

/** A part of the requests of one tick of the schedule, stored in the same way. */
export interface TickPart {
  /** The moment of the tick, ISO 8601. */
  readonly tick: string
  readonly part: number
}

export interface StorageRequestQueue extends RequestQueue {
  /**
   * Queues a part of a list, or of a tick, in the queue that its requests travel through, to be handled in `delay` milliseconds.
   * `POST {queue}/messages`. Throws RekeyError.
   */
  sendPart(part: ListPart | TickPart, delay: number, signal?: AbortSignal): Promise<void>
  /**
   * The approximate number of messages in `rekey-requests`, or in the queue named, invisible ones included; 0 where it was never
   * used. `GET {queue}?comp=metadata`.
   */
  depth(signal?: AbortSignal, name?: QueueName): Promise<number>
}

/**
 * The queues `rekey-requests` and `rekey-revocations`, each created when first needed; a request goes into its own.
 * `POST {queue}/messages`. Throws RekeyError.
 */
export function createRequestQueue(storage: Storage): StorageRequestQueue {
  const open = async (name: QueueName) => (await storage.queues()).getQueueClient(name)
  async function put(name: QueueName, text: string, delay: number, signal?: AbortSignal): Promise<void> {
    const abortSignal = inLimit(signal)
    await attempt(`POST message ${name}`, async () => {
      const queue = await open(name)
      const options = {
        abortSignal,
        visibilityTimeout: Math.ceil(Math.min(Math.max(delay, 0), longestDelay) / 1000),
        // The request itself says when it expires; the message must not expire before that is reported.
        messageTimeToLive: -1,
      }
      await creatingFirst(
        () => queue.createIfNotExists({ abortSignal }),
        () => queue.sendMessage(text, options),
      )
    })
  }
  return {
    send: (request, delay, signal) => put(queueFor(request), encodeMessage(request), delay, signal),
    sendPart: (part, delay, signal) => put(queueForPart(part), encodePart(part), delay, signal),
    depth: async (signal, name = requestQueue) => {
      const abortSignal = inLimit(signal)
      return await attempt(`GET queue ${name}`, async () => {
        try {
          return (await (await open(name)).getProperties({ abortSignal })).approximateMessagesCount ?? 0
        } catch (error) {
          if (failureOf(error).status === 404) return 0
          throw error
        }
      })
    },
  }
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw rebuild(error, what)
  }
}

const instant = onFirstUse(() =>
  z.pipe(
    z.iso.datetime({ offset: true }),
    z.transform((text: string): Instant => Date.parse(text)),
  ),
)
/** One line: what is in a message goes into tags, events and logs. */
const line = (longest: number) =>
  z
    .string()
    .check(
      z.minLength(1, 'is empty'),
      z.maxLength(longest, `is longer than ${longest} characters`),
      z.regex(/^[^\p{C}]*$/u, 'has control characters'),
    )
const choice = onFirstUse(() => z.strictObject({ slot: line(64), from: line(64) }))

// Strict: a desired state that this version does not know must not be dropped silently.
const Message = onFirstUse(() =>
  z.strictObject({
    v: z.literal(1),
    id: line(256),
    target: line(63),
    actor: line(128),
    note: z.optional(z.union([line(256), z.literal('')])),
    createdAfter: z.optional(instant()),
    force: z.optional(z.boolean()),
    promote: z.optional(choice()),
    swap: z.optional(choice()),
    revokeBefore: z.optional(instant()),
    atOnce: z.optional(z.boolean()),
    failedWith: z.optional(line(64)),
    throttled: z.optional(z.int().check(z.nonnegative())),
    comparedAfter: z.optional(instant()),
    byEvent: z.optional(z.literal(true)),
    ignoreWindow: z.optional(z.boolean()),
    expiresAt: instant(),
  }),
)

const PartOfList = onFirstUse(() =>
  z.strictObject({
    v: z.literal(1),
    list: z.string().check(z.regex(/^[0-9a-f-]{36}$/)),
    part: z.optional(z.int().check(z.nonnegative())),
    from: z.optional(z.int().check(z.nonnegative())),
    revokes: z.optional(z.literal(true)),
  }),
)
const PartOfTick = onFirstUse(() =>
  z.strictObject({ v: z.literal(1), tick: z.iso.datetime(), part: z.int().check(z.nonnegative()) }),
)

/** The text of a message that queues a part of a list or of a tick. */
export function encodePart(part: ListPart | TickPart): string {
  return Buffer.from(JSON.stringify({ v: 1, ...part })).toString('base64')
}

/** The part of a list or of a tick that a message queues; undefined: it is another message. */
export function parsePart(message: unknown): ListPart | TickPart | undefined {
  const parsed = typeof message === 'string' ? parseJson(message) : message
  const ofTick = PartOfTick().safeParse(parsed)
  if (ofTick.success) return { tick: ofTick.data.tick, part: ofTick.data.part }
  const { data } = PartOfList().safeParse(parsed)
  if (data === undefined) return undefined
  const { list, part, from, revokes } = data
  return {
    list,
    ...(part === undefined ? {} : { part }),
    ...(from === undefined ? {} : { from }),
    ...(revokes && { revokes }),
  }
}

/** The text of a message: base64 of JSON, times as ISO 8601. */
export function encodeMessage(request: RotationRequest): string {
  const { createdAfter, revokeBefore, comparedAfter, expiresAt, ...plain } = request
  const times = {
    createdAfter: iso(createdAfter),
    revokeBefore: iso(revokeBefore),
    comparedAfter: iso(comparedAfter),
    expiresAt: iso(expiresAt),
  }
  return Buffer.from(JSON.stringify({ v: 1, ...plain, ...times })).toString('base64')
}

/**
 * The request in a message of this queue: its JSON as text, or parsed already, as the Functions host does where it can.
 * Throws RekeyError `BadRequest`, which names the field and never quotes the message.
 */
export function parseRequest(message: unknown, queue: QueueName = requestQueue): RotationRequest {
  const read = Message().safeParse(typeof message === 'string' ? parseJson(message) : message, plainly)
  if (!read.success) {
    const problems = read.error.issues.map((issue) => `${['$', ...issue.path].join('.')}: ${issue.message}`)
    throw new RekeyError('BadRequest', {
      message: `a message of the queue ${queue} cannot be read (${problems.join('; ')})`,
      remedy: `Read the message in the queue ${queue}-poison. Only Rekey should write to ${queue}.`,
    })
  }
  const { v: _, ...request } = read.data
  // Absent, not undefined: the engine's types require it.
  return Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  ) as unknown as RotationRequest
}

// Handles a message that stands for a list of rotations or revokes, or for many requests of a tick: queues the request of each target of its part.

import type { ListPart, TickPart } from '../../azure/request-queue.ts'
import type { App } from '../../compose.ts'
import { revokeInterval } from '../../engine/come-back.ts'
import type { Log } from '../../engine/ports.ts'
import type { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, minutes, seconds } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { listInIndex } from '../operations/many-index.ts'
import {
  endPart,
  isPartOver,
  type Many,
  memberRequest,
  partCount,
  partsOver,
  placesOf,
  readMany,
  refusePart,
} from '../operations/many-targets.ts'
import { readTickPart } from '../operations/tick-requests.ts'
import { atMost } from '../shared/at-most.ts'

/** How many messages are under way at once. */
const sends = 16
/** When a part whose storage fails is tried again. */
const pause = minutes(1)

/**
 * Queues the requests of one part of a list. Safe to deliver twice and to stop anywhere: each request has the same id and moment every time,
 * so that its key is made once, and a part that is over is recorded. After a passing failure a new message goes on from there; a list of
 * revokes, which are never dropped, also after a lasting one. After any other it throws, and where `isLastTry` says that the host gives up
 * then, what is not queued is recorded as failed; not of revokes, which go on when an operator puts the message back. Throws RekeyError.
 */
export async function fanOut(message: ListPart, app: App, log: Log, isLastTry: boolean): Promise<void> {
  const { list } = message
  let position = message
  try {
    const many = await readMany(app, list)
    // Its operation is unknown too: the storage account was lost, or two weeks have passed.
    if (many === undefined) return log('error', 'list dropped: its record is gone', { request: list })
    if (message.part === undefined) {
      await listInIndex(app, log, list, many)
      await queueOtherParts(message, many, app)
    }
    await queuePart(message, many, app, (from) => {
      position = { ...message, part: message.part ?? 0, from }
    })
  } catch (thrown) {
    const error = asRekeyError(thrown, log)
    const pause = pauseAfter(error, message)
    if (pause !== undefined && (await putBack(position, pause, app, log))) return
    if (isLastTry && !message.revokes) await refuse(message, error, app, log)
    throw error
  }
}

/**
 * Queues the requests of one part of a tick. Delivered twice, they are queued twice: a resync is safe to repeat. The next tick queues
 * what is still due, so an old part is dropped. Throws RekeyError.
 */
export async function queueTickPart(part: TickPart, app: App, log: Log): Promise<void> {
  const stored = await readTickPart(app, part)
  if (stored === undefined || app.clock.now() > stored.until) {
    return log('warn', 'a part of a tick is dropped: it is over', { tick: part.tick, part: part.part })
  }
  await atMost(sends, stored.requests, ({ request, at }) => app.queue.send(request, Math.max(0, at - app.clock.now())))
}

/** When the part is tried again; undefined: it is not. */
function pauseAfter(error: RekeyError, { revokes }: ListPart): Duration | undefined {
  if (error.transient) return pause
  return revokes && revokeInterval
}

async function queueOtherParts({ list, revokes }: ListPart, many: Many, app: App): Promise<void> {
  const count = partCount(many)
  if (count === 1) return
  const over = await partsOver(app, list)
  const others = Array.from({ length: count - 1 }, (_, index) => index + 1).filter((part) => !over.has(part))
  await atMost(sends, others, (part) => app.queue.sendPart({ list, part, ...(revokes && { revokes }) }, 0))
}

/** `reached`: called with the place to go on from. */
async function queuePart(
  { list, part = 0, from = 0 }: ListPart,
  many: Many,
  app: App,
  reached: (place: number) => void,
): Promise<void> {
  if (await isPartOver(app, list, part)) return
  const { from: first, to } = placesOf(many, part)
  const start = Date.parse(many.createdAt)
  const open = new Set<number>()
  for (let place = Math.max(first, from); place < to; place++) open.add(place)
  try {
    await atMost(sends, [...open], async (place) => {
      const delay = start + seconds(many.delays[place] ?? 0) - app.clock.now()
      await app.queue.send(memberRequest(list, many, place), Math.max(0, delay))
      open.delete(place)
    })
  } finally {
    // Sent in order, a few at once: those after the first that is missing may be sent twice.
    reached(Math.min(to, ...open))
  }
  await endPart(app, list, part)
}

/** A new message, so that waiting for storage does not count as failing. False: the queue does not take it either. */
async function putBack(position: ListPart, after: Duration, app: App, log: Log): Promise<boolean> {
  try {
    await app.queue.sendPart(position, after)
    log('warn', 'a list could not be queued: a new message tries again', {
      request: position.list,
      part: position.part,
    })
    return true
  } catch (thrown) {
    const { code } = asRekeyError(thrown, log)
    log('warn', 'a list could not be queued: the host delivers its message again', { request: position.list, code })
    return false
  }
}

/** Ends what cannot be queued: whoever follows the operation sees why. */
async function refuse({ list, part, from = 0 }: ListPart, error: RekeyError, app: App, log: Log): Promise<void> {
  log('error', 'a list could not be queued: its remaining targets have failed', {
    request: list,
    part,
    code: error.code,
    detail: error.message,
  })
  try {
    const many = await readMany(app, list)
    if (many === undefined) return
    const over = await partsOver(app, list)
    const last = part ?? partCount(many) - 1
    for (let each = part ?? 0; each <= last; each++) {
      const places = placesOf(many, each)
      const refused = { code: error.code, from: Math.max(places.from, from), to: places.to }
      if (!over.has(each)) await refusePart(app, list, each, refused)
    }
  } catch (thrown) {
    const { code } = asRekeyError(thrown, log)
    log('error', 'the failure of a list could not be recorded: its operation ends when it expires', {
      request: list,
      code,
    })
  }
}

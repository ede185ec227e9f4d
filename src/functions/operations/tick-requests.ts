// The requests of one tick of the schedule, where they are too many for it to queue: stored in parts, each of which a message queues.

import * as z from 'zod/mini'
import type { TickPart } from '../../azure/request-queue.ts'
import type { App } from '../../compose.ts'
import type { RotationRequest } from '../../engine/request.ts'
import type { Instant } from '../../engine/target.ts'

/** A request, and when its message becomes visible. */
export interface TimedRequest {
  readonly request: RotationRequest
  readonly at: Instant
}

const Stored = z.object({
  /** The next tick queues again what is not queued by then. */
  until: z.number(),
  requests: z.array(
    z.object({
      at: z.number(),
      request: z.strictObject({
        id: z.string(),
        target: z.string(),
        actor: z.string(),
        ignoreWindow: z.optional(z.literal(true)),
        expiresAt: z.number(),
      }),
    }),
  ),
})

/** The requests of a part, and until when they are wanted. */
export interface TickRequests {
  readonly until: Instant
  readonly requests: readonly TimedRequest[]
}

/** Throws RekeyError. */
export async function storeTickPart(
  app: App,
  part: TickPart,
  requests: TickRequests,
  signal: AbortSignal,
): Promise<void> {
  await app.operations.write(nameOf(part), requests, signal)
}

/** Undefined: it is not there. Throws RekeyError. */
export async function readTickPart(app: App, part: TickPart): Promise<TickRequests | undefined> {
  const read = Stored.safeParse(await app.operations.read(nameOf(part)))
  return read.success ? (read.data as TickRequests) : undefined
}

function nameOf({ tick, part }: TickPart): string {
  return `schedule/${tick}/${part}.json`
}

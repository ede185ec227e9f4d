// One event from Event Grid, in either of its schemas: its envelope, and what is done where the app cannot handle it now.

import type { InvocationContext } from '@azure/functions'
import * as z from 'zod/mini'
import { parseJson } from '../../azure/json.ts'
import type { App, Compose } from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { logOf } from '../shared/invocation.ts'

/** What the two schemas have in common, of what the app reads. */
export interface ReceivedEvent {
  readonly type: string
  /** The id of the resource whose events these are. */
  readonly source: string
  readonly subject?: string | undefined
  /** When it happened, as the event says. */
  readonly time?: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

const data = z.record(z.string(), z.unknown())
const text = z.optional(z.string())
/** CloudEvents have `type`, `source` and `time`, the Event Grid schema `eventType`, `topic` and `eventTime`. */
const envelope = z.union([
  z.object({ type: z.string(), source: z.string(), subject: text, time: text, data }),
  z.pipe(
    z.object({ eventType: z.string(), topic: z.string(), subject: text, eventTime: text, data }),
    z.transform(({ eventType, topic, subject, eventTime, data }) => {
      return { type: eventType, source: topic, subject, time: eventTime, data }
    }),
  ),
])

/**
 * Hands an event on: `undefined` where it is of no known schema. Throws RekeyError where the event should be delivered again: an invalid
 * configuration, or whatever `handle` throws.
 */
export async function receiveEvent(
  event: unknown,
  context: InvocationContext,
  compose: Compose,
  handle: (event: ReceivedEvent | undefined, app: App, log: Log) => Promise<void>,
): Promise<void> {
  const log = logOf(context)
  try {
    const composed = await compose()
    if ('problems' in composed) throw badConfiguration(composed.problems.length)
    const { data: read } = envelope.safeParse(typeof event === 'string' ? parseJson(event) : event)
    await handle(read, composed.app, log)
  } catch (thrown) {
    throw asRekeyError(thrown, log)
  }
}

function badConfiguration(count: number): RekeyError {
  return new RekeyError('BadConfiguration', {
    message: `the configuration has ${count} problems: nothing is queued, and the event is delivered again`,
    remedy: 'Fix every problem that GET /api/health lists.',
  })
}

// Of the requests that wait for one secret to be enabled again, keeps the one that asks for the newest key.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import type { RotationRequest } from '../../engine/request.ts'
import { minutes } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'

/** A request that waits is tried, and noted, every ten minutes; one that was not noted for this long is taken to be lost. */
const waitsFor = minutes(30)

const Waiting = z.object({ id: z.string(), createdAfter: z.number(), force: z.boolean(), until: z.number() })

/**
 * Whether another request waits for the same target whose key will satisfy this one too: asked for later, and at least as
 * forcefully. If none does, this one is noted as the one that waits. Never true by mistake: a note is written before its own
 * message waits again, and what cannot be read or written lets the request wait.
 */
export async function isSuperseded(request: RotationRequest, app: App, log: Log): Promise<boolean> {
  const { id, target, createdAfter, promote, swap, force = false } = request
  if (createdAfter === undefined || promote !== undefined || swap !== undefined) return false
  const name = `waiting/${target}.json`
  const now = app.clock.now()
  try {
    const { data: other } = Waiting.safeParse(await app.operations.read(name))
    const covers = other !== undefined && other.createdAfter >= createdAfter && (other.force || !force)
    if (covers && other.id !== id && now < other.until) return true
    await app.operations.write(name, { id, createdAfter, force, until: now + waitsFor } satisfies z.output<
      typeof Waiting
    >)
  } catch (thrown) {
    const { code } = asRekeyError(thrown, log)
    log('warn', 'whether a later request waits is not known: this one waits too', { target, request: id, code })
  }
  return false
}

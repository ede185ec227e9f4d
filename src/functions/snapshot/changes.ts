// Which targets were changed lately: the lists read them again, rather than show what the schedule read before. Notes among the records of operations,
// which are deleted after two weeks.

import type { App } from '../../compose.ts'
import type { Outcome } from '../../engine/outcome.ts'
import type { Log } from '../../engine/ports.ts'
import type { Instant } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'

const folder = 'changes/'
/** Names are listed in ascending order: with moments counted down, the newest comes first. */
const end = 9e15
/** A target may have several notes: it may have been tried again. */
const mostNotes = 200

/**
 * Notes that the target's tags may say something else now. Never throws: where the note cannot be written, the lists show the change after the
 * next tick.
 */
export async function noteChange(app: App, log: Log, { target, status, busy }: Outcome): Promise<void> {
  if (status === 'current' || busy) return
  try {
    await app.operations.write(`${folder}${end - app.clock.now()}-${target}.json`, {})
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'a change could not be noted for the lists of targets', { target, code, detail: message })
  }
}

/** When each target was changed last, the newest first, by the newest 200 notes. Throws RekeyError. */
export async function latestChanges({ operations }: App, signal: AbortSignal): Promise<ReadonlyMap<string, Instant>> {
  const names = await operations.first(folder, mostNotes, signal)
  const changes = new Map<string, Instant>()
  for (const name of names) {
    const [, counted, target] = /^changes\/(\d+)-(.+)\.json$/.exec(name) ?? []
    if (target !== undefined && !changes.has(target)) changes.set(target, end - Number(counted))
  }
  return changes
}

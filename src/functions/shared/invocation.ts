// What every invocation has: a log, a guard that keeps errors of other libraries from leaving the app, and telemetry of outcomes.

import type { InvocationContext } from '@azure/functions'
import { logTo } from '../../azure/log.ts'
import type { App } from '../../compose.ts'
import type { Outcome } from '../../engine/outcome.ts'
import type { Log } from '../../engine/ports.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { noteVerified } from '../discovery/note-verified.ts'
import { noteChange } from '../snapshot/changes.ts'

/** The engine's log as lines of this invocation. */
export function logOf(context: InvocationContext): Log {
  return logTo({
    info: (line) => context.info(line),
    warn: (line) => context.warn(line),
    error: (line) => context.error(line),
  })
}

/** Runs a reconcile, logs its outcome in one line, and counts it. */
export async function recordOutcome(app: App, log: Log, run: () => Promise<Outcome>): Promise<Outcome> {
  const start = app.clock.monotonic()
  const outcome = await run()
  const { target, provider, status, reason, slot, secrets, eventId, proven, error, busy } = outcome
  log('info', 'rotation finished', {
    target,
    provider,
    status,
    reason,
    slot,
    secrets,
    eventId,
    proven,
    code: error?.code,
    busy,
  })
  app.telemetry.rotation(outcome, app.clock.monotonic() - start)
  await Promise.all([noteVerified(app, log, outcome), noteChange(app, log, outcome), app.telemetry.flush()])
  return outcome
}

/** Has what is in force recorded, for other instances and the next start. That it cannot be stops no rotation: it is logged. */
export async function recordConfiguration(app: App, log: Log): Promise<void> {
  try {
    await app.recorded()
  } catch (thrown) {
    const { code, message } = asRekeyError(thrown, log)
    log('warn', 'the last valid targets.json could not be recorded', { code, detail: message })
  }
}

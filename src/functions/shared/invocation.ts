// Room: the doorways. What every invocation has: a log, a way to keep foreign errors from getting out, and outcomes that
// are counted.

import type { InvocationContext } from '@azure/functions'
import { logTo } from '../../azure/log.ts'
import type { App } from '../../compose.ts'
import { RekeyError } from '../../rotation/errors.ts'
import type { Outcome } from '../../rotation/outcome.ts'
import type { Log } from '../../rotation/ports.ts'

/** The core's log as lines of this invocation. */
export function logOf(context: InvocationContext): Log {
  return logTo({
    info: (line) => context.info(line),
    warn: (line) => context.warn(line),
    error: (line) => context.error(line),
  })
}

/**
 * What was thrown as a RekeyError. Anything else is a mistake of ours: its message and cause may quote what a service
 * answered, and the host logs whatever is thrown, so only its name and the places it came through are kept.
 */
export function asRekeyError(thrown: unknown, log: Log): RekeyError {
  if (thrown instanceof RekeyError) return thrown
  const { name, stack } = thrown instanceof Error ? thrown : { name: typeof thrown, stack: '' }
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  log('error', 'unforeseen error', { name, frames: frames.slice(0, 12).map((line) => line.trim()) })
  return new RekeyError('Internal', {
    message: `something unforeseen happened (${name})`,
    remedy: 'Look for the log line "unforeseen error" of this invocation, and report it as a defect.',
  })
}

/** Runs a reconcile, says what came of it in one line, and counts it. */
export async function recordOutcome(app: App, log: Log, run: () => Promise<Outcome>): Promise<Outcome> {
  const start = app.clock.monotonic()
  const outcome = await run()
  const { target, provider, status, reason, slot, secrets, eventId, error, busy } = outcome
  log('info', 'rotation finished', {
    target,
    provider,
    status,
    reason,
    slot,
    secrets,
    eventId,
    code: error?.code,
    busy,
  })
  app.telemetry.rotation(outcome, app.clock.monotonic() - start)
  await app.telemetry.flush()
  return outcome
}

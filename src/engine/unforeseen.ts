// Whatever is thrown, as an error that may be shown.

import type { Log, Ports } from './ports.ts'
import { RekeyError } from './rekey-error.ts'

/**
 * What was thrown as a RekeyError. Anything else is a mistake of ours: its message and cause may quote what a service
 * answered, so only its name and the places it came through are kept, in the log.
 */
export function asRekeyError(thrown: unknown, log: Log, place: { readonly target?: string } = {}): RekeyError {
  if (thrown instanceof RekeyError) return thrown.at(place)
  const { name, stack } = thrown instanceof Error ? thrown : { name: typeof thrown, stack: '' }
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  log('error', 'unforeseen error', { ...place, name, frames: frames.slice(0, 12).map((line) => line.trim()) })
  return new RekeyError('Internal', {
    ...place,
    message: `something unforeseen happened (${name})`,
    remedy: 'Find the log line "unforeseen error" of this invocation, and report it as a defect.',
  })
}

/** Runs what must not hide the failure it comes after; its own failure is logged, and returned. */
export async function attempt(
  { log }: Pick<Ports, 'log'>,
  target: { readonly name: string },
  what: string,
  run: () => Promise<void>,
): Promise<RekeyError | undefined> {
  try {
    await run()
    return undefined
  } catch (thrown) {
    const error = asRekeyError(thrown, log, { target: target.name })
    log('warn', `could not ${what}`, { target: target.name, code: error.code, service: error.details.service })
    return error
  }
}

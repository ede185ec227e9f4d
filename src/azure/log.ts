// Writes the engine's log as lines: a static message, then one JSON object with the fields.

import type { Log, LogLevel } from '../engine/ports.ts'
import { RekeyError } from '../engine/rekey-error.ts'

/** Where lines go: an invocation's context, or the console. */
export type LogSink = Readonly<Record<LogLevel, (line: string) => void>>

/** A log whose lines read `<message> {"field":…}`. Of an error that is not a RekeyError, only the class is written. */
export function logTo(sink: LogSink): Log {
  return (level, message, fields) => {
    const json = fields === undefined ? '{}' : JSON.stringify(fields, (_, value) => plain(value))
    sink[level](json === '{}' ? message : `${message} ${json}`)
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof RekeyError) {
    const { retryAfter: _, ...details } = value.details
    return { code: value.code, ...details }
  }
  // The message of another library's error may quote anything.
  return value instanceof Error ? { name: value.name } : value
}

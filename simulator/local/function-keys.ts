// Function keys and what each of them allows, decided as the Functions host decides it.

import { randomBytes } from 'node:crypto'

/** Generated at each start, so a key that was recorded does not work after a restart. */
export interface HostKeys {
  /** Authorizes everything, including the management routes. */
  readonly master: string
  /** Authorizes every function. */
  readonly host: string
  /** For the Event Grid webhook. */
  readonly eventGrid: string
  /** One for each function, named `default`. */
  readonly functions: Readonly<Record<string, string>>
}

export type Level = 'anonymous' | 'function' | 'admin' | 'system'

/** New random keys, one for each of these functions and the host's own. */
export function makeKeys(functions: readonly string[]): HostKeys {
  const make = () => randomBytes(24).toString('base64url')
  return {
    master: make(),
    host: make(),
    eventGrid: make(),
    functions: Object.fromEntries(functions.map((name) => [name, make()])),
  }
}

/** The level that a key gives for one function, and the key's name; `anonymous` for none or a wrong one. */
export function levelOf(
  keys: HostKeys,
  key: string | undefined,
  functionName: string | undefined,
): { readonly level: Level; readonly name?: string } {
  if (key === undefined || key === '') return { level: 'anonymous' }
  if (key === keys.master) return { level: 'admin', name: 'master' }
  if (key === keys.host) return { level: 'function', name: 'default' }
  if (functionName !== undefined && key === keys.functions[functionName]) return { level: 'function', name: 'default' }
  if (key === keys.eventGrid) return { level: 'system', name: 'eventgrid_extension' }
  return { level: 'anonymous' }
}

/** Whether a level suffices where another is required. An admin may do everything; the rest must match. */
export function allows(level: Level, required: Level): boolean {
  return required === 'anonymous' || level === 'admin' || level === required
}

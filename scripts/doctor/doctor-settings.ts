// The doctor's settings: what the app would get on this machine.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export interface FoundSettings {
  readonly env: Environment
  /** The source of the settings, as text for the report. */
  readonly from: string
}

export interface SettingsProblem {
  readonly path: string
  readonly message: string
  readonly remedy: string
}

const file = 'local.settings.json'

/**
 * `Values` of local.settings.json in the folder, if it exists; the environment takes precedence, as with Core Tools.
 * Otherwise the environment alone. No value is ever printed.
 */
export function findSettings(folder: string, environment: Environment): FoundSettings | { problem: SettingsProblem } {
  const path = join(folder, file)
  if (!existsSync(path)) return { env: environment, from: `the environment (there is no ${file} in ${folder})` }
  const values = valuesIn(readFileSync(path, 'utf8'))
  if (typeof values === 'string') return { problem: problemOf(values) }
  const set = Object.entries(values).filter(([name]) => !environment[name])
  const others = Object.keys(values).filter((name) => environment[name])
  const but = others.length === 0 ? '' : `, but from the environment: ${others.join(', ')}`
  return { env: { ...environment, ...Object.fromEntries(set) }, from: `${path}${but}` }
}

/** The values, or what is wrong with the file. */
function valuesIn(text: string): Readonly<Record<string, string>> | string {
  let settings: unknown
  try {
    settings = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    // The parser's message quotes the text, keys included.
    return 'is not valid JSON'
  }
  const { IsEncrypted, Values } = Object(settings) as { readonly IsEncrypted?: unknown; readonly Values?: unknown }
  if (IsEncrypted === true) return 'is encrypted'
  if (typeof Values !== 'object' || Values === null) return 'has no object "Values"'
  const wrong = Object.entries(Values).find(([, value]) => typeof value !== 'string')
  return wrong === undefined
    ? (Values as Record<string, string>)
    : `has something else than text in "Values.${wrong[0]}"`
}

function problemOf(message: string): SettingsProblem {
  const encrypted = message === 'is encrypted'
  return {
    path: file,
    message,
    remedy: encrypted
      ? 'func settings decrypt, or set the same in the environment.'
      : 'Start from local.settings.sample.json.',
  }
}

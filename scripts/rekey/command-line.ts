// Reads a command line: options, what they may be, and what was probably meant. No message quotes a value: it may be a secret.

import { parseArgs } from 'node:util'
import { nearest } from '../../src/config/targets/nearest.ts'
import { asUsage } from './ended.ts'

/** An option of a command. `value`: what it takes, in capitals, for the help; without it the option is a switch. */
export interface Option {
  readonly value?: string
  readonly about: string
}

export type Options = Readonly<Record<string, Option>>

/** The values of options that were given. */
export type Given<Of extends Options> = {
  readonly [Name in keyof Of]?: Of[Name] extends { readonly value: string } ? string : true
}

export interface CommandLine {
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | true>>
}

/** Options in which a secret would be readable for every user of the machine, and stay in the shell's history. */
const secretNames = [
  'key',
  'code',
  'function-key',
  'host-key',
  'master-key',
  'password',
  'token',
  'access-token',
  'secret',
]

/** The words and options of a command line. Throws Ended, with exit code 2. */
export function readCommandLine(args: readonly string[], known: Options): CommandLine {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(known).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const words: string[] = []
  const options: Record<string, string | true> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (name === 'h' && rawName === '-h') {
      options['help'] = true
      continue
    }
    const option = Object.hasOwn(known, name) && rawName === `--${name}` ? known[name] : undefined
    if (option === undefined) throw asUnknownOption(rawName, Object.keys(known))
    if (Object.hasOwn(options, name)) throw asUsage(`${rawName} is given twice`, 'Give it once.')
    options[name] = option.value === undefined ? switched(rawName, value) : textOf(rawName, option, value, inlineValue)
  }
  return { words, options }
}

function switched(name: string, value: string | undefined): true {
  if (value === undefined) return true
  throw asUsage(`${name} takes no value`, `Write ${name} alone.`)
}

/** An option that follows is not the value: `--note --json` forgot it. */
function textOf(name: string, option: Option, value: string | undefined, inline: boolean | undefined): string {
  if (value === undefined || value === '') throw asUsage(`${name} needs a value: ${name} ${option.value}`)
  if (inline || !value.startsWith('-')) return value
  throw asUsage(
    `${name} needs a value: ${name} ${option.value}`,
    `Write ${name}=… for a value that begins with a dash.`,
  )
}

function asUnknownOption(rawName: string, known: readonly string[]) {
  const name = rawName.replace(/^-+/, '')
  if (secretNames.includes(name.toLowerCase())) {
    return asUsage(
      `${rawName}: a key or a token is never an argument, because other users of the machine can read it there`,
      'Set the environment variable REKEY_KEY to the function key, or sign in with az and give --client-id. ' +
        'If a key was on this command line, it may be in the history of your shell.',
    )
  }
  // More than a letter and a dash may be a secret that was pasted.
  if (!/^[a-z][a-z-]{0,24}$/i.test(name)) return asUsage('an option is unknown', 'Add --help for those that there are.')
  const guess = nearest(name, known)
  return asUsage(
    `unknown option ${rawName}`,
    guess === undefined ? 'Add --help for those that there are.' : `Did you mean --${guess}?`,
  )
}

// What a command is: one file each, which exports `command`. The registry is commands.ts.

import type { AppClient } from './app-client.ts'
import type { Given, Options } from './command-line.ts'
import type { Output } from './output.ts'

/** What a command is called with. */
export interface Call<Of extends Options> {
  /** The words after the command's name. */
  readonly words: readonly string[]
  readonly options: Given<Of>
  readonly output: Output
  /** The app that REKEY_URL names, with the caller's key or token. Throws Ended where they are missing or wrong. */
  app(): AppClient
  /** Where the app is, for what needs no key. Throws Ended. */
  address(): string
}

export interface Definition<Of extends Options> {
  /** In the list of commands: what it does, in a few words. */
  readonly summary: string
  /** The words it takes, such as `<target>`, `[<target>…]`. */
  readonly words?: string
  /** How many words it takes. */
  readonly count?: readonly [least: number, most: number]
  /** What else to know before using it. */
  readonly about?: string
  readonly options: Of
  /** What follows `npm run rekey -- ` in examples. */
  readonly examples: readonly string[]
  /** Writes the result to the output. Returns the exit code where it is not 0. Throws Ended. */
  run(call: Call<Of>): Promise<number | undefined> | Promise<void>
}

export type Command = Definition<Options>

/** A command, with the types of its options checked. */
export function defineCommand<const Of extends Options>(definition: Definition<Of>): Command {
  return definition as unknown as Command
}

/** The options that all commands share. */
export const sharedOptions = {
  url: { value: 'URL', about: 'where the app is; else REKEY_URL' },
  'client-id': { value: 'GUID', about: 'sign in as az does, for this app registration; else REKEY_CLIENT_ID' },
  json: { about: 'print JSON, for scripts' },
  verbose: { about: 'print each request on stderr, without keys and tokens' },
  help: { about: 'print this' },
} as const satisfies Options

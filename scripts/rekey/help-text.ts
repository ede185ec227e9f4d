// The help: the list of commands, and what each of them takes.

import { columns } from '../../simulator/local/columns.ts'
import { type Command, sharedOptions } from './command.ts'
import type { Options } from './command-line.ts'
import { commands } from './commands.ts'

const program = 'npm run rekey --'

/** Every command with what it does. */
export async function overview(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { words, summary } = (await load()).command
      return [`  ${name}${words === undefined ? '' : ` ${words}`}`, summary]
    }),
  )
  return `${program} <command> [options]

Shows and rotates the targets of a Rekey app.

${columns(rows)}

${program} <command> --help says more about each.

Where the app is: REKEY_URL, or --url.
Who you are: a function key in REKEY_KEY, or az login with REKEY_CLIENT_ID or --client-id.
Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused, 4 not found, 5 not signed in or not allowed, 6 no answer, 7 not over yet.
`
}

/** One command: its words, options and examples. */
export function commandHelp(name: string, { summary, words, about, options, examples }: Command): string {
  const own = Object.keys(options).length === 0 ? '' : `\n${optionsOf(options)}\n`
  return `${program} ${name}${words === undefined ? '' : ` ${words}`} [options]

${summary[0]!.toUpperCase()}${summary.slice(1)}.${about === undefined ? '' : `\n${about}`}
${own}
${optionsOf(sharedOptions)}

${examples.length === 1 ? 'Example' : 'Examples'}:
${examples.map((example) => `  ${program} ${example}`).join('\n')}
`
}

function optionsOf(options: Options): string {
  return columns(
    Object.entries(options).map(([name, { value, about }]) => [
      `  --${name}${value === undefined ? '' : ` ${value}`}`,
      about,
    ]),
  )
}

// Runs one command line: finds the command, reads its options, and turns every end into an exit code.

import { nearest } from '../../src/config/targets/nearest.ts'
import { appAddress } from './app-address.ts'
import { type AppClient, appClient } from './app-client.ts'
import { callerHeaders } from './caller-headers.ts'
import { type Command, sharedOptions } from './command.ts'
import { type Given, type Options, readCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { asUsage, Ended, exitCodes } from './ended.ts'
import { commandHelp, overview } from './help-text.ts'
import { outputTo } from './output.ts'
import { plain, plainJson, plainLines } from './plain-text.ts'
import type { Terminal } from './terminal.ts'

/** The exit code. `args`: what follows the program's name. Never throws. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = 'help', ...rest] = args
  try {
    checkNpm(terminal.env)
    if (name === 'help' || name === '--help' || name === '-h') return await help(rest, terminal)
    return (await start(await commandNamed(name), name, rest, terminal)) ?? exitCodes.done
  } catch (error) {
    return report(error, args, terminal)
  }
}

async function start(command: Command, name: string, args: readonly string[], terminal: Terminal) {
  const { words, options } = readCommandLine(args, { ...command.options, ...sharedOptions })
  if (options['help'] === true) return await help([name], terminal)
  checkWords(command, name, words)
  const output = outputTo(terminal, options['json'] === true)
  const address = () => appAddress(options['url'] as string | undefined, terminal.env)
  let client: AppClient | undefined
  const app = () => {
    client ??= appClient({
      address: address(),
      callerHeaders: callerHeaders(options['client-id'] as string | undefined, terminal.env),
      note: output.note,
      verbose: options['verbose'] === true,
    })
    return client
  }
  return (await command.run({ words, options: options as Given<Options>, output, app, address })) ?? undefined
}

async function help([name]: readonly string[], { stdout }: Terminal): Promise<number> {
  stdout.write(name === undefined ? await overview() : commandHelp(name, await commandNamed(name)))
  return exitCodes.done
}

async function commandNamed(name: string): Promise<Command> {
  if (Object.hasOwn(commands, name)) return (await commands[name]!()).command
  if (name.startsWith('-')) throw asUsage('the command comes first', 'npm run rekey -- help lists the commands.')
  const guess = nearest(name, Object.keys(commands))
  const shown = /^[a-z][a-z-]{0,24}$/i.test(name) ? ` "${name}"` : ''
  throw asUsage(
    `there is no command${shown}`,
    guess === undefined ? 'npm run rekey -- help lists the commands.' : `Did you mean ${guess}?`,
  )
}

function checkWords({ words = '', count: [least, most] = [0, 0] }: Command, name: string, given: readonly string[]) {
  if (given.length >= least && given.length <= most) return
  const usage = `npm run rekey -- ${name}${words === '' ? '' : ` ${words}`}`
  throw asUsage(
    given.length < least ? `${name} needs ${words}` : `${name} takes ${words === '' ? 'no words' : `only ${words}`}`,
    usage,
  )
}

/** Options of ours that npm does not have, as its environment names them where the `--` before them is missing: `--no-wait` is `wait`. */
const ours =
  'note at_once status provider vault subscription search url client_id from wait timeout dry_run write without_app'.split(
    ' ',
  )

/** Without `--` npm keeps the options for itself, and the command would run without them. */
function checkNpm(env: Terminal['env']): void {
  const taken = ours.find((name) => env['npm_lifecycle_event'] === 'rekey' && env[`npm_config_${name}`] !== undefined)
  if (taken === undefined) return
  throw asUsage(
    `npm took --${taken.replaceAll('_', '-')} for an option of its own`,
    'Put -- before the command: npm run rekey -- list --json. Where a shell removes it (PowerShell with an older npm), write npm.cmd instead of npm.',
  )
}

/** What went wrong, on stderr; with --json also as a document on stdout. */
function report(error: unknown, args: readonly string[], { stdout, stderr }: Terminal): number {
  const { exit, reason } = error instanceof Ended ? error : asUnforeseen(error)
  stderr.write(`rekey: ${plainLines(reason.detail)} (${plain(reason.code)})\n`)
  if (reason.remedy !== undefined) stderr.write(`What to do: ${plainLines(String(reason.remedy))}\n`)
  if (args.includes('--json')) stdout.write(`${plainJson(reason)}\n`)
  return exitCodes[exit]
}

/** A mistake in this program. Its stack names places in the code, no values. */
function asUnforeseen(error: unknown): Ended {
  const { stack, name } = error instanceof Error ? error : new Error('not an error')
  const places = stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 4)
    .join('\n')
  return new Ended('failed', {
    code: 'Internal',
    detail: `an error that this program does not expect, ${name}:\n${places}`,
  })
}

// The command-line options of `npm start` and the scripts.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/**
 * The options given. `--help` prints `usage` and ends; what nobody knows is said, with the usage, and ends with code 2.
 */
export function flags<const Options extends ParseArgsOptionsConfig>(usage: string, options: Options) {
  const help = { help: { type: 'boolean', short: 'h' } } as const
  try {
    const { values } = parseArgs({ options: { ...help, ...options } })
    if (!('help' in values && values.help)) return values
    process.stdout.write(usage)
    process.exit(0)
  } catch (error) {
    // Without the hint about `--`, which is of no use here.
    const [sentence] = (error as Error).message.split('. To specify')
    process.stderr.write(`${sentence}.\n\n${usage}`)
    process.exit(2)
  }
}

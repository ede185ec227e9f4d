// The command-line options of `npm start` and the scripts.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/**
 * Parses the options. `--help` prints `usage` and exits; an unknown option is reported with the usage, and exits with code 2.
 */
export function flags<const Options extends ParseArgsOptionsConfig>(usage: string, options: Options) {
  const help = { help: { type: 'boolean', short: 'h' } } as const
  try {
    const { values } = parseArgs({ options: { ...help, ...options } })
    if (!('help' in values && values.help)) return values
    process.stdout.write(usage)
    process.exit(0)
  } catch (error) {
    // Without the parser's hint about `--`, which does not apply here.
    const [sentence] = (error as Error).message.split('. To specify')
    process.stderr.write(`${sentence}.\n\n${usage}`)
    process.exit(2)
  }
}

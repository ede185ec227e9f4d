// `npm run rekey -- <command>`: shows and rotates the targets of a Rekey app, over its HTTP routes. docs/reference/cli.md has
// the commands and the exit codes.

import { runCommand } from './rekey/run-command.ts'

// What reads the output may have seen enough: `… | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runCommand(process.argv.slice(2), process)

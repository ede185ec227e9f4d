// `npm test`: build, types, lint and format, then every test; `npm test -- <files>` runs those files only.

import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { buildApp } from './build.ts'
import { check } from './check.ts'

const files = process.argv.slice(2)
const [clean] = await Promise.all([check(), buildApp()])

// Node's default leaves one core idle, and these files often wait: for sockets, for a browser, for another process.
const concurrency = Math.max(2, availableParallelism() + 1)
const tests = spawn(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=150000',
    ...(files.length > 0 ? files : ['test/**/*.test.ts']),
  ],
  { stdio: 'inherit' },
)
tests.once('exit', (code) => {
  if (!clean) process.stderr.write('The tests ran, but the check of types, lint or format failed: see above.\n')
  process.exitCode = code === 0 && clean ? 0 : 1
})

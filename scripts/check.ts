// `npm run check`: types; lint, format and import rules; what nothing uses. Side by side, with tsc, Biome and knip as programs.

import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Each tool's own JavaScript file, so that it runs the same on every system. */
const tools = {
  types: ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json'],
  page: ['node_modules/typescript/bin/tsc', '--project', 'src/page/tsconfig.json'],
  lint: ['node_modules/@biomejs/biome/bin/biome', 'ci', '--error-on-warnings'],
  unused: ['node_modules/knip/bin/knip.js', '--no-progress'],
} as const
type Check = keyof typeof tools
const allChecks = Object.keys(tools) as Check[]

/** Runs the checks named; all of them by default. Returns whether all passed; their findings are on stdout and stderr. */
export async function check(names: readonly Check[] = allChecks): Promise<boolean> {
  const codes = await Promise.all(names.map((name) => run(tools[name])))
  const failed = names.filter((_, index) => codes[index] !== 0)
  process.stderr.write(
    failed.length === 0 ? `Passed: ${names.join(', ')}.\n` : `Failed: ${failed.join(', ')}. The findings are above.\n`,
  )
  return failed.length === 0
}

/** Runs a JavaScript program of the repository with this Node, and returns its exit code. */
export function run([file, ...args]: readonly [string, ...string[]]): Promise<number> {
  const child = spawn(process.execPath, [join(root, file), ...args], { cwd: root, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

if (import.meta.main) {
  const named = process.argv.slice(2).filter((name): name is Check => name in tools)
  process.exitCode = (await check(named.length > 0 ? named : undefined)) ? 0 : 1
}

// `node scripts/run.mjs <file> [arguments]`: installs what is missing, then runs the file with the Node that this
// project pins, whatever Node the machine has. Every npm script uses it.
// Why not `ensure-install && node <file>`: a shell remembers where it found `node` before the install.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './ensure-install.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('Usage: node scripts/run.mjs <file> [arguments]\n')
  process.exit(2)
}

const installed = ensureInstalled(root)
if (installed !== 0) process.exit(installed)

const node = pinnedNode()
const child = spawn(node, [resolve(root, file), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
})
// Ctrl-C reaches the child directly, as a member of the terminal's process group: wait for it to finish.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
// npm forwards a SIGTERM only to the shell between us, and a shell ends on it silently.
const shell = process.ppid
setInterval(() => process.ppid !== shell && child.kill('SIGTERM'), 500).unref()
child.on('error', (error) => {
  process.stderr.write(`${node} could not be started: ${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1)))

/** The binary of the `node` package; the running Node where install scripts were off and it can run TypeScript. */
function pinnedNode() {
  const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(pinned)) return pinned
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 2)) return process.execPath
  process.stderr.write(
    `${pinned} is missing: the package "node" was installed without its script. ` +
      'Run npm ci with scripts allowed, or use Node 24.2 or later.\n',
  )
  process.exit(1)
}

// Installs the dependencies when they are missing or differ from package-lock.json. Needs nothing installed and runs on
// any Node from 18, so it imports node:* only.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The reason why `npm ci` is needed, or undefined if the installed packages are those of the lock file.
 * npm leaves a lock file of its own inside node_modules: the two are compared by name and version, which takes
 * milliseconds. Optional packages may be absent, since most of them are for other machines.
 *
 * @param {string} root the repository
 * @returns {string | undefined}
 */
export function whyInstall(root) {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return 'nothing is installed yet'
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const installed = packagesOf(installedFile)
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '') continue
    if (installed[path] === undefined && optional !== true) return `${path} is missing`
    if (installed[path] !== undefined && installed[path].version !== version) return `${path} is not ${version}`
  }
  return undefined
}

/**
 * Brings node_modules in line with package-lock.json; if there is anything to do, writes the reason to stderr.
 *
 * @param {string} root the repository
 * @returns {number} 0, or npm's exit code when it failed
 */
export function ensureInstalled(root) {
  const why = whyInstall(root)
  if (why === undefined) return 0
  process.stderr.write(`Installing dependencies with npm ci, which takes a minute or two: ${why}.\n`)
  // npm must not write to our stdout, and its output is for a terminal: no JSON, whatever the project's .npmrc sets.
  const npm = ['ci', '--loglevel=error', '--no-json', '--no-audit', '--no-fund']
  const cli = process.env.npm_execpath
  const stdio = /** @type {const} */ (['ignore', 2, 2])
  const { status, error } = cli?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [cli, ...npm], { cwd: root, stdio: [...stdio] })
    : spawnSync('npm', npm, { cwd: root, stdio: [...stdio], shell: process.platform === 'win32' })
  if (error) process.stderr.write(`npm could not be started: ${error.message}\n`)
  if (status !== 0) process.stderr.write('npm ci failed: its own output above gives the reason.\n')
  return status ?? 1
}

/** @param {string} file @returns {Record<string, { version?: string, optional?: boolean }>} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

// What npm itself prints around the scripts, with the project's .npmrc.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Captured, captured } from './captured-child.ts'

/** Runs npm in a package of its own that has the project's .npmrc, and gives what it printed where. */
async function npm(t: TestContext, args: readonly string[]): Promise<Captured> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-npm-'))
  t.after(() => rm(folder, { recursive: true }))
  await copyFile(new URL('../.npmrc', import.meta.url), join(folder, '.npmrc'))
  const scripts = { start: `node -e "console.log(JSON.stringify({ targets: [] }))"` }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', scripts }))
  // npm hands its own configuration down to what it runs, and these tests may be run by npm.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  const child = spawn('npm', args, { cwd: folder, env, shell: process.platform === 'win32' })
  return captured(child)
}

test('a mistyped npm script is named on stderr', async (t) => {
  const { code, err } = await npm(t, ['run', 'docter'])

  assert.notEqual(code, 0)
  assert.match(err, /docter/)
})

test('npm start prints on stdout what the script prints, and nothing of its own', async (t) => {
  const { code, out } = await npm(t, ['start'])

  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), { targets: [] })
})

// `npm run bench:coldstart`: how long a fresh process takes to its first HTTP answer, against an app with one empty
// HTTP function. Imports its neighbours, esbuild and node:* only.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildApp } from './build.ts'
import type { Times } from './cold-answer.ts'

const contents =
  'Medians in milliseconds from the start of a process. They contain the start of Node.js, the local host’s worker as plain\n' +
  'JavaScript, and the app: its load, and its first answer (404: no such target). Not the Functions host, nor gRPC.\n'
const root = dirname(dirname(fileURLToPath(import.meta.url)))

export interface ColdStart {
  /** Medians. */
  readonly app: Times
  readonly empty: Times
  /** Of the times to the first answer. */
  readonly ratio: number
}

/**
 * Starts both apps in fresh processes, in turns, so that whatever else the machine does falls on both. Rekey is asked for a target
 * that is not in targets.json: settings and targets are read, and no Azure service is called.
 */
export async function coldStart(runs: number): Promise<ColdStart> {
  const folder = mkdtempSync(join(tmpdir(), 'rekey-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const empty = join(folder, 'empty')
  const app = join(folder, 'app')
  mkdirSync(join(empty, 'src/functions'), { recursive: true })
  mkdirSync(app)
  const source = "import { app } from '@azure/functions'\napp.http('empty', { handler: () => ({ status: 404 }) })\n"
  writeFileSync(join(empty, 'src/functions/register.ts'), source)
  const harness = join(folder, 'cold-answer.mjs')
  await Promise.all([buildApp({ app: empty }), buildApp({ out: join(app, 'dist') }), bundleHarness(harness)])
  for (const each of [empty, app]) {
    writeFileSync(join(each, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions/*.js' }))
  }
  copyFileSync(join(root, 'targets.sample.json'), join(app, 'targets.json'))
  const times = { app: [] as Times[], empty: [] as Times[] }
  for (let run = 0; run < runs; run++) {
    times.app.push(timesOf(harness, app, 'showTarget'))
    times.empty.push(timesOf(harness, empty, 'empty'))
  }
  const medians = { app: median(times.app), empty: median(times.empty) }
  return { ...medians, ratio: medians.app.answered / medians.empty.answered }
}

/** A fresh process must not strip types first: both apps would take that much longer, and their ratio come out smaller. */
async function bundleHarness(outfile: string): Promise<void> {
  const entry = join(root, 'scripts/cold-answer.ts')
  await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
}

function timesOf(harness: string, directory: string, name: string): Times {
  const { stdout, stderr, status } = spawnSync(process.execPath, [harness, directory, name], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      AzureWebJobsScriptRoot: directory,
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
      ROTATION_TARGETS: './targets.json',
      ROTATION_VAULT: 'https://bench.vault.azure.net',
    },
  })
  if (status !== 0) throw new Error(`${directory} does not answer:\n${stderr}${stdout}`)
  return JSON.parse(stdout)
}

function median(times: readonly Times[]): Times {
  const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
  return { loaded: middle(times.map(({ loaded }) => loaded)), answered: middle(times.map(({ answered }) => answered)) }
}

async function main(): Promise<void> {
  const { app, empty, ratio } = await coldStart(Number(process.argv[2] ?? 31))
  const line = (what: string, { loaded, answered }: Times) =>
    `${what.padEnd(22)} loaded ${loaded.toFixed(0).padStart(4)} ms   first answer ${answered.toFixed(0).padStart(4)} ms\n`
  process.stdout.write(
    `${contents}${line('Rekey', app)}${line('One empty function', empty)}Ratio of first answers ${ratio.toFixed(2)} here, where the worker's own time is missing from both\n`,
  )
}

if (import.meta.main) await main()

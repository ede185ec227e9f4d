// Room: the scripts. `npm run bench:coldstart`: what it costs to load the built app, against an app with one empty HTTP function.
// Imports its neighbours, the local host's worker and node:* only.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadApp } from '../simulator/local/worker.ts'
import { buildApp } from './build.ts'

const limit = 1.15

export interface ColdStart {
  /** Medians, in milliseconds. */
  readonly app: number
  readonly empty: number
  readonly ratio: number
}

/**
 * Loads both apps in fresh processes, in turns, so that whatever else the machine does falls on both. Answers the medians
 * of the time from before `main` is imported to the last registration.
 */
export async function coldStart(runs: number): Promise<ColdStart> {
  const folder = mkdtempSync(join(tmpdir(), 'rekey-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const empty = join(folder, 'empty')
  const app = join(folder, 'app')
  mkdirSync(join(empty, 'src/functions'), { recursive: true })
  mkdirSync(app)
  const source = "import { app } from '@azure/functions'\napp.http('empty', { handler: () => ({ status: 200 }) })\n"
  writeFileSync(join(empty, 'src/functions/empty.ts'), source)
  await Promise.all([buildApp({ app: empty }), buildApp({ out: join(app, 'dist') })])
  for (const each of [empty, app]) {
    writeFileSync(join(each, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions/*.js' }))
  }
  const times = { app: [] as number[], empty: [] as number[] }
  for (let run = 0; run < runs; run++) {
    times.app.push(timeOf(app))
    times.empty.push(timeOf(empty))
  }
  const medians = { app: median(times.app), empty: median(times.empty) }
  return { ...medians, ratio: medians.app / medians.empty }
}

function timeOf(directory: string): number {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), '--load', directory],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`${directory} does not load:\n${stderr}`)
  return Number(stdout)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function main(): Promise<void> {
  const [, , option, directory] = process.argv
  if (option === '--load' && directory !== undefined) {
    const start = performance.now()
    await loadApp(directory, () => undefined)
    process.stdout.write(String(performance.now() - start))
    return
  }
  const { app, empty, ratio } = await coldStart(Number(option ?? 31))
  process.stdout.write(
    `Loading Rekey:                ${app.toFixed(1)} ms\n` +
      `Loading one empty function:   ${empty.toFixed(1)} ms\n` +
      `Ratio:                        ${ratio.toFixed(2)} (at most ${limit})\n`,
  )
  if (ratio > limit) process.exitCode = 1
}

if (import.meta.main) await main()

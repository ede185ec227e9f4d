// `npm run bench:fleet`: how the schedule and a revoke of everything do over large estates, as a table. It asserts nothing.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { columns } from '../simulator/local/columns.ts'
import { flags } from '../simulator/local/flags.ts'
import { progressOn } from '../simulator/local/print-demo.ts'
import { machine } from './bench/figures.ts'
import type { EstateResult, EstateRun } from './bench/fleet-estate.ts'

const usage = `npm run bench:fleet [-- --targets <n,…> --subscriptions <n,…> --instances <n> --what schedule,revoke --heap <MB>]

Mixed estates with every key due: the time until all are rotated, divided by the time that the services' documented limits allow.
  --targets         sizes of the estates; default 1000,10000,100000
  --subscriptions   over how many; default 1,10,100
  --instances       of the app, eight messages each; default 100
  --what            schedule: at the half of each limit that it takes; revoke: every key with one request, at the whole; singles: each key
                    with a request of its own, all at once; default schedule,revoke
  --heap            the most megabytes of Node's heap, the simulated queue's messages among them; default 450
`
const list = (text: string) => text.split(',').map(Number)
const child = process.argv.indexOf('--run')
if (child > 0) {
  // Imported here: what the parent needs to make an estate must not count as the app's memory.
  const { runEstate } = await import('./bench/fleet-estate.ts')
  process.stdout.write(JSON.stringify(await runEstate(JSON.parse(process.argv[child + 1]!) as EstateRun)))
  process.exit(0)
}

const values = flags(usage, {
  targets: { type: 'string', default: '1000,10000,100000' },
  subscriptions: { type: 'string', default: '1,10,100' },
  instances: { type: 'string', default: '100' },
  what: { type: 'string', default: 'schedule,revoke' },
  heap: { type: 'string', default: '450' },
})
const { estateFile } = await import('./bench/estate-file.ts')
const progress = progressOn(process.stderr)
const folder = mkdtempSync(join(tmpdir(), 'rekey-fleet-'))
const file = join(folder, 'targets.json')
const on = machine()

function measure(run: EstateRun): EstateResult {
  const self = fileURLToPath(import.meta.url)
  // Without a limit, Node grows its heap with the machine's memory rather than collect garbage.
  const heap = `--max-old-space-size=${values.heap}`
  return JSON.parse(execFileSync(process.execPath, [heap, self, '--run', JSON.stringify(run)], { encoding: 'utf8' }))
}

function clockTime(seconds: number): string {
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`
}

const head = [
  'TARGETS',
  'SUBSCRIPTIONS',
  'WHAT',
  'TIME',
  'FLOOR',
  'RATIO',
  'THROTTLED',
  'QUEUE',
  'LISTS A TICK',
  'TICK',
  'MEMORY',
  'LEFT',
]
const table: string[][] = [head]
for (const targets of list(values.targets)) {
  for (const subscriptions of list(values.subscriptions)) {
    writeFileSync(file, await estateFile({ targets, subscriptions }))
    for (const what of values.what.split(',') as EstateRun['what'][]) {
      progress.say(`${targets} targets, ${subscriptions} subscriptions, ${what}…`)
      const found = measure({ file, targets, instances: Number(values.instances), what })
      table.push([
        targets.toLocaleString('en'),
        String(subscriptions),
        what,
        clockTime(found.took),
        clockTime(found.floor),
        (found.took / found.floor).toFixed(2),
        `${(found.throttled * 100).toFixed(1)} %`,
        found.longestQueue.toLocaleString('en'),
        found.listCalls.toLocaleString('en'),
        `${(found.tickTime / 1000).toFixed(1)} s`,
        `${Math.round(found.memory / 2 ** 20)} MB`,
        String(found.unrotated),
      ])
    }
  }
}
progress.end()
rmSync(folder, { recursive: true })
process.stdout.write(`${columns(table)}\n\n${values.instances} instances. On ${on}.\n`)

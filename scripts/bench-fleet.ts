// `npm run bench:fleet`: how the schedule and a revoke of everything do over large estates, as a table. It asserts nothing.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { columns } from '../simulator/local/columns.ts'
import { flags } from '../simulator/local/flags.ts'
import { progressOn } from '../simulator/local/print-demo.ts'
import type { EstateCost } from './bench/estate-memory.ts'
import { machine } from './bench/figures.ts'
import type { EstateResult, EstateRun } from './bench/fleet-estate.ts'

const usage = `npm run bench:fleet [-- --targets <n,…> --subscriptions <n,…> --instances <n> --what schedule,revoke,memory --heap <MB>]

Mixed estates with every key due: the time until all are rotated, divided by the time that the services' documented limits allow.
  --targets         sizes of the estates; default 1000,10000,100000
  --subscriptions   over how many; default 1,10,100
  --instances       of the app, eight messages each; default 100
  --what            schedule: at the half of each limit that it takes; revoke: every key with one request, at the whole; singles: each key
                    with a request of its own, all at once; memory: what ticks and lists cost the app itself; default schedule,revoke,memory
  --heap            the most megabytes of Node's heap, the simulated queue's messages among them; default 450
`
const list = (text: string) => text.split(',').map(Number)
/** What a process of its own is to measure. */
type Child = { readonly run: EstateRun } | { readonly cost: { readonly file: string; readonly targets: number } }
const child = process.argv.indexOf('--child')
if (child > 0) {
  const asked = JSON.parse(process.argv[child + 1]!) as Child
  // Imported here: what the parent needs to make an estate must not count as the app's memory.
  const measured =
    'run' in asked
      ? await (await import('./bench/fleet-estate.ts')).runEstate(asked.run)
      : await (await import('./bench/estate-memory.ts')).estateCost(asked.cost.file, asked.cost.targets)
  process.stdout.write(JSON.stringify(measured))
  process.exit(0)
}

const values = flags(usage, {
  targets: { type: 'string', default: '1000,10000,100000' },
  subscriptions: { type: 'string', default: '1,10,100' },
  instances: { type: 'string', default: '100' },
  what: { type: 'string', default: 'schedule,revoke,memory' },
  heap: { type: 'string', default: '450' },
})
const { estateFile } = await import('./bench/estate-file.ts')
const progress = progressOn(process.stderr)
const folder = mkdtempSync(join(tmpdir(), 'rekey-fleet-'))
const file = join(folder, 'targets.json')
const on = machine()

function measure(asked: Child): unknown {
  const self = fileURLToPath(import.meta.url)
  // Node sizes its heap by the machine's memory, and what is new in it too: both are limited here, as a small instance limits them.
  const node = ['--expose-gc', `--max-old-space-size=${values.heap}`, '--max-semi-space-size=8']
  return JSON.parse(
    execFileSync(process.execPath, [...node, self, '--child', JSON.stringify(asked)], { encoding: 'utf8' }),
  )
}

function clockTime(seconds: number): string {
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`
}

const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`
const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

function rowOf(run: EstateRun, subscriptions: number): string[] {
  const found = measure({ run }) as EstateResult
  return [
    run.targets.toLocaleString('en'),
    String(subscriptions),
    run.what,
    clockTime(found.took),
    clockTime(found.floor),
    (found.took / found.floor).toFixed(2),
    `${Math.round(found.took - found.floor)} s`,
    `${(found.throttled * 100).toFixed(1)} %`,
    found.longestQueue.toLocaleString('en'),
    found.listCalls.toLocaleString('en'),
    inSeconds(found.tickTime),
    String(found.unrotated),
  ]
}

function costOf(targets: number): string[] {
  const found = measure({ cost: { file, targets } }) as EstateCost
  return [
    targets.toLocaleString('en'),
    megabytes(found.memory),
    megabytes(found.used),
    inSeconds(found.reading),
    inSeconds(found.tick),
    inSeconds(found.lists),
    found.pages.toLocaleString('en'),
  ]
}

const tables = {
  runs: [
    [
      'TARGETS',
      'SUBSCRIPTIONS',
      'WHAT',
      'TIME',
      'FLOOR',
      'RATIO',
      'OVER',
      'THROTTLED',
      'QUEUE',
      'LISTS A TICK',
      'TICK',
      'LEFT',
    ],
  ],
  costs: [['TARGETS', 'MOST MEMORY', 'HEAP IN USE', 'READING', 'TICK', 'ALL LISTS', 'PAGES']],
}
const wanted = values.what.split(',')
for (const targets of list(values.targets)) {
  for (const [index, subscriptions] of list(values.subscriptions).entries()) {
    writeFileSync(file, await estateFile({ targets, subscriptions }))
    for (const what of wanted.filter((each) => each !== 'memory') as EstateRun['what'][]) {
      progress.say(`${targets} targets, ${subscriptions} subscriptions, ${what}…`)
      tables.runs.push(rowOf({ file, targets, instances: Number(values.instances), what }, subscriptions))
    }
    if (index > 0 || !wanted.includes('memory')) continue
    progress.say(`${targets} targets, memory…`)
    tables.costs.push(costOf(targets))
  }
}
progress.end()
rmSync(folder, { recursive: true })
const printed = Object.values(tables).filter(({ length }) => length > 1)
process.stdout.write(`${printed.map(columns).join('\n\n')}\n\n${values.instances} instances. On ${on}.\n`)

// `npm run bench`: prints what Rekey costs on this machine, and what a reader follows, as a table; `-- --seed <n>` sets the seed. It asserts
// nothing: wall time depends on the machine as much as on the code.

import { flags } from '../simulator/local/flags.ts'
import { progressOn } from '../simulator/local/print-demo.ts'
import { deciding, parsing } from './bench/core.ts'
import { type Figure, machine, table } from './bench/figures.ts'
import { rotating, ticking } from './bench/fleet-rotations.ts'
import { throughput } from './bench/host-rotations.ts'
import { followingRotation } from './bench/rotation-path.ts'

const usage = `npm run bench [-- --seed <n>]

What parsing, deciding, a tick and a rotation cost on this machine, and how many files and functions a rotation runs through.
  --seed <n>   other dice
`
const values = flags(usage, { seed: { type: 'string', default: '1' } })
const seed = Number(values.seed)
const on = machine()
const progress = progressOn(process.stderr)

async function all(): Promise<readonly Figure[]> {
  const benches: readonly [string, () => Promise<Figure | readonly Figure[]>][] = [
    ['Parsing…', () => parsing(10_000)],
    ['Deciding…', () => deciding(seed, 500_000)],
    ['Ticking…', () => ticking(seed, 10_000, 4)],
    ['Rotating in this process…', () => rotating(seed, 300)],
    ['Rotating in the local host…', () => throughput(seed, 200)],
    ['Following one rotation…', () => followingRotation(seed)],
  ]
  const figures: (Figure | readonly Figure[])[] = []
  for (const [doing, run] of benches) {
    progress.say(doing)
    figures.push(await run())
  }
  progress.end()
  return figures.flat()
}

const figures = await all()
process.stdout.write(`${table(figures)}\n\nSeed ${seed}. On ${on}.\n`)
// An explicit exit: Azurite's own timer keeps the event loop alive.
process.exit(0)

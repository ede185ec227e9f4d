// `npm run mutants`: breaks the engine on purpose, one defect at a time, and reports which test notices: the simulated
// world, with its seed, and the unit tests. `-- --help` lists the options. The defects are rows of
// test/engine/mutants/.

import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Mutant } from '../test/engine/mutants/mutant.ts'
import { mutants } from '../test/engine/mutants/mutants.ts'
import { type Report, snapshot, tryMutant } from './mutants/try-mutant.ts'

const help = `npm run mutants -- [ids…] [options]
  --seeds <n>      how many seeds of every climate the world lives at most (500)
  --world-only     leave the unit tests out
  --unit-only      leave the world out
  --jobs <n>       how many at once (the number of processors)
Exit code 1 if a defect is noticed by nothing that must notice it.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '500' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    'world-only': { type: 'boolean', default: false },
    'unit-only': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(`${help}\n`)
else process.exitCode = await run()

async function run(): Promise<number> {
  const unknown = positionals.filter((id) => !mutants.some((mutant) => mutant.id === id))
  if (unknown.length > 0)
    throw new Error(`Unknown defects: ${unknown.join(', ')}. The names are in test/engine/mutants/.`)
  const chosen = mutants.filter(({ id }) => positionals.length === 0 || positionals.includes(id))
  const waiting = [...chosen]
  const reports: Report[] = []
  const from = await snapshot()
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const report = await tryMutant(next, from, {
        // An exempt defect is tried only to confirm that it is still exempt.
        seeds: next.exempt ? Math.min(50, Number(values.seeds)) : Number(values.seeds),
        world: !values['unit-only'],
        unit: !values['world-only'],
      })
      reports.push(report)
      process.stdout.write(`${lineOf(next, report)}\n`)
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  await rm(from, { recursive: true, force: true })
  return summary(reports)
}

function lineOf({ id, what }: Mutant, { world, unit, failure }: Report): string {
  const found = world && `seed ${world.seed} of "${world.climate}": ${world.violation}`
  return [
    `${id}: ${what}`,
    ...(failure === undefined ? [] : [`   could not be tried: ${failure}`]),
    ...(values['unit-only'] ? [] : [`   world: ${found || 'not noticed'}`]),
    ...(values['world-only'] ? [] : [`   unit tests: ${unit?.join(', ') || 'not noticed'}`]),
  ].join('\n')
}

function summary(reports: readonly Report[]): number {
  const byWorld = reports.filter(({ world }) => world).length
  const byUnit = reports.filter(({ unit }) => unit && unit.length > 0).length
  process.stdout.write(`\n${reports.length} defects`)
  if (!values['unit-only']) process.stdout.write(`, ${byWorld} noticed by the world`)
  if (!values['world-only']) process.stdout.write(`, ${byUnit} by the unit tests`)
  process.stdout.write('\n')
  const problems = reports.flatMap((report) => problemWith(report) ?? [])
  for (const problem of problems) process.stdout.write(`PROBLEM: ${problem}\n`)
  return problems.length > 0 ? 1 : 0
}

/** The world must notice every defect that is not exempt; the test that its row names must notice an exempt one. */
function problemWith({ mutant: { id, exempt }, world, unit, failure }: Report): string | undefined {
  if (failure !== undefined) return `${id} could not be tried`
  if (exempt && unit && !unit.includes(exempt.test)) return `${id} is exempt, but ${exempt.test} does not fail`
  return !exempt && !world && !values['unit-only'] ? `${id} is not noticed by the world, and not exempt` : undefined
}

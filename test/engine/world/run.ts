// `node test/engine/world/run.ts <climate|all> <seeds> [without,…]` lives many histories and counts
// what broke; `node test/engine/world/run.ts <climate> seed <n> [without,…]` prints one history from beginning to end.
// `<climate>+blackouts` adds outages that hit every probe of the service at once.

import { usualBlackouts } from './call-faults.ts'
import { type ClimateName, climates } from './climates.ts'
import { type Climate, live } from './world.ts'

const [name = 'all', seeds = '200', ...rest] = process.argv.slice(2)
const [plain, added] = name.split('+') as [string, string | undefined]
const names = plain === 'all' ? (Object.keys(climates) as ClimateName[]) : [plain as ClimateName]

function climateOf(climate: ClimateName): Climate {
  return added === 'blackouts' ? { ...climates[climate], blackouts: usualBlackouts } : climates[climate]
}

if (seeds === 'seed') {
  const history = await live(Number(rest[0]), climateOf(names[0]!), rules(rest[1]), 'keep log')
  console.log(history.log.join('\n'))
  console.log(history.violations)
} else {
  for (const each of names) await count(each, Number(seeds), rules(rest[0]))
}

function rules(list: string | undefined): ReadonlySet<string> {
  return new Set(list?.split(',').filter(Boolean))
}

async function count(climate: ClimateName, seeds: number, without: ReadonlySet<string>): Promise<void> {
  const tally = new Map<string, { seeds: number; first: number; detail: string }>()
  const started = performance.now()
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await live(seed, climateOf(climate), without)
    for (const kind of new Set(
      violations.map((each) => each.kind + (each.excused ? ` (after ${each.excused})` : '')),
    )) {
      const detail = violations.find((each) => kind.startsWith(each.kind))!.detail
      const known = tally.get(kind)
      tally.set(kind, { seeds: (known?.seeds ?? 0) + 1, first: known?.first ?? seed, detail: known?.detail ?? detail })
    }
  }
  console.log(`${climate}: ${seeds} seeds in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  for (const [kind, { seeds, first, detail }] of tally)
    console.log(`   ${kind}: ${seeds} seeds, first ${first}: ${detail}`)
}

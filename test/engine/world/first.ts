// `node test/engine/world/first.ts <seeds> [climates,…]` prints the first history, over all climates, that breaks a
// promise without an excuse, as one line of JSON; `null` if none does. All climates live a seed before any lives the next.

import { type ClimateName, climates } from './climates.ts'
import { live } from './world.ts'

const [seeds = '500', names] = process.argv.slice(2)
const chosen = (names?.split(',') ?? Object.keys(climates)) as ClimateName[]

console.log(JSON.stringify(await first(Number(seeds))))

async function first(most: number): Promise<{ climate: string; seed: number; violation: string } | null> {
  for (let seed = 1; seed <= most; seed++) {
    for (const climate of chosen) {
      const { violations } = await live(seed, climates[climate])
      const broken = violations.find(({ excused }) => excused === undefined)
      if (broken) return { climate, seed, violation: `${broken.kind} (${broken.detail})` }
    }
  }
  return null
}

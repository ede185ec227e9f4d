// Lives one climate's seeds in a row until a promise breaks without an excuse: for tests, in a thread of its own.

import { type ClimateName, climates } from './climates.ts'
import type { Violation } from './watch.ts'
import { live } from './world.ts'

/** Lives the seeds from 1 on. `seed` is the last one lived, `broken` what broke in it, `reasons` all that were met up to there. */
export async function untilBroken(climate: ClimateName, seeds: number, without: readonly string[] = []) {
  const reasons = new Set<string>()
  let broken: Violation[] = []
  let seed = 0
  while (broken.length === 0 && seed < seeds) {
    const history = await live(++seed, climates[climate], new Set(without))
    for (const reason of history.reasons) reasons.add(reason)
    broken = history.violations.filter(({ excused }) => excused === undefined)
  }
  return { seed, broken, reasons }
}

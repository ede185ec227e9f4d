// A crash before and after every effect, in every scenario of every provider: the promises hold after each effect, and every
// target becomes idle.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crash, slowPropagation, staleReads } from '../../simulator/faults.ts'
import { badDay, ordinaryDay } from '../../simulator/wire-faults.ts'
import { days, minutes } from '../../src/engine/target.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { kinds, providers } from '../providers/all-providers.ts'
import { type Estate, type EstateOptions, estate, isRegenerate, weather } from './crash-estate.ts'
import { assertAtRest, promisesOf } from './promises.ts'
import { type Scenario, scenarios } from './scenarios.ts'

interface Crash {
  readonly nth: number
  readonly when: 'before' | 'after'
}

interface Lived {
  readonly estate: Estate
  readonly broken: readonly string[]
  /** The operations of the scenario's own effects, in order. */
  readonly effects: readonly string[]
  readonly regenerations: number
}

/** The faults that were met in some history, by name. */
const struck = new Set<string>()

async function live(
  provider: KeyProvider,
  scenario: Scenario,
  sky: 'clear' | 'foggy',
  at?: Crash,
  options: EstateOptions = {},
): Promise<Lived> {
  const lived = estate(provider, { history: `${provider.id} ${scenario.name} ${sky}`, ...options })
  const { cloud } = lived
  let numbered = 0
  cloud.onEffect(({ n }) => {
    numbered = n
  })
  const request = await scenario.begin(lived)
  const effects: string[] = []
  cloud.onEffect(({ when, operation, path }) => {
    if (when === 'before') effects.push(isOfConstant(provider, path) ? `${operation} ${ofConstant}` : operation)
  })
  for (const fault of weather(sky, provider, {
    stale: (ms) => staleReads({ ms }),
    slow: (ms) => slowPropagation({ ms }),
  })) {
    cloud.faults.add(fault)
  }
  const day = sky === 'clear' ? ordinaryDay() : badDay({ probes: provider.can.probe === true, outages: 0.25 })
  for (const fault of day) cloud.faults.add(fault)
  if (at) cloud.faults.add(crash({ atEffect: numbered + at.nth, when: at.when }))
  const promises = promisesOf(lived)
  if (scenario.cuts) promises.excuse()
  const before = lived.regenerations()
  await lived.settle(request)
  cloud.clock.advance(minutes(10))
  // Delivered once more, as queues do; then a resync.
  await lived.settle(request)
  await lived.settle(lived.request({ actor: 'resync' }))
  promises.check()
  for (const { fault } of cloud.history) if (fault !== undefined) struck.add(fault)
  return { estate: lived, broken: promises.broken, effects, regenerations: lived.regenerations() - before }
}

/** The tags of such a secret do not say which keys there are: no record of a regenerate. */
const ofConstant = 'of an output that is the same for all slots'

function isOfConstant({ outputs }: KeyProvider, path: string): boolean {
  return Object.entries(outputs).some(([output, kind]) => kind === 'constant' && path.includes(`/target-${output}/`))
}

/** One more than without a crash, if the crash came between a regenerate and its record, on a ring of two. */
function mostRegenerations(
  { slots }: KeyProvider,
  scenario: Scenario,
  effects: readonly string[],
  { nth, when }: Crash,
): number {
  const landed = effects.slice(0, when === 'after' ? nth : nth - 1)
  const recorded = landed.findLastIndex(
    (operation) => operation.startsWith('key-vault/') && !operation.endsWith(ofConstant),
  )
  const unrecorded = slots.length > 1 && landed.findLastIndex(isRegenerate) > recorded
  return scenario.regenerations(slots.length) + (unrecorded ? 1 : 0)
}

for (const provider of providers) {
  describe(`${provider.id} survives a crash before and after every effect`, () => {
    for (const scenario of scenarios) {
      for (const sky of ['clear', 'foggy'] as const) {
        test(`${provider.id}, ${scenario.name}, ${sky}: the promises hold after a crash before and after every effect`, async () => {
          const calm = await live(provider, scenario, sky)
          assert.deepEqual(calm.broken, [])
          assert.ok(calm.regenerations <= scenario.regenerations(provider.slots.length), 'without a crash')

          for (let nth = 1; nth <= calm.effects.length; nth++) {
            for (const when of ['before', 'after'] as const) {
              const lived = await live(provider, scenario, sky, { nth, when })
              const place = `a crash ${when} effect ${nth} of ${calm.effects.join(', ')}`

              assert.deepEqual(lived.broken, [], place)
              assertAtRest(lived.estate)
              const most = mostRegenerations(provider, scenario, calm.effects, { nth, when })
              assert.ok(lived.regenerations <= most, `${place}: ${lived.regenerations} regenerates`)
            }
          }
        })
      }
    }
  })
}

test('The histories of the crash matrix met throttling, revoked tokens, and outages of whole data planes', () => {
  for (const name of ['busy', 'claimsChallenges', 'dataPlaneOutages']) assert.ok(struck.has(name), name)
})

describe('Each rule of the engine is needed: without it, some crash breaks a promise', () => {
  const rules: readonly (readonly [rule: string, provider: KeyProvider, scenario: string])[] = [
    ['settling', kinds.unprobed, 'request'],
    ['interrupted', kinds.unprobed, 'request'],
    ['asked', kinds.oneSlot, 'request'],
    ['probe', kinds.probed, 'request'],
  ]
  for (const [rule, provider, name] of rules) {
    test(`Without ${rule} some crash breaks a promise`, async () => {
      const scenario = scenarios.find((each) => each.name === name)!
      const { effects } = await live(provider, scenario, 'foggy')
      const failures: string[] = []

      for (let nth = 1; nth <= effects.length; nth++) {
        for (const when of ['before', 'after'] as const) {
          const lived = await live(provider, scenario, 'foggy', { nth, when }, { without: [rule] })
          // What was handed out before the crash must outlive the next rotation as well.
          lived.estate.cloud.clock.advance(days(1))
          const most = mostRegenerations(provider, scenario, effects, { nth, when })
          failures.push(...lived.broken)
          if (lived.regenerations > most) failures.push(`${lived.regenerations} regenerates`)
        }
      }

      assert.ok(failures.length > 0)
    })
  }
})

// Lives the scenarios of the crash matrix, once in calm and once for each crash: in a thread of its own, see own-thread.ts.

import assert from 'node:assert/strict'
import { crash, slowPropagation, staleReads } from '../../simulator/faults.ts'
import { badDay, ordinaryDay } from '../../simulator/wire-faults.ts'
import { days, minutes } from '../../src/engine/target.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { providerById } from '../providers/all-providers.ts'
import { type Estate, type EstateOptions, estate, isRegenerate, weather } from './crash-estate.ts'
import { assertAtRest, promisesOf } from './promises.ts'
import { type Scenario, scenarios } from './scenarios.ts'

export type Sky = 'clear' | 'foggy'

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
  /** The names of the faults that struck. */
  readonly struck: ReadonlySet<string>
}

async function live(
  provider: KeyProvider,
  scenario: Scenario,
  sky: Sky,
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
  const struck = new Set(cloud.history.flatMap(({ fault }) => fault ?? []))
  return { estate: lived, broken: promises.broken, effects, regenerations: lived.regenerations() - before, struck }
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

/**
 * One scenario without a crash, and one history for each crash; throws for a promise that breaks. What is outside the process is the
 * same just after one effect and just before the next, but for notes in the lease: `after each` leaves the second out.
 * Returns the names of the faults that struck.
 */
export async function surviveCrashes(
  id: string,
  named: string,
  sky: Sky,
  crashes: 'before and after each' | 'after each',
): Promise<ReadonlySet<string>> {
  const [provider, scenario] = [providerById(id)!, scenarioNamed(named)]
  const calm = await live(provider, scenario, sky)
  assert.deepEqual(calm.broken, [])
  assert.ok(calm.regenerations <= scenario.regenerations(provider.slots.length), 'without a crash')
  const struck = new Set(calm.struck)

  for (const at of places(calm.effects.length)) {
    if (crashes === 'after each' && at.when === 'before' && at.nth > 1) continue
    const lived = await live(provider, scenario, sky, at)
    const place = `a crash ${at.when} effect ${at.nth} of ${calm.effects.join(', ')}`

    assert.deepEqual(lived.broken, [], place)
    assertAtRest(lived.estate)
    const most = mostRegenerations(provider, scenario, calm.effects, at)
    assert.ok(lived.regenerations <= most, `${place}: ${lived.regenerations} regenerates`)
    for (const name of lived.struck) struck.add(name)
  }
  return struck
}

/** What breaks in the crashes of a scenario whose engine lacks a rule. */
export async function brokenWithout(rule: string, id: string, named: string): Promise<readonly string[]> {
  const [provider, scenario] = [providerById(id)!, scenarioNamed(named)]
  const { effects } = await live(provider, scenario, 'foggy')
  const failures: string[] = []
  for (const at of places(effects.length)) {
    const lived = await live(provider, scenario, 'foggy', at, { without: [rule] })
    // What was handed out before the crash must outlive the next rotation as well.
    lived.estate.cloud.clock.advance(days(1))
    const most = mostRegenerations(provider, scenario, effects, at)
    failures.push(...lived.broken)
    if (lived.regenerations > most) failures.push(`${lived.regenerations} regenerates`)
  }
  return failures
}

function places(effects: number): readonly Crash[] {
  return Array.from({ length: effects }, (_, n) => n + 1).flatMap((nth) => [
    { nth, when: 'before' } as const,
    { nth, when: 'after' } as const,
  ])
}

function scenarioNamed(name: string): Scenario {
  return scenarios.find((each) => each.name === name)!
}

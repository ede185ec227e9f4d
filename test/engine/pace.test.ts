// What one tick queues, and when each message becomes visible.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Candidate, mostPerTick, pace, vaultAllowance } from '../../src/engine/pace.ts'
import { minutes } from '../../src/engine/target.ts'

const subscription = '11111111-2222-3333-4444-555555555555'
const hub = 'hub1.azure-devices.net'
const vault = 'https://kv-prod.vault.azure.net'
const interval = minutes(15)

/** As providers declare them: a slow registry's, and the others'. */
const registryAllowance = { burst: 10, perSecond: 0.8 }
const otherAllowance = { burst: 20, perSecond: 5 }

function candidate(n: number, fields: Partial<Candidate> = {}): Candidate {
  const { budget = subscription } = fields
  const allowance = budget.includes('azure-devices') ? registryAllowance : otherAllowance
  return { target: `t${n}`, urgency: 0, budget, allowance, writes: 2, vault, creates: 1, ...fields }
}

const anyCandidates = fc
  .array(
    fc.record({
      urgency: fc.integer({ min: 0, max: 5 }),
      budget: fc.constantFrom(subscription, subscription.replaceAll('1', 'a'), hub, 'graph.microsoft.com'),
      vault: fc.constantFrom(vault, 'https://kv-other.vault.azure.net'),
      writes: fc.integer({ min: 1, max: 4 }),
      creates: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 400, size: 'max' },
  )
  .map((all) => all.map((fields, n) => candidate(n, fields)))
const anyTick = fc.record({ interval: fc.integer({ min: 1000, max: interval }), queued: fc.nat(2000) })

/** The services' own limits, not the shares of them that the schedule allows itself. */
const limits = {
  subscription: { size: 200, perSecond: 10 },
  registry: { size: 100, perSecond: 100 / 60 },
  other: { size: 200, perSecond: 10 },
}

function limitOf(budget: string) {
  if (budget.includes('azure-devices')) return limits.registry
  return budget.includes('-') ? limits.subscription : limits.other
}

test('No budget is ever overdrawn, over ticks that follow one another', () => {
  const busy = fc.record({ size: fc.integer({ min: 1, max: 1000 }), writes: fc.integer({ min: 1, max: 4 }) })
  const fleetOf = ({ size, writes }: { size: number; writes: number }) =>
    Array.from({ length: size }, (_, n) => candidate(n, { budget: n % 3 ? subscription : hub, writes, creates: 0 }))
  const ticks = fc.array(busy.map(fleetOf), { minLength: 1, maxLength: 4, size: 'max' })
  fc.assert(
    fc.property(ticks, fc.integer({ min: 5000, max: 60_000 }), (fleets, length) => {
      const spent = new Map<string, { at: number; writes: number }[]>()
      for (const [n, fleet] of fleets.entries()) {
        for (const { candidate, delay } of pace(fleet, { interval: length, queued: 0 }).now) {
          const calls = spent.get(candidate.budget) ?? []
          calls.push({ at: n * length + delay, writes: candidate.writes })
          spent.set(candidate.budget, calls)
        }
      }
      for (const [budget, calls] of spent) {
        const { size, perSecond } = limitOf(budget)
        let level = size
        let last = 0
        for (const { at, writes } of calls) {
          level = Math.min(size, level + ((at - last) / 1000) * perSecond) - writes
          last = at
          assert.ok(level >= 0, `${budget} is overdrawn at ${at} ms`)
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('What is paced at the whole of each limit never overdraws one, also where all of it begins two seconds late', () => {
  fc.assert(
    fc.property(anyCandidates, fc.integer({ min: 0, max: 2000 }), (fleet, late) => {
      const { now, later } = pace(fleet, { interval: 30 * 24 * minutes(60), queued: 0, share: 'whole' })
      const levels = new Map<string, { level: number; at: number }>()
      for (const { candidate, delay } of now) {
        const { burst, perSecond } = candidate.allowance
        const [capacity, at] = [2 * burst, Math.max(delay, late)]
        const known = levels.get(candidate.budget) ?? { level: capacity, at: 0 }
        const level = Math.min(capacity, known.level + ((at - known.at) / 1000) * 2 * perSecond) - candidate.writes
        assert.ok(level >= -0.01, `${candidate.budget} is overdrawn at ${at} ms`)
        levels.set(candidate.budget, { level, at })
      }
      assert.deepEqual(later, [])
    }),
    { numRuns: 50 },
  )
})

test('A vault never has to create more than 300 versions in ten seconds', () => {
  const fleet = Array.from({ length: 3000 }, (_, n) =>
    candidate(n, { budget: `host${n % 50}.example`, writes: 1, creates: 3 }),
  )

  const { now } = pace(fleet, { interval, queued: 0 })

  assert.ok(now.length > 1000)
  for (const { delay: start } of now) {
    const soon = now.filter(({ delay }) => delay >= start && delay < start + 10_000)
    assert.ok(soon.reduce((sum, { candidate }) => sum + candidate.creates, 0) <= 300)
  }
})

test('No candidate is lost and none comes twice', () => {
  fc.assert(
    fc.property(anyCandidates, anyTick, (fleet, tick) => {
      const { now, later } = pace(fleet, tick)

      const names = [...now.map(({ candidate }) => candidate.target), ...later.map(({ target }) => target)]
      assert.deepEqual(names.toSorted(), fleet.map(({ target }) => target).toSorted())
    }),
  )
})

test('Every delay is before the next tick, and the list is in the order in which they go', () => {
  fc.assert(
    fc.property(anyCandidates, anyTick, (fleet, tick) => {
      const delays = pace(fleet, tick).now.map(({ delay }) => delay)

      assert.ok(delays.every((delay) => delay >= 0 && delay < tick.interval && Number.isInteger(delay)))
      assert.deepEqual(
        delays,
        delays.toSorted((a, b) => a - b),
      )
    }),
  )
})

test('Within one budget no candidate overtakes a more urgent one, and equals keep their order', () => {
  fc.assert(
    fc.property(anyCandidates, anyTick, (fleet, tick) => {
      const { now, later } = pace(fleet, tick)
      const order = [...now.map(({ candidate }) => candidate), ...later]

      for (const budget of new Set(fleet.map((each) => each.budget))) {
        const got = order.filter((each) => each.budget === budget)
        const wanted = fleet.filter((each) => each.budget === budget).toSorted((a, b) => b.urgency - a.urgency)
        assert.deepEqual(got, wanted)
      }
    }),
  )
})

test('Ticks that follow one another spend no more of a slow budget than it brings in, and leave no candidate out for ever', () => {
  const allowance = { burst: 10, perSecond: 0.05 }
  const spentBy = (length: number, writes: number) => {
    let waiting: readonly Candidate[] = Array.from({ length: 400 }, (_, n) => candidate(n, { allowance, writes }))
    let [spent, time] = [0, 0]
    for (; waiting.length > 0; time += length) {
      const { now, later } = pace(waiting, { interval: length, queued: 0 })
      assert.ok(now.length > 0)
      waiting = later
      if (later.length > 0) spent += now.length * writes
    }
    return spent / (time / 1000)
  }

  assert.ok(spentBy(interval, 2) <= allowance.perSecond)
  // One candidate needs more than a tick brings in: it goes all the same.
  assert.ok(spentBy(minutes(1), 4) > 0)
})

test('A slow IoT registry holds up no other target that writes to the same vault', () => {
  const devices = Array.from({ length: 2000 }, (_, n) => candidate(n, { budget: hub, urgency: 9 }))
  const accounts = Array.from({ length: 5 }, (_, n) => candidate(10_000 + n))

  const { now } = pace([...devices, ...accounts], { interval, queued: 0 })

  const waits = now.filter(({ candidate }) => candidate.budget === subscription).map(({ delay }) => delay)
  assert.equal(waits.length, 5)
  assert.ok(Math.max(...waits) < 10_000)
})

test('A large fleet gets as many rotations as half of the budget pays for, spread over the interval', () => {
  const fleet = Array.from({ length: 10_000 }, (_, n) => candidate(n))

  const { now, later } = pace(fleet, { interval, queued: 0 })

  assert.equal(now.length, (900 * otherAllowance.perSecond) / 2)
  assert.equal(now.length + later.length, fleet.length)
  assert.ok(now.at(-1)!.delay > interval * 0.99)
})

test('Ten thousand on a thousand hubs that share one vault are placed with a few comparisons each, as fast as the vault allows', () => {
  let reads = 0
  const fleet = Array.from({ length: 10_000 }, (_, n) => {
    const made = candidate(n, { budget: `hub${n % 1000}.azure-devices.net`, urgency: n % 7 })
    return Object.defineProperty(made, 'creates', { get: () => ++reads && 1 })
  })

  const { now } = pace(fleet, { interval, queued: 0 })

  assert.ok(reads <= 10 * fleet.length, `${reads} reads of what a candidate creates`)
  const { burst, perSecond } = vaultAllowance
  const after = (at: number) => now.filter(({ delay }) => delay <= at).length
  for (const minute of [1, 3, 5]) assert.ok(Math.abs(after(minutes(minute)) - burst - minute * 60 * perSecond) <= 1)
  assert.equal(now.length, burst + 900 * perSecond - 1)
})

test('Of candidates that wait for one vault the most urgent goes first, also when its own budget let it come later', () => {
  const waiting = Array.from({ length: 80 }, (_, n) => candidate(n, { budget: `hub${n}.azure-devices.net` }))
  // Six of a burst of ten, and six more: the second may go after two and a half seconds, the eighty take six.
  const urgent = [1000, 1001].map((n) => candidate(n, { budget: hub, urgency: 2, writes: 6 }))

  const { now } = pace([...waiting, ...urgent], { interval, queued: 0 })

  const delays = urgent.map((each) => now.find(({ candidate }) => candidate === each)!.delay)
  assert.ok(now.at(-1)!.delay > 5000)
  assert.deepEqual([delays[0], Math.floor(delays[1]! / 200)], [0, Math.floor(2500 / 200)])
})

test('What is queued already delays what is added, but never starves it', () => {
  const fleet = [candidate(1)]

  const idle = pace(fleet, { interval, queued: 0 })
  const busy = pace(fleet, { interval, queued: 100 })
  const swamped = pace(fleet, { interval, queued: 1_000_000 })

  assert.equal(idle.now[0]!.delay, 0)
  assert.ok(busy.now[0]!.delay > 30_000)
  assert.ok(swamped.now[0]!.delay > busy.now[0]!.delay)
})

test('One tick never makes more messages than it has time to send', () => {
  const fleet = Array.from({ length: mostPerTick + 2000 }, (_, n) =>
    candidate(n, { budget: `host${n}.example`, vault: `https://kv${n}.vault.azure.net` }),
  )

  const { now, later } = pace(fleet, { interval, queued: 0 })
  const unlimited = pace(fleet, { interval, queued: 0, most: Number.POSITIVE_INFINITY })

  assert.equal(now.length, mostPerTick)
  assert.equal(later.length, 2000)
  assert.deepEqual([unlimited.now.length, unlimited.later], [fleet.length, []])
})

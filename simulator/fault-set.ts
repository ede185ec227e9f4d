// The faults of one simulated cloud, combined.

import type { Token } from './caller-identity.ts'
import type { SimulatedClock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { Fault, FaultHooks } from './faults.ts'
import type { Call, Reply } from './service-operations.ts'

/** The time that deleting, recovering or purging a secret takes without a fault: one to five seconds were reported. */
const fewSeconds = 3000

/** The faults of one cloud. */
export interface FaultSet {
  add(fault: Fault): void
  clear(): void
  readonly names: readonly string[]
  before(call: Call): { fault: string; reply: Reply } | undefined
  after(call: Call, reply: Reply): { fault: string; reply: Reply } | undefined
  /** Before authentication. */
  gate(call: Call): { fault: string; reply: Reply } | undefined
  refuses(token: Token, call: Call): { fault: string; because: 'expired' | 'claims' } | undefined
  emptyPages(call: Call): number
  softDeleteTime(): number
  dateSkew(): number
  staleness(call: Call): number
  /** Resolves when this call may be answered. */
  delay(call: Call): Promise<void>
  /** Milliseconds that the data planes refuse this key after it was made. */
  propagation(key: string): number
  /** Milliseconds that the data planes still accept this key after it was replaced. */
  lingering(key: string): number
  /** How long a long-running operation takes that starts now: `usual`, unless a fault sets another time. */
  operationTime(usual: number): number
  operationFails(): boolean
  denied(): readonly string[]
  /** After how many milliseconds an event is delivered: more than once, if it is duplicated. */
  deliveries(): readonly number[]
  atEffect(n: number, when: 'before' | 'after'): void
}

/** No faults at first. `dice` decides where they strike; latency passes by `clock`. */
export function faultSet(dice: Dice, clock: SimulatedClock): FaultSet {
  let installed: { name: string; hooks: FaultHooks }[] = []
  let count = 0
  const longest = (measure: (hooks: FaultHooks) => number | undefined) =>
    installed.reduce((most, { hooks }) => Math.max(most, measure(hooks) ?? 0), 0)
  return {
    add(fault) {
      count += 1
      installed.push({ name: fault.name, hooks: fault.install(dice.fork(`${fault.name} ${count}`), clock) })
    },
    clear() {
      installed = []
    },
    get names() {
      return installed.map(({ name }) => name)
    },
    before: (call) => firstHit(installed, (hooks) => hooks.before?.(call)),
    after: (call, reply) => firstHit(installed, (hooks) => hooks.after?.(call, reply)),
    gate: (call) => firstHit(installed, (hooks) => hooks.gate?.(call)),
    refuses: (token, call) => {
      for (const { name, hooks } of installed) {
        const because = hooks.refuses?.(token, call)
        if (because) return { fault: name, because }
      }
      return undefined
    },
    emptyPages: (call) => longest((hooks) => hooks.emptyPages?.(call)),
    softDeleteTime: () =>
      Math.max(
        fewSeconds,
        longest((hooks) => hooks.softDeleteTime),
      ),
    dateSkew: () => installed.reduce((sum, { hooks }) => sum + (hooks.dateSkew ?? 0), 0),
    staleness: (call) => longest((hooks) => hooks.staleness?.(call)),
    delay: async (call) => {
      const latency = longest((hooks) => hooks.latency?.(call))
      if (latency > 0) await clock.pass(latency)
    },
    propagation: (key) => longest((hooks) => hooks.keyCache?.(key).refusesNew ?? hooks.propagation),
    lingering: (key) => longest((hooks) => hooks.keyCache?.(key).acceptsOld ?? hooks.lingering),
    operationTime: (usual) => {
      const times = installed.flatMap(({ hooks }) => hooks.operationTime ?? [])
      return times.length === 0 ? usual : Math.max(...times)
    },
    operationFails: () => installed.some(({ hooks }) => hooks.operationFails?.() === true),
    denied: () => installed.flatMap(({ hooks }) => (hooks.denies ? [hooks.denies] : [])),
    deliveries: () => installed.map(({ hooks }) => hooks.deliveries?.()).find((times) => times !== undefined) ?? [0],
    atEffect: (n, when) => {
      for (const { hooks } of installed) hooks.atEffect?.(n, when)
    },
  }
}

function firstHit(
  installed: readonly { name: string; hooks: FaultHooks }[],
  ask: (hooks: FaultHooks) => Reply | undefined,
): { fault: string; reply: Reply } | undefined {
  for (const { name, hooks } of installed) {
    const reply = ask(hooks)
    if (reply) return { fault: name, reply }
  }
  return undefined
}

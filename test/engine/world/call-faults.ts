// What may happen to one call of a worker: nothing, or one of the ways in which calls go wrong.

import { RekeyError } from '../../../src/engine/rekey-error.ts'
import type { Random } from './random.ts'

export type CallKind =
  | 'acquire'
  | 'renew'
  | 'release'
  | 'read'
  | 'get'
  | 'probe'
  | 'regenerate'
  | 'swap'
  | 'poll'
  | 'put'
  | 'patch'
  | 'announce'
  | 'report'

export type Fate =
  | 'answered'
  /** The worker dies before the call is sent, or after it landed. */
  | 'crash before'
  | 'crash after'
  /** The call lands and the answer is lost; it never lands; it lands after the worker gave up. */
  | 'answer lost'
  | 'dropped'
  | 'late'

export interface Course {
  readonly fate: Fate
  /** Milliseconds before it lands, and from then to the answer. */
  readonly before: number
  readonly after: number
}

/** Outages of the service's data plane that hit every probe at once. */
export interface Blackouts {
  /** How likely a probe is to find the first moment of one. */
  readonly chance: number
  /** Milliseconds. */
  readonly length: number
  /** None before this many milliseconds of the history: until then a probe has been answered. */
  readonly from?: number
}

export interface FaultOptions {
  /** How likely a regenerate is to get no answer, beside the faults that are counted: it lands, or it does not. */
  readonly unanswered?: number
  /** How likely a worker is to stand still for minutes while it writes a version, beside the faults that are counted. */
  readonly latePuts?: number
  /** Rights that are missing for a while, locks: definite refusals by the service, the vault or the topic. */
  readonly refusals?: boolean
  /** Probes that fail together. Without it each fails by itself, as calls do. */
  readonly blackouts?: Blackouts
  /** How many in one history. */
  readonly faults: number
  /** Calls may land after their worker gave up. */
  readonly late?: boolean
  /** Workers may stand still for minutes, and go on without knowing it. */
  readonly zombies?: boolean
}

export const effects: ReadonlySet<CallKind> = new Set(['regenerate', 'swap', 'put', 'patch', 'announce'])

/** A delay no shorter than this is a fault: calls land within half a second, and the engine gives each 25 seconds. */
export const longDelay = 20_000

/** Draws what happens to each call until the budget is used up, or `calm()` is called. */
export function fates(
  { faults, late, zombies, unanswered, latePuts }: FaultOptions,
  dice: Random,
): { next(kind: CallKind): Course; calm(): void } {
  let budget = faults

  function next(kind: CallKind): Course {
    const before = 50 + dice.next() * 500
    const after = 50 + dice.next() * 300
    if (unanswered && kind === 'regenerate' && dice.chance(unanswered)) {
      return { fate: dice.chance(0.5) ? 'dropped' : 'answer lost', before, after }
    }
    if (latePuts && kind === 'put' && dice.chance(latePuts)) {
      return { fate: 'answered', before: 60_000 + dice.next() * 1_200_000, after }
    }
    if (budget <= 0 || !dice.chance(effects.has(kind) ? 0.06 : 0.01)) return { fate: 'answered', before, after }
    budget--
    const roll = dice.next()
    if (roll < 0.2) return { fate: 'crash before', before, after }
    if (roll < 0.45) return { fate: 'crash after', before, after }
    if (roll < 0.65) return { fate: 'answer lost', before, after }
    if (roll < 0.75) return { fate: 'dropped', before, after }
    if (roll < 0.85 && late && effects.has(kind)) return { fate: 'late', before: 30_000 + dice.next() * 60_000, after }
    if (!zombies) return { fate: 'answered', before, after }
    const pause = 30_000 + dice.next() * 900_000
    return dice.chance(0.8) ? { fate: 'answered', before: pause, after } : { fate: 'answered', before, after: pause }
  }

  return {
    next,
    calm: () => {
      budget = 0
    },
  }
}

/** 1 % of probes find the beginning of an outage of 90 seconds. */
export const usualBlackouts: Blackouts = { chance: 0.01, length: 90_000 }

/** Says of each probe whether it falls into a blackout. Its dice are its own, so that blackouts redraw nothing else of a history. */
export function blackouts(
  options: Blackouts | undefined,
  dice: Random,
  now: () => number,
): { hits(): boolean; calm(): void } {
  const from = now() + (options?.from ?? 0)
  let until = Number.NEGATIVE_INFINITY
  let chance = options?.chance ?? 0
  return {
    hits: () => {
      if (chance > 0 && now() >= Math.max(from, until) && dice.chance(chance)) until = now() + options!.length
      return now() < until
    },
    calm: () => {
      chance = 0
    },
  }
}

const refusable: readonly (readonly CallKind[])[] = [
  ['regenerate', 'swap'],
  ['put'],
  ['patch'],
  ['put', 'patch'],
  ['announce', 'report'],
  ['read'],
]

/** Draws up to three stretches of up to an hour in which some calls are refused lastingly. Its dice are its own. */
export function refusals(
  on: boolean | undefined,
  dice: Random,
  now: () => number,
  busyTime: number,
): { of(kind: CallKind): RekeyError | undefined } {
  const stretches = on ? Array.from({ length: 3 }, stretch) : []

  function stretch() {
    const from = now() + dice.next() * (busyTime - 3_600_000)
    return { from, until: from + dice.next() * 3_600_000, kinds: dice.pick(refusable), locked: dice.chance(0.5) }
  }

  return {
    of: (kind) => {
      const hit = stretches.find(({ from, until, kinds }) => kinds.includes(kind) && from <= now() && now() < until)
      if (!hit) return undefined
      const [code, status] = hit.locked ? (['ResourceLocked', 409] as const) : (['PermissionDenied', 403] as const)
      return new RekeyError(code, { message: `the world refuses ${kind}`, service: { operation: kind, status } })
    },
  }
}

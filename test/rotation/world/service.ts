// Room: tests of the core. A service with keys: it mints, lists (perhaps an older state), accepts and refuses.

import type { Random } from './random.ts'
import { type KeyRing, Secret, type Time } from './words.ts'

export interface ServiceOptions {
  readonly slots: readonly string[]
  /** A regenerate changes every slot. */
  readonly both?: boolean
  /** How long a listing may lag. */
  readonly stale?: number
  /** Exactly how long they lag, where that is not left to chance. */
  readonly lag?: () => number
  /** New keys are accepted only after a while. */
  readonly slow?: boolean
  readonly slowness?: () => number
  /** Old keys are accepted for a while. */
  readonly lingering?: boolean
}

interface Key {
  readonly made: number
  readonly from: number
  until: number
}

type Keys = Readonly<Record<string, string>>

/** What a listing shows: the keys by slot, and the number of changes up to then, as an etag. */
export interface Listing {
  readonly keys: Keys
  readonly etag: number
}

export interface Service {
  keys(): Keys
  listing(): Listing
  read(): Listing
  regenerate(slot: string): void
  regenerateAll(): void
  swap(): void
  accepts(key: string): boolean
  madeAt(key: string): number
}

export function service(options: ServiceOptions, time: Time, dice: Random, onChange: (died?: string) => void): Service {
  const known = new Map<string, Key>()
  const past: { moment: number; keys: Keys; etag: number }[] = []
  let keys: Keys = {}
  let count = 0

  function mint(delay: number, made = time.now()): string {
    const key = `k${count++}`
    known.set(key, { made, from: made + delay, until: Number.POSITIVE_INFINITY })
    if (delay > 0) time.in(delay, onChange)
    return key
  }

  function set(changed: Keys): void {
    keys = changed
    past.push({ moment: time.now(), keys, etag: past.length })
    onChange()
  }

  function replaced(slot: string): string {
    const old = keys[slot]!
    const linger = options.lingering ? Math.floor(dice.next() * 3) * 100_000 : 0
    known.get(old)!.until = time.now() + linger
    time.in(linger, () => onChange(old))
    return mint(options.slowness?.() ?? (options.slow && dice.chance(0.5) ? dice.next() * 600_000 : 0))
  }

  const longAgo = time.now() - 1e9
  keys = Object.fromEntries(options.slots.map((slot) => [slot, mint(0, longAgo)]))
  past.push({ moment: longAgo, keys, etag: 0 })

  const latest = () => past.at(-1)!
  return {
    keys: () => keys,
    listing: latest,
    read: () => {
      const lag = options.lag?.() ?? (options.stale && dice.chance(0.5) ? dice.next() * options.stale : 0)
      return past.findLast(({ moment }) => moment <= time.now() - lag) ?? past[0]!
    },
    regenerate: (slot) => {
      const slots = options.both ? options.slots : [slot]
      set({ ...keys, ...Object.fromEntries(slots.map((each) => [each, replaced(each)])) })
    },
    regenerateAll: () => set(Object.fromEntries(options.slots.map((slot) => [slot, replaced(slot)]))),
    swap: () => {
      const [one, other] = options.slots as [string, string]
      set({ [one]: keys[other]!, [other]: keys[one]! })
    },
    accepts: (key) => {
      const { from, until } = known.get(key) ?? { from: Number.POSITIVE_INFINITY, until: 0 }
      return time.now() >= from && time.now() < until
    },
    madeAt: (key) => known.get(key)!.made,
  }
}

/** The ring as a provider would answer it: two outputs that tell the slots apart, and one that is the same for all. */
export function asRing(keys: Keys): KeyRing {
  return Object.fromEntries(
    Object.entries(keys).map(([slot, key]) => [
      slot,
      {
        key: Secret.of(key),
        connectionString: Secret.of(`connection=${key}`),
        workspaceId: Secret.of('workspace'),
      },
    ]),
  )
}

/** The key inside a value, whichever output it is of. */
export function keyIn(value: string | undefined): string {
  return value?.replace('connection=', '') ?? ''
}

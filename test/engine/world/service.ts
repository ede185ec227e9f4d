// A service with keys: it mints, lists (perhaps an older state), accepts and refuses.

import { type Deed, operatorDeed } from './deeds.ts'
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
  /** New keys are accepted only after a while; `gateways`: perhaps after many minutes. */
  readonly slow?: boolean | 'gateways'
  readonly slowness?: () => number
  /** Old keys are accepted for a while; `gateways`: perhaps for many minutes. */
  readonly lingering?: boolean | 'gateways'
}

/** What is known of one key, dead or alive. */
export interface KeyFacts {
  readonly made: number
  /** Accepted from this moment. */
  readonly from: number
  /** Refused from this moment. */
  until: number
  readonly by?: Deed
  /** What ended it. */
  death?: Deed
  /** What last moved it to another slot. */
  moved?: Deed
}

type Keys = Readonly<Record<string, string>>

/** What a listing shows: the keys by slot, and the number of changes up to then, as an etag. */
export interface Listing {
  readonly keys: Keys
  readonly etag: number
  /** The service was like this at that moment. */
  readonly asOf: number
}

export interface Service {
  keys(): Keys
  listing(): Listing
  read(): Listing
  /** Without a deed it is an operator's. */
  regenerate(slot: string, deed?: Deed): void
  regenerateAll(deed?: Deed): void
  swap(deed?: Deed): void
  accepts(key: string): boolean
  facts(key: string): KeyFacts | undefined
  madeAt(key: string): number
}

const minute = 60_000

export function service(options: ServiceOptions, time: Time, dice: Random, onChange: (died?: string) => void): Service {
  const known = new Map<string, KeyFacts>()
  const past: { moment: number; keys: Keys; etag: number }[] = []
  let keys: Keys = {}
  let count = 0

  function mint(delay: number, made: number, by?: Deed): string {
    const key = `k${count++}`
    known.set(key, { made, from: made + delay, until: Number.POSITIVE_INFINITY, ...(by ? { by } : {}) })
    if (delay > 0) time.in(delay, onChange)
    return key
  }

  function set(changed: Keys): void {
    keys = changed
    past.push({ moment: time.now(), keys, etag: past.length })
    onChange()
  }

  function replaced(slot: string, deed: Deed): string {
    const old = keys[slot]!
    const facts = known.get(old)!
    const linger = lingers()
    facts.until = time.now() + linger
    facts.death = deed
    time.in(linger, () => onChange(old))
    return mint(options.slowness?.() ?? slows(), time.now(), deed)
  }

  function lingers(): number {
    if (options.lingering === 'gateways') return dice.chance(0.7) ? dice.next() * 12 * minute : 0
    return options.lingering ? Math.floor(dice.next() * 3) * 100_000 : 0
  }

  function slows(): number {
    if (!options.slow || !dice.chance(0.5)) return 0
    return dice.next() * (options.slow === 'gateways' ? 20 : 10) * minute
  }

  const longAgo = time.now() - 1e9
  keys = Object.fromEntries(options.slots.map((slot) => [slot, mint(0, longAgo)]))
  past.push({ moment: longAgo, keys, etag: 0 })

  return {
    keys: () => keys,
    listing: () => ({ ...past.at(-1)!, asOf: time.now() }),
    read: () => {
      const lag = options.lag?.() ?? (options.stale && dice.chance(0.5) ? dice.next() * options.stale : 0)
      const asOf = time.now() - lag
      return { ...(past.findLast(({ moment }) => moment <= asOf) ?? past[0]!), asOf }
    },
    regenerate: (slot, deed = operatorDeed(time.now(), `regenerates ${slot}`)) => {
      const slots = options.both ? options.slots : [slot]
      set({ ...keys, ...Object.fromEntries(slots.map((each) => [each, replaced(each, deed)])) })
    },
    regenerateAll: (deed = operatorDeed(time.now(), 'regenerates every slot')) =>
      set(Object.fromEntries(options.slots.map((slot) => [slot, replaced(slot, deed)]))),
    swap: (deed = operatorDeed(time.now(), 'swaps the slots')) => {
      const [one, other] = options.slots as [string, string]
      for (const slot of [one, other]) known.get(keys[slot]!)!.moved = deed
      set({ [one]: keys[other]!, [other]: keys[one]! })
    },
    accepts: (key) => {
      const { from, until } = known.get(key) ?? { from: Number.POSITIVE_INFINITY, until: 0 }
      return time.now() >= from && time.now() < until
    },
    facts: (key) => known.get(key),
    madeAt: (key) => known.get(key)!.made,
  }
}

/** The ring as a provider would answer it: two outputs that differ by slot, and one that is the same for all. */
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

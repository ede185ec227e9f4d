// Key slots with a history, which stale reads, slow propagation and lingering keys need.

import type { Kernel } from './kernel.ts'

interface Tenure {
  readonly key: string
  readonly from: number
  until?: number
}

/** The slots of one credential of one simulated resource. */
export interface KeySlots {
  /** Slot to key as of `at`; now, if not given. */
  keys(at?: number): Record<string, string>
  keyOf(slot: string, at?: number): string
  /** Makes a new key in one slot and returns it. `at`: when it took the other's place, if that is found only now. Default: now. */
  regenerate(slot: string, at?: number): string
  /** A key that the caller chose. */
  set(slot: string, key: string): void
  swap(one: string, other: string): void
  /** Whether the data plane accepts this key now, with faults applied. */
  accepts(key: string): boolean
  /** Every key the data plane accepts now: a signature does not name its key. */
  accepted(): readonly string[]
  /** When a key was made; undefined for one this resource never had. */
  madeAt(key: string): number | undefined
}

/**
 * Slots with their first keys, which count as known everywhere from the start. `mint` makes a key in the service's own
 * format.
 */
export function keySlots(kernel: Kernel, slots: readonly string[], mint: (slot: string) => string): KeySlots {
  const { tenures, made, put, keyOf } = slotHistory(kernel, slots)
  const first = new Set<string>()

  const mintKey = (slot: string): string => {
    const key = mint(slot)
    kernel.minted.add(key)
    return key
  }
  const propagated = (key: string, now: number): boolean =>
    first.has(key) || now >= made.get(key)! + kernel.faults.propagation(key)
  const accepted = (): readonly string[] => {
    const now = kernel.clock.now()
    const lives = ({ key, until }: Tenure) => until === undefined || now < until + kernel.faults.lingering(key)
    const held = [...tenures.values()].flatMap((history) => history.filter(lives).map(({ key }) => key))
    return [...new Set(held)].filter((key) => propagated(key, now))
  }

  for (const slot of slots) {
    const key = mintKey(slot)
    put(slot, key)
    first.add(key)
  }
  return {
    keys: (at) => Object.fromEntries(slots.map((slot) => [slot, keyOf(slot, at)])),
    keyOf,
    regenerate(slot, at) {
      keyOf(slot)
      const key = mintKey(slot)
      put(slot, key, at)
      return key
    },
    set(slot, key) {
      keyOf(slot)
      kernel.minted.add(key)
      put(slot, key)
    },
    swap(one, other) {
      const [a, b] = [keyOf(one), keyOf(other)]
      put(one, b)
      put(other, a)
    },
    accepts: (key) => accepted().includes(key),
    accepted,
    madeAt: (key) => made.get(key),
  }
}

/** Which key each slot held when, and when each key was made. */
function slotHistory({ clock }: Kernel, slots: readonly string[]) {
  const tenures = new Map<string, Tenure[]>()
  const made = new Map<string, number>()
  return {
    tenures,
    made,
    put(slot: string, key: string, now = clock.now()): void {
      const history = tenures.get(slot) ?? []
      const last = history.at(-1)
      if (last?.key === key) return
      if (last) last.until = now
      history.push({ key, from: now })
      tenures.set(slot, history)
      if (!made.has(key)) made.set(key, now)
    },
    keyOf(slot: string, at = clock.now()): string {
      const history = tenures.get(slot)
      if (!history) throw new TypeError(`no slot ${slot}; there are ${slots.join(', ')}`)
      // Nothing is older than the resource: a read that lags further back sees its first key.
      return (history.findLast(({ from }) => from <= at) ?? history[0]!).key
    },
  }
}

/** What every simulated resource with keys offers to tests. */
export interface ServiceHandle {
  /** ARM id, or the address of a hub or device. */
  readonly resourceId: string
  keys(): Record<string, string>
  keyOf(slot: string): string
  /** By the data plane's own rules, now. */
  accepts(key: string): boolean
  regenerateByHand(slot: string): void
  swapByHand?(): void
  /** Milliseconds since 1970. Throws TypeError for a key this resource never had. */
  madeAt(key: string): number
}

/** The handle of a resource whose slots are `slots`. `usable`: whether the service accepts keys at all now. */
export function serviceHandle(resourceId: string, slots: KeySlots, usable: () => boolean = () => true): ServiceHandle {
  return {
    resourceId,
    keys: () => slots.keys(),
    keyOf: (slot) => slots.keyOf(slot),
    accepts: (key) => usable() && slots.accepts(key),
    regenerateByHand: (slot) => void slots.regenerate(slot),
    madeAt(key) {
      const at = slots.madeAt(key)
      if (at === undefined) throw new TypeError(`${resourceId} never had this key`)
      return at
    },
  }
}

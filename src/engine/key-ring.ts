// A target's slots, in order, as the service holds them now.

import type { Secret } from './secret.ts'

/** The smallest unit a service can regenerate on its own: `Key1`, `primary`, `key`. */
export type KeySlot = string

/** What one slot yields, by output name: `key`, and where there is one `connectionString`, … */
export type Credential = Readonly<Record<string, Secret>>

/** Every slot of a target with its credential, in slot order. Each credential has at least the output `key`. */
export type KeyRing = Readonly<Record<KeySlot, Credential>>

/** The slots of a ring, in order. */
export function slotsOf(ring: KeyRing): readonly KeySlot[] {
  return Object.keys(ring)
}

/** The slot after `slot`, round the ring. On a ring of one that is the slot itself. */
export function nextSlot(ring: KeyRing, slot: KeySlot): KeySlot {
  const slots = slotsOf(ring)
  return slots[(slots.indexOf(slot) + 1) % slots.length]!
}

/** The ring's slot of this name. Microsoft's templates write `key1` where the service says `Key1`. */
export function slotNamed(ring: KeyRing, name: KeySlot | undefined): KeySlot | undefined {
  return name === undefined ? undefined : slotsOf(ring).find((slot) => slot.toLowerCase() === name.toLowerCase())
}

/** The slots whose `output` has this value now. Several where an output is the same for all, e.g. a workspace id. */
export function slotsHolding(ring: KeyRing, output: string, value: Secret): readonly KeySlot[] {
  return slotsOf(ring).filter((slot) => ring[slot]![output]?.equals(value))
}

/** The one slot among these. Undefined where there is none, or where an output that is the same for all says nothing. */
export function onlySlot(slots: readonly KeySlot[]): KeySlot | undefined {
  return slots.length === 1 ? slots[0] : undefined
}

/** Folds what a regenerate answered (perhaps one slot only) into the ring, keeping the slot order. */
export function fold(ring: KeyRing, answer: Partial<KeyRing>): KeyRing {
  return Object.fromEntries(slotsOf(ring).map((slot) => [slot, answer[slot] ?? ring[slot]!]))
}

/** The slots whose key differs between two reads of the same ring. */
export function slotsChanged(before: KeyRing, after: KeyRing): readonly KeySlot[] {
  return slotsOf(before).filter((slot) => !before[slot]!['key']!.equals(after[slot]?.['key']))
}

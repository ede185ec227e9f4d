// What promote and swap need before anything else: another slot, and a live key to start from.

import type { KeySlot } from '../../../engine/key-ring.ts'
import type { Preview } from '../../../engine/preview.ts'
import type { Target } from '../../../engine/target.ts'
import type { KeyProvider } from '../../../providers/provider.ts'
import { asDrifted, asNotSupported, asPaused } from './refusals.ts'

/** Throws RekeyError `NotSupported` where the service exchanges no slots. */
export function checkSwaps(target: Target, provider: KeyProvider): void {
  if (provider.can.swap) return
  throw asNotSupported(
    target,
    `${provider.title} cannot exchange its slots`,
    'Use promote instead: it works on every target with two keys.',
  )
}

/** Throws RekeyError `NotSupported` for a target with one slot. */
export function checkSlots(target: Target): void {
  if (target.slots.length > 1) return
  throw asNotSupported(target, 'this service has a single key, so there is no other slot', 'Use rotate.')
}

/** Throws RekeyError `Unmanaged`, `Paused`, or `Drifted` where there is nothing in the vault yet. */
export function checkMovable(target: Target, { plan, stored }: Preview): void {
  const paused = asPaused(target, plan?.reason)
  if (paused) throw paused
  if (stored === undefined) throw asDrifted(target, 'there is nothing in the vault yet')
}

/** The slot that is not active. Throws RekeyError `Drifted` where the vault holds no live key. */
export function slotToMoveTo(target: Target, seen: Preview): KeySlot {
  const active = seen.slot ?? settlingSlot(target, seen)
  if (active === undefined) throw asDrifted(target, 'the vault holds no live key of the resource')
  return otherSlot(target, active)
}

/** The slot recorded in the tags for a key so recent that the listing does not show it yet. */
function settlingSlot({ slots }: Target, { plan, stored }: Preview): KeySlot | undefined {
  return plan?.reason === 'settling' ? slots.find((slot) => slot === stored?.slot) : undefined
}

/** The slot that follows this one. */
export function otherSlot({ slots }: Target, slot: KeySlot): KeySlot {
  return slots[(slots.indexOf(slot) + 1) % slots.length]!
}

// How old the keys are, as the stamps of versions tell it, and what a check decides to write of that.

import type { KeyRing, KeySlot } from './key-ring.ts'
import type { Stamps, StoredSecret } from './observation.ts'
import { askedAt, hasTwoSlots, isOurs, liveSlots, madeAt, type Situation, slotHeldBy } from './situation.ts'
import type { Duration, Instant, Target } from './target.ts'

/** Stamps as a check decides them; whose they are, the reason and the actor are filled in by the act. */
export type Decided = Omit<Stamps, 'target' | 'pending' | 'announced' | 'behind'>

/** The output written last that holds a slot's live key: its key is what consumers have. The stamps, if it is ours. */
export function newestLive(at: Situation): { readonly slot: KeySlot; readonly stamps?: Decided } | undefined {
  const live = at.target.secrets.flatMap((secret) => {
    const stored = at.stored[secret.name]
    const slots = liveSlots(at.ring, secret, stored)
    // The same for all slots: then what is written beside it tells.
    const slot = slots.length === 1 ? slots[0] : slots.find((known) => known === stored?.slot)
    return stored && slot ? [{ stored, slot }] : []
  })
  const newest = live.toSorted((one, other) => other.stored.created - one.stored.created)[0]
  if (!newest) return undefined
  const { stored, slot } = newest
  if (!isOurs(at.target, stored)) return { slot }
  const { rotatedAt, createdAfter, standbyCreatedAfter, retire, proven } = stored.stamps!
  return { slot, stamps: known({ rotatedAt: rotatedAt ?? at.now, createdAfter, standbyCreatedAfter, retire, proven }) }
}

/**
 * The active key was live when a regenerate was asked for. If it is in no slot now, it was made anew after that. But the value
 * must be ours: one that somebody else wrote over it says nothing.
 */
export function remadeAt(at: Situation): Instant | undefined {
  const secret = at.target.secrets[0]
  const ours = isOurs(at.target, at.lead) ? at.lead : at.earlier[secret.name]
  return ours?.value && liveSlots(at.ring, secret, ours).length === 0 ? askedAt(at.stamps) : undefined
}

/** What is known of a live key that somebody else wrote, or wrote back: our earlier version may tell its age. */
export function adoptedStamps(at: Situation, active: KeySlot, lead: StoredSecret): Decided {
  if (isOurs(at.target, lead)) {
    return ages(at)
  }
  const former = at.earlier[lead.name]
  const formerSlot = slotHeldBy(at.ring, at.target.secrets[0], former)
  const other = madeAt(at.stamps) ?? at.stamps.standbyCreatedAfter
  if (!formerSlot) return { rotatedAt: lead.created }
  return formerSlot === active
    ? known({
        rotatedAt: at.stamps.rotatedAt ?? lead.created,
        createdAfter: at.stamps.createdAfter,
        standbyCreatedAfter: other,
      })
    : known({ rotatedAt: lead.created, createdAfter: other, standbyCreatedAfter: at.stamps.createdAfter })
}

/** What the lead's tags say of the two keys, for outputs that are brought in line with it. */
export function ages(at: Situation): Decided {
  const { rotatedAt, createdAfter, standbyCreatedAfter, retire } = at.stamps
  return known({ rotatedAt, createdAfter, standbyCreatedAfter, retire })
}

/** Leaves out what is not known: an absent stamp is not written. */
export function known(stamps: { [Name in keyof Decided]: Decided[Name] | undefined }): Decided {
  return Object.fromEntries(Object.entries(stamps).filter(([, value]) => value !== undefined))
}

/** How long consumers of the key before this one have: none where the change took that key along. */
export function overlapAfter(target: Target, ring: KeyRing, lead: StoredSecret): Duration | 'none' {
  const { reason, createdAfter, standbyCreatedAfter, retire } = lead.stamps ?? {}
  // After a revoke both keys are of one age, too: but a publish that moved slots left the key before alone.
  const tookBoth = createdAfter !== undefined && createdAfter === standbyCreatedAfter && !retire
  return !hasTwoSlots(ring) || reason === 'revoked' || tookBoth ? 'none' : target.overlap
}

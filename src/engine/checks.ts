// What to do next, decided from an observation alone: a list of named, pure checks; the first hit wins.
// The order is the specification (see docs/concepts.md). Change it only with a failing test.

import { adoptedStamps, ages, type Decided, known, newestLive, remadeAt } from './ages.ts'
import { inWindow, soonestDue } from './due.ts'
import { type KeySlot, slotsOf } from './key-ring.ts'
import type { Reason, Stamps, StoredSecret } from './observation.ts'
import { verdictLimit } from './proof.ts'
import { isExplicit } from './request.ts'
import { activeSurvives, standbySurvives, wasRotated } from './satisfied.ts'
import {
  askedAt,
  hasTwoSlots,
  isElsewhere,
  isOurs,
  liveSlots,
  madeAt,
  retiredAt,
  type Situation,
  slotHeldBy,
  standbyListedAt,
  standbySlot,
  unansweredSince,
} from './situation.ts'
import { clockBound, hours, type Instant, minutes, settle } from './target.ts'

export type Step =
  /** Write our tags on the secrets that already hold this slot's credential. */
  | { readonly do: 'describe'; readonly slot: KeySlot; readonly stamps: Decided }
  /**
   * Write a slot's credential as new current versions. `pick`: `given`, the first slot as it is; `first accepted`, else
   * the first slot: the vault holds nothing that works; `only accepted`: a live key is in the vault, leave it rather than publish
   * one that the service refuses.
   */
  | {
      readonly do: 'publish'
      readonly slots: readonly [KeySlot, ...KeySlot[]]
      readonly pick: 'given' | 'first accepted' | 'only accepted'
      readonly stamps: Decided
      /** What the caller said whose publish is finished. */
      readonly note?: string
    }
  | {
      readonly do: 'regenerate'
      readonly slot: KeySlot
      readonly after: 'publish' | 'retire'
      readonly what: 'slot' | 'ring'
    }
  | { readonly do: 'swap'; readonly to: KeySlot }
  /** Write beside the secrets which slot holds their key now, and take a record of asking back. */
  | { readonly do: 'rename'; readonly slot: KeySlot }
  | { readonly do: 'announce' }

export type StepOf<Kind extends Step['do']> = Extract<Step, { do: Kind }>

export interface Plan {
  readonly reason: Reason
  /** Absent: nothing can be done now. */
  readonly step?: Step
  /** When something can. Absent with no step: a person has to act first. */
  readonly until?: Instant
}

export type Check = (at: Situation) => Plan | undefined

/** In order of urgency. A name begins with its reason; what follows a colon tells apart checks that share one. */
export const checks: readonly (readonly [name: string, check: Check])[] = [
  ['adopted', absent],
  ['unmanaged', unmanaged],
  ['paused', paused],
  ['settling', settling],
  ['interrupted', interrupted],
  ['drifted', drifted],
  ['adopted: tags', untagged],
  ['drifted: outputs', outputsDiffer],
  ['revoked', activeRevoked],
  ['pending', pending],
  ['revoked: standby', standbyRevoked],
  ['unannounced', unannounced],
  ['promoted', promoted],
  ['swapped', swapped],
  ['requested', requested],
  ['due', due],
  ['retiring', retiring],
  ['interrupted: record', misrecorded],
]

/** What to do next; undefined when nothing is left to do. `without` leaves checks out, for the proof that each is needed. */
export function plan(at: Situation, without: ReadonlySet<string> = new Set()): Plan | undefined {
  for (const [name, check] of checks) {
    if (without.has(name)) continue
    const found = check(at)
    if (found) return found
  }
  return undefined
}

/** A secret that exists, holds no live key of this resource, and shows no sign of ever having been ours is somebody else's. */
export function isUnmanaged(at: Situation, secret: { name: string; output: string }): boolean {
  const stored = at.stored[secret.name]
  if (!stored || at.target.adopt || liveSlots(at.ring, secret, stored).length > 0) return false
  if (isElsewhere(at.target, stored)) return true
  // An earlier version of ours means that somebody overwrote our secret, not that we came to theirs.
  return !isOurs(at.target, stored) && !at.earlier[secret.name]
}

function absent(at: Situation): Plan | undefined {
  // Another output may be somebody else's, or disabled by hand: then nothing is written to it.
  if (at.lead || unmanaged(at) || paused(at)) return undefined
  // Nor while one of ours is not in the listing yet: what it shows instead is older.
  if (unseenSecrets(at).length > 0 && !at.refused) return undefined
  const survivor = newestLive(at)
  const wished = at.target.initialSlot ?? at.request.promote?.slot
  const asked = slotsOf(at.ring).find((slot) => slot === wished)
  const first = (survivor?.stamps ? survivor.slot : asked) ?? survivor?.slot ?? at.hint
  return {
    reason: 'adopted',
    step: {
      do: 'publish',
      slots: startingWith(at, first),
      pick: 'first accepted',
      stamps: survivor?.stamps ?? { rotatedAt: at.now },
    },
  }
}

function unmanaged(at: Situation): Plan | undefined {
  return at.target.secrets.some((secret) => isUnmanaged(at, secret)) ? { reason: 'unmanaged' } : undefined
}

function paused(at: Situation): Plan | undefined {
  if (at.target.secrets.every(({ name }) => at.stored[name]?.enabled !== false)) return undefined
  const before = at.request.revokeBefore
  // A leaked key is disabled by hand first: that must not keep it alive.
  if (
    before !== undefined &&
    (!activeSurvives(at.stamps, before) || (hasTwoSlots(at.ring) && !standbySurvives(at.stamps, before)))
  )
    return undefined
  return { reason: 'paused', ...(isExplicit(at.request) ? { until: at.now + minutes(10) } : {}) }
}

function settling(at: Situation): Plan | undefined {
  const unseen = unseenSecrets(at)
  if (unseen.length > 0 && !at.refused) {
    return { reason: 'settling', until: Math.max(...unseen.map((stored) => stored.created)) + settle }
  }
  const asked = askedAt(at.stamps)
  if (asked === undefined || !at.active) return undefined
  const listed = asked + settle + clockBound
  if (at.now < listed) return { reason: 'settling', until: listed }
  if (at.underWayUntil === undefined || at.now >= at.underWayUntil) return undefined
  return {
    reason: 'settling',
    until: Math.min(at.now + Math.min(at.now - listed + minutes(1), minutes(15)), at.underWayUntil),
  }
}

/** Values we wrote lately that the listing does not show. The listing may be old, or they may be dead. */
export function unseenSecrets(at: Situation): readonly StoredSecret[] {
  return at.target.secrets.flatMap((secret) => {
    const stored = at.stored[secret.name]
    if (!stored?.value || !isOurs(at.target, stored) || at.now >= stored.created + settle) return []
    return liveSlots(at.ring, secret, stored).length === 0 ? [stored] : []
  })
}

function interrupted(at: Situation): Plan | undefined {
  if (!at.lead) return undefined
  for (const secret of at.target.secrets.slice(1)) {
    const ahead = at.stored[secret.name]
    const slot = slotHeldBy(at.ring, secret, ahead)
    if (!ahead || !slot || slot === at.active || ahead.created < at.lead.created) continue
    // Another client's value was no publish of ours.
    if (!isOurs(at.target, ahead)) continue
    if (!followsLead(at, ahead.stamps!)) continue
    const { rotatedAt, createdAfter, standbyCreatedAfter, retire, reason, actor, proven } = ahead.stamps!
    return {
      reason: 'interrupted',
      step: {
        do: 'publish',
        slots: [slot],
        pick: 'given',
        ...(ahead.note === undefined ? {} : { note: ahead.note }),
        stamps: known({
          rotatedAt: rotatedAt ?? at.stamps.rotatedAt ?? at.now,
          createdAfter,
          standbyCreatedAfter: standbyCreatedAfter ?? at.stamps.createdAfter,
          retire,
          reason,
          actor,
          proven,
        }),
      },
    }
  }
  return undefined
}

/**
 * Whether an output was written to replace the key that the lead holds now: then it says that key is the standby's from now on. A suspended
 * worker's late write replaces an older key, and its output is brought in line instead. Where the lead's key is dead, any live one is better;
 * where nothing is known of it, the output is younger.
 */
function followsLead(at: Situation, ahead: Stamps): boolean {
  return (
    at.active === undefined || at.stamps.target === undefined || ahead.standbyCreatedAfter === at.stamps.createdAfter
  )
}

function drifted(at: Situation): Plan | undefined {
  if (at.active) return undefined
  const asked = remadeAt(at)
  return {
    reason: at.stamps.target ? 'drifted' : 'adopted',
    step: {
      do: 'publish',
      slots: startingWith(at, at.hint),
      pick: 'first accepted',
      // Of another resource's keys nothing is known.
      stamps: isElsewhere(at.target, at.lead)
        ? { rotatedAt: at.now }
        : known({
            rotatedAt: asked ?? at.stamps.rotatedAt ?? at.now,
            createdAfter: asked ?? at.stamps.createdAfter,
            standbyCreatedAfter: madeAt(at.stamps) ?? at.stamps.standbyCreatedAfter,
          }),
    },
  }
}

function untagged(at: Situation): Plan | undefined {
  const { active, lead, target } = at
  if (!active || !lead) return undefined
  const holding = target.secrets.filter((secret) => liveSlots(at.ring, secret, at.stored[secret.name]).includes(active))
  if (holding.every((secret) => isOurs(target, at.stored[secret.name]))) return undefined
  return { reason: 'adopted', step: { do: 'describe', slot: active, stamps: adoptedStamps(at, active, lead) } }
}

function outputsDiffer(at: Situation): Plan | undefined {
  const { active } = at
  // Under a revoke, a lead that was disabled by hand holds the key to get rid of: it must not come back as a new version.
  if (!active || at.lead?.enabled === false) return undefined
  const differ = at.target.secrets.some((secret) => {
    const stored = at.stored[secret.name]
    return stored?.enabled !== false && !liveSlots(at.ring, secret, stored).includes(active)
  })
  if (!differ) return undefined
  return { reason: 'drifted', step: { do: 'publish', slots: [active], pick: 'given', stamps: ages(at) } }
}

function activeRevoked(at: Situation): Plan | undefined {
  const before = at.request.revokeBefore
  if (before === undefined || activeSurvives(at.stamps, before)) return undefined
  if (hasTwoSlots(at.ring) && standbySurvives(at.stamps, before))
    return move(at, 'revoked', { rotatedAt: at.standbyCreatedAfter })
  return regenerate(at, 'revoked', at.request.atOnce && hasTwoSlots(at.ring) ? 'ring' : 'slot')
}

function pending(at: Situation): Plan | undefined {
  const made = madeAt(at.stamps)
  return made !== undefined && hasTwoSlots(at.ring) ? move(at, 'pending', { rotatedAt: made }) : undefined
}

function standbyRevoked(at: Situation): Plan | undefined {
  const before = at.request.revokeBefore
  if (before === undefined || !hasTwoSlots(at.ring) || standbySurvives(at.stamps, before)) return undefined
  return { reason: 'revoked', step: { do: 'regenerate', slot: standbySlot(at), after: 'retire', what: 'slot' } }
}

function unannounced(at: Situation): Plan | undefined {
  const behind = Object.values(at.stored).some((stored) => isOurs(at.target, stored) && stored?.stamps?.behind)
  const news = behind || untold(at).length > 0 || retiredAt(at.stamps) !== undefined
  return news ? { reason: 'unannounced', step: { do: 'announce' } } : undefined
}

/** Versions nobody was told of: the lead, and outputs repaired after it. Those of the lead's own publish are told with it. */
export function untold(at: Situation): readonly StoredSecret[] {
  const { lead } = at
  return at.target.secrets.flatMap(({ name }) => {
    const stored = at.stored[name]
    if (!stored || !lead || stored.stamps?.announced) return []
    return stored === lead || stored.created > lead.created ? [stored] : []
  })
}

function promoted(at: Situation): Plan | undefined {
  const wish = at.request.promote
  if (!wish || !hasTwoSlots(at.ring) || wish.slot !== standbySlot(at) || wish.from !== at.lead?.version)
    return undefined
  return move(at, 'promoted', {})
}

function swapped(at: Situation): Plan | undefined {
  const wish = at.request.swap
  if (!wish || !hasTwoSlots(at.ring) || wish.slot !== standbySlot(at) || wish.from !== at.lead?.version)
    return undefined
  return { reason: 'swapped', step: { do: 'swap', to: wish.slot } }
}

function requested(at: Situation): Plan | undefined {
  const after = at.request.createdAfter
  if (after === undefined || wasRotated(at.stamps, after)) return undefined
  if (hasTwoSlots(at.ring) && at.standbyCreatedAfter >= after)
    return move(at, 'requested', { rotatedAt: at.standbyCreatedAfter })
  if (!at.request.force && at.now < coolAt(at)) return { reason: 'cooling', until: coolAt(at) }
  return regenerate(at, 'requested')
}

/** Whoever says that a secret has expired may be late, or a liar. */
function ignoresWindow({ request, target, stored, now }: Situation): boolean {
  return request.ignoreWindow === true && target.secrets.some(({ name }) => (stored[name]?.expiresOn ?? now + 1) <= now)
}

/** Whoever asks for a repair asks for no new key. */
function isRepairOnly({ request }: Situation): boolean {
  return request.comparedAfter !== undefined
}

function due(at: Situation): Plan | undefined {
  if (isRepairOnly(at)) return undefined
  if (!at.lead || at.now < soonestDue(at.target, at.lead, Object.values(at.stored))) return undefined
  const open = ignoresWindow(at) || !at.target.window || inWindow(at.target.window, at.now)
  if (!open) return undefined
  if (at.now < coolAt(at)) return { reason: 'cooling', until: coolAt(at) }
  return regenerate(at, 'due')
}

function retiring(at: Situation): Plan | undefined {
  const after = at.target.retireAfter
  if (
    isRepairOnly(at) ||
    after === undefined ||
    !hasTwoSlots(at.ring) ||
    !at.stamps.retire ||
    at.now < at.published + after
  )
    return undefined
  return { reason: 'retiring', step: { do: 'regenerate', slot: standbySlot(at), after: 'retire', what: 'slot' } }
}

/**
 * A record of asking of which nothing came, or of a swap, which may have left `CredentialId` behind. Every listing shows the
 * truth by now; with the record left, the target would never be finished.
 */
function misrecorded(at: Situation): Plan | undefined {
  if (!at.active || (askedAt(at.stamps) === undefined && !isForgotten(at))) return undefined
  return { reason: 'interrupted', step: { do: 'rename', slot: at.active } }
}

/** A promote waited for a verdict, and its request is gone: it would have been published without one by now. */
function isForgotten(at: Situation): boolean {
  const since = unansweredSince(at.stamps)
  return madeAt(at.stamps) === undefined && since !== undefined && at.now >= since + verdictLimit.rotation + hours(1)
}

/** Until then consumers may still hold the key before the current one, which a rotation regenerates. */
function coolAt(at: Situation): Instant {
  if (!hasTwoSlots(at.ring)) return Number.NEGATIVE_INFINITY
  return at.published + at.target.overlap + clockBound
}

function regenerate(at: Situation, reason: Reason, what: 'slot' | 'ring' = 'slot'): Plan {
  return { reason, step: { do: 'regenerate', slot: standbySlot(at), after: 'publish', what } }
}

/** Publishes the standby slot's present key, once every listing must show it. */
function move(at: Situation, reason: Reason, extra: Decided): Plan {
  const settled = standbyListedAt(at.stamps)
  if (at.now < settled) return { reason, until: settled }
  const stamps = known({
    rotatedAt: at.stamps.rotatedAt,
    createdAfter: madeAt(at.stamps) ?? at.stamps.standbyCreatedAfter,
    standbyCreatedAfter: at.stamps.createdAfter,
    retire: true,
    ...extra,
  })
  return { reason, step: { do: 'publish', slots: [standbySlot(at)], pick: 'only accepted', stamps } }
}

function startingWith(at: Situation, first: KeySlot): readonly [KeySlot, ...KeySlot[]] {
  return [first, ...slotsOf(at.ring).filter((slot) => slot !== first)]
}

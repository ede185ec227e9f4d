// Every computation with time: how old the keys are by the tags, when something must be listed, and when something may be done. Checks and steps
// compare with these moments, and do not compute.

import { soonestDue } from './due.ts'
import { type KeySlot, onlySlot, slotsHolding } from './key-ring.ts'
import { verdictLimit } from './probe.ts'
import type { State } from './state.ts'
import type { Stamps, StoredSecret } from './stored-secret.ts'
import { clockBound, type Duration, days, hours, type Instant, minutes, settle, type Target } from './target.ts'

const unknownAge = Number.NEGATIVE_INFINITY
/** A change that the resource reports is asked about again after as long as was waited already, and this, … */
const operationCheck: Duration = minutes(1)
/** … but not more seldom. */
const longestOperationCheck: Duration = minutes(15)
/** How long a failure is shown that no reconcile has found to be over. */
const failureShown: Duration = days(1)

const forgottenAfter: Duration = verdictLimit.rotation + hours(1)

/** Fields of the tag as a check decides them. Whose they are, the reason and the actor are filled in by the step. */
export type Decided = Omit<Stamps, 'target' | 'pending' | 'announced' | 'behind'>

/** The moments that decisions compare with, and what follows from how old the keys are. */
export interface Ages {
  /** A lower bound of when a key is created that is regenerated now: no clock is ahead of it, nor a moment that the request names. */
  readonly createdFrom: Instant
  /** A lower bound of when the standby's key was created. */
  readonly standbyCreatedAfter: Instant
  /** From when on the target is due. Undefined without a lead. */
  readonly dueAt: Instant | undefined
  /** Until then consumers may still hold the key before the current one, which a rotation regenerates. */
  readonly coolAt: Instant
  /** How long consumers of the key before the current one have; `none` where the change took that key along. Undefined without a lead. */
  readonly overlap: Duration | 'none' | undefined
  /** When the key before the current one may be retired; undefined: never. */
  readonly retiresAt: Instant | undefined
  /** When every listing must show the values that we wrote lately. Undefined: none is unseen. */
  readonly unseenUntil: Instant | undefined
  /** When every listing must show what came of a regenerate or a swap whose end is not recorded. */
  readonly requestListedAt: Instant | undefined
  /** When the resource is asked again whether a change of it is over. Undefined: none is under way. */
  readonly operationCheckAt: Instant | undefined
  /** When every listing must show the active, and the standby's key. */
  readonly activeListedAt: Instant
  readonly standbyListedAt: Instant
  /** When a key was created that waits to be published. */
  readonly pendingSince: Instant | undefined
  /** Since when no probe has given a verdict on a key that waits to be published. */
  readonly unansweredSince: Instant | undefined
  /** When a standby key was retired that is not announced yet. */
  readonly retiredAt: Instant | undefined
  readonly expired: boolean
  /** The key is older than the request's `revokeBefore`. */
  readonly activeRevoked: boolean
  readonly standbyRevoked: boolean
  /** The request's `createdAfter` is met, by the active key or by one that a promote has gone back from. */
  readonly rotated: boolean
  /** The standby's key meets the request's `createdAfter`. */
  readonly standbyNewEnough: boolean
  /** A promote waited for a verdict, and its request is gone: the key would have been published without one by now. */
  readonly promoteForgotten: boolean
  /** The failure beside the lead has been shown long enough, or was one of reading. */
  readonly failureOver: boolean
}

/** All moments of a state. Pure. */
export function agesOf(state: Omit<State, 'ages'>): Ages {
  const { target, request, now, stamps, stored, lead, secrets, twoSlots } = state
  const versions = Object.values(stored)
  const published = Math.max(...secrets.map((secret) => secret.stored?.created ?? unknownAge))
  const { createdAfter, revokeBefore } = request
  const standbyCreatedAfter = standbySince(stamps)
  const { retireAfter } = target
  return {
    createdFrom: Math.max(now - clockBound, createdAfter ?? 0, revokeBefore ?? 0),
    standbyCreatedAfter,
    coolAt: twoSlots ? published + target.overlap + clockBound : unknownAge,
    overlap: lead && overlapAfter(target, twoSlots, lead),
    retiresAt: retireAfter === undefined || !twoSlots || !stamps.retire ? undefined : published + retireAfter,
    ...listings(state),
    activeListedAt: listedAt(activeSince(stamps), {}),
    standbyListedAt: listedAt(standbyCreatedAfter, stamps),
    pendingSince: sinceIn(stamps, 'created'),
    unansweredSince: unansweredSince(stamps),
    retiredAt: sinceIn(stamps, 'retired'),
    expired: versions.some((version) => (version?.expiresOn ?? now + 1) <= now),
    activeRevoked: revokeBefore !== undefined && !activeSurvives(stamps, revokeBefore),
    standbyRevoked: revokeBefore !== undefined && twoSlots && !standbySurvives(stamps, revokeBefore),
    rotated: createdAfter === undefined || wasRotated(stamps, createdAfter),
    standbyNewEnough: createdAfter !== undefined && twoSlots && standbyCreatedAfter >= createdAfter,
    promoteForgotten: stamps.pending?.state === 'unanswered' && now >= stamps.pending.since + forgottenAfter,
    dueAt: lead && soonestDue(target, lead, versions),
    failureOver: secrets[0]!.ours && stamps.failed !== undefined && !isShown(stamps.failed, now),
  }
}

/** Whether a listing that is read now may be older than a value written then. */
export function mayBeUnlisted(created: Instant, now: Instant): boolean {
  return now < created + settle
}

function listings({
  now,
  active,
  stamps,
  secrets,
  underWayUntil,
}: Omit<State, 'ages'>): Pick<Ages, 'unseenUntil' | 'requestListedAt' | 'operationCheckAt'> {
  const unseen = secrets.flatMap(({ unseen, stored }) => (unseen && stored ? [stored.created] : []))
  const requested = active === undefined ? undefined : sinceIn(stamps, 'requested')
  const listed = requested === undefined ? undefined : requested + settle + clockBound
  const underWay = listed !== undefined && underWayUntil !== undefined && now >= listed && now < underWayUntil
  const pause = underWay ? Math.min(now - listed + operationCheck, longestOperationCheck) : 0
  return {
    unseenUntil: unseen.length === 0 ? undefined : Math.max(...unseen) + settle,
    requestListedAt: listed,
    operationCheckAt: underWay ? Math.min(now + pause, underWayUntil) : undefined,
  }
}

/** When the tag says that what is pending began, if it is this. */
export function sinceIn({ pending }: Aged, state: NonNullable<Stamps['pending']>['state']): Instant | undefined {
  return pending?.state === state ? pending.since : undefined
}

/** Since when no probe has given a verdict on a key that waits to be published. */
function unansweredSince(stamps: Aged): Instant | undefined {
  return stamps.pending?.state === 'created' ? stamps.pending.unanswered : sinceIn(stamps, 'unanswered')
}

/** What was asked for was not done: that is shown for a day, whatever a resync finds. */
export function isShown(failed: Stamps['failed'], now: Instant): boolean {
  return failed !== undefined && failed.step !== 'observe' && now < failed.at + failureShown
}

/** What the lead's tag says of the keys' ages. */
export type Aged = Partial<
  Pick<Stamps, 'createdAfter' | 'standbyCreatedAfter' | 'pending' | 'took' | 'reason' | 'retire'>
>

function activeSince({ createdAfter }: Aged): Instant {
  return createdAfter ?? unknownAge
}

function standbySince(stamps: Aged): Instant {
  return Math.max(stamps.standbyCreatedAfter ?? unknownAge, sinceIn(stamps, 'created') ?? unknownAge)
}

/**
 * When every listing must show a key. Its age is a lower bound, taken before the regenerate was sent; what that took comes
 * on top, or a listing from before a long operation's end would pass for a current one.
 */
export function listedAt(since: Instant, { took = 0 }: Pick<Aged, 'took'>): Instant {
  return since + took + settle + clockBound
}

/**
 * Whether a key that is new enough for `after` is active, or was until a promote went back from it: the standby slot still holds it then
 * (`retire`). That decision is younger than the request, so a late copy of the request must not undo it. The request's moment decides, so
 * the same request twice is one rotation.
 */
export function wasRotated(stamps: Aged, after: Instant): boolean {
  if (activeSince(stamps) >= after) return true
  return stamps.reason === 'promoted' && stamps.retire === true && (stamps.standbyCreatedAfter ?? unknownAge) >= after
}

/** Clocks differ by up to ε: two moments less than that apart cannot be put in order. */
function isAsNew(age: Instant, moment: Instant): boolean {
  return age > moment - clockBound
}

/**
 * Whether the active key may stay after a revoke. It is exact, unless a revoke published the key: a second revoke less than ε after the first
 * is the same one, and would kill the key that was just published.
 */
export function activeSurvives(stamps: Aged, before: Instant): boolean {
  const age = activeSince(stamps)
  return age >= before || (stamps.reason === 'revoked' && isAsNew(age, before))
}

/** The same of the standby's key, where the revoke that published the active one has created it: no consumer was given it. */
export function standbySurvives(stamps: Aged, before: Instant): boolean {
  const age = standbySince(stamps)
  // A key that waits to be published was created for another request, after that revoke.
  const waits = stamps.pending?.state === 'created'
  return age >= before || (stamps.reason === 'revoked' && !stamps.retire && !waits && isAsNew(age, before))
}

/** How long consumers of the key before this one have: none where the change took that key along. */
export function overlapAfter(target: Target, twoSlots: boolean, lead: StoredSecret): Duration | 'none' {
  const { reason, createdAfter, standbyCreatedAfter, retire } = lead.stamps ?? {}
  // After a revoke both keys are of one age, too: but a publish that moved slots left the key before alone.
  const tookBoth = createdAfter !== undefined && createdAfter === standbyCreatedAfter && !retire
  return !twoSlots || reason === 'revoked' || tookBoth ? 'none' : target.overlap
}

/** The output written last that holds a slot's live key: its key is what consumers have. The ages, if it is ours. */
export function newestLive(state: State): { readonly slot: KeySlot; readonly stamps?: Decided } | undefined {
  const live = state.secrets.flatMap(({ stored, live: slots, slot, ours }) => {
    // The same for all slots: then the slot written beside it decides.
    const held = slot ?? slots.find((known) => known === stored?.slot)
    return stored && held ? [{ stored, slot: held, ours }] : []
  })
  const newest = live.toSorted((one, other) => other.stored.created - one.stored.created)[0]
  if (!newest?.ours) return newest && { slot: newest.slot }
  const { rotatedAt, createdAfter, standbyCreatedAfter, retire, proven } = newest.stored.stamps!
  const stamps = { rotatedAt: rotatedAt ?? state.now, createdAfter, standbyCreatedAfter, retire, proven }
  return { slot: newest.slot, stamps: known(stamps) }
}

/** The ages of an interrupted publish, as the output that it reached says them. */
export function interruptedAges({ stamps, now }: State, ahead: Stamps): Decided {
  const { rotatedAt, createdAfter, standbyCreatedAfter, retire, reason, actor, proven } = ahead
  return known({
    rotatedAt: rotatedAt ?? stamps.rotatedAt ?? now,
    createdAfter,
    standbyCreatedAfter: standbyCreatedAfter ?? stamps.createdAfter,
    retire,
    reason,
    actor,
    proven,
  })
}

/** What is known of a live key that is published because the vault's is dead. Of another resource's keys nothing is. */
export function driftedAges(state: State): Decided {
  const { stamps, now, ages, elsewhere } = state
  if (elsewhere) return { rotatedAt: now }
  const recreated = recreatedAfter(state)
  return known({
    rotatedAt: recreated ?? stamps.rotatedAt ?? now,
    createdAfter: recreated ?? stamps.createdAfter,
    standbyCreatedAfter: ages.pendingSince ?? stamps.standbyCreatedAfter,
  })
}

/**
 * The active key was live when a regenerate was requested. If it is in no slot now, it was created anew after that. But the value
 * must be ours: one that another client wrote over it says nothing.
 */
function recreatedAfter({ secrets, earlier, lead, ring, stamps }: State): Instant | undefined {
  const { name, output, ours } = secrets[0]!
  const value = (ours ? lead : earlier[name])?.value
  return value && slotsHolding(ring, output, value).length === 0 ? sinceIn(stamps, 'requested') : undefined
}

/** What is known of a live key that another client wrote, or wrote back: our earlier version may have its age. */
export function adoptedAges(state: State, active: KeySlot, lead: StoredSecret): Decided {
  const { stamps, earlier, secrets, ring, ages } = state
  const { output, ours } = secrets[0]!
  if (ours) return leadAges(state)
  const former = earlier[lead.name]?.value
  const held = former && onlySlot(slotsHolding(ring, output, former))
  if (held === undefined) return { rotatedAt: lead.created }
  const other = ages.pendingSince ?? stamps.standbyCreatedAfter
  return held === active
    ? known({
        rotatedAt: stamps.rotatedAt ?? lead.created,
        createdAfter: stamps.createdAfter,
        standbyCreatedAfter: other,
      })
    : known({ rotatedAt: lead.created, createdAfter: other, standbyCreatedAfter: stamps.createdAfter })
}

/** What the lead's tag says of the two keys, for outputs that are brought in line with it. */
export function leadAges({ stamps: { rotatedAt, createdAfter, standbyCreatedAfter, retire } }: State): Decided {
  return known({ rotatedAt, createdAfter, standbyCreatedAfter, retire })
}

/** The ages once the standby slot is the active one. A promote leaves `rotatedAt` as it is: the due date stays. */
export function movedAges({ stamps, ages }: State, rotatedAt: Instant | undefined): Decided {
  return known({
    rotatedAt: rotatedAt ?? stamps.rotatedAt,
    createdAfter: ages.pendingSince ?? stamps.standbyCreatedAfter,
    standbyCreatedAfter: stamps.createdAfter,
    retire: true,
  })
}

/** Leaves out what is not known: an absent field is not written. */
function known(stamps: { [Name in keyof Decided]: Decided[Name] | undefined }): Decided {
  return Object.fromEntries(Object.entries(stamps).filter(([, value]) => value !== undefined))
}

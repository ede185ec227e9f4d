// The specification: what to do next, decided from the state alone. An ordered list of named checks; the first that applies decides. Each is a
// condition and a decision. What a state means is in state.ts, what is computed with time in ages.ts. Change the order only with a failing test.

import { adoptedAges, type Decided, driftedAges, interruptedAges, leadAges, movedAges, newestLive } from './ages.ts'
import { inWindow } from './due.ts'
import { type KeySlot, slotsOf } from './key-ring.ts'
import type { SecretState, State } from './state.ts'
import type { Reason } from './stored-secret.ts'
import type { Instant } from './target.ts'

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
  /** Write down that a regenerate whose end nobody saw has created the standby's key. */
  | { readonly do: 'record'; readonly slot: KeySlot }
  /** Write beside the secrets which slot holds their key now, and take a record of a request back. */
  | { readonly do: 'rename'; readonly slot: KeySlot }
  | { readonly do: 'announce' }

export type StepOf<Kind extends Step['do']> = Extract<Step, { do: Kind }>

export type Decision =
  | { readonly kind: 'step'; readonly reason: Reason; readonly step: Step }
  /** Nothing can be done until then. */
  | { readonly kind: 'wait'; readonly reason: Reason; readonly until: Instant }
  /** Nothing can be done until an operator acts. */
  | { readonly kind: 'blocked'; readonly reason: Reason }
  | { readonly kind: 'done' }

export type Check = (state: State) => Decision | undefined

/** In order of urgency. A name begins with its reason; what follows a colon distinguishes checks that share one. */
export const checks: readonly (readonly [name: string, check: Check])[] = [
  ['adopted', absent],
  ['unmanaged', unmanaged],
  ['paused', paused],
  ['settling', settling],
  ['interrupted', interrupted],
  ['drifted', drifted],
  ['adopted: tags', untagged],
  ['drifted: outputs', outputsDiffer],
  ['interrupted: created', createdUnseen],
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

const done: Decision = { kind: 'done' }

/** What to do next. `without` leaves checks out, for the proof that each is needed. */
export function decide(state: State, without: ReadonlySet<string> = new Set()): Decision {
  if (state.held) return { kind: 'wait', ...state.held }
  if (state.swapped) return done
  for (const [name, check] of checks) {
    if (without.has(name)) continue
    const decision = check(state)
    if (decision) return decision
  }
  return done
}

/**
 * The lead does not exist: the service's key is published. Not while another secret is unmanaged or paused, for it would be written too; nor
 * while the listing may be older than another secret of ours.
 */
function absent(state: State): Decision | undefined {
  const { lead, ages, vaultRefused } = state
  if (lead || unmanaged(state) || paused(state)) return undefined
  if (ages.unseenUntil !== undefined && !vaultRefused) return undefined
  const survivor = newestLive(state)
  const wanted = state.target.initialSlot ?? state.request.promote?.slot
  const asked = slotsOf(state.ring).find((slot) => slot === wanted)
  const first = (survivor?.stamps ? survivor.slot : asked) ?? survivor?.slot ?? state.hint
  return firstAccepted(state, 'adopted', first, survivor?.stamps ?? { rotatedAt: state.now })
}

/** A secret holds something else, and nothing says that it was ever ours: an operator has to correct the name, or to let it be adopted. */
function unmanaged({ secrets }: State): Decision | undefined {
  return secrets.some((secret) => secret.unmanaged) ? { kind: 'blocked', reason: 'unmanaged' } : undefined
}

/** An operator disabled a secret. A revoke that is not carried out yet goes on: a leaked key is disabled first, and must not live on. */
function paused({ secrets, ages }: State): Decision | undefined {
  if (secrets.every(({ stored }) => stored?.enabled !== false)) return undefined
  if (ages.activeRevoked || ages.standbyRevoked) return undefined
  return { kind: 'blocked', reason: 'paused' }
}

/** The listing may be older than what was written or sent last. Unless the service refuses the vault's value: then the value is dead. */
function settling(state: State): Decision | undefined {
  const { unseenUntil, requestListedAt, operationCheckAt } = state.ages
  if (unseenUntil !== undefined && !state.vaultRefused) return settlingUntil(state, unseenUntil)
  if (requestListedAt !== undefined && state.now < requestListedAt) return settlingUntil(state, requestListedAt)
  return operationCheckAt === undefined ? undefined : settlingUntil(state, operationCheckAt)
}

/** A swap that is done, by the listing and by what is written down, does not wait: kept alive, its request would undo a later one. */
function settlingUntil({ request: { swap }, active, lead }: State, until: Instant): Decision {
  const isSwapped = swap !== undefined && swap.slot === active && swap.slot === lead?.slot && swap.from === lead.version
  return isSwapped ? done : { kind: 'wait', reason: 'settling', until }
}

/** A publish stopped half-way: another secret holds the key of another slot, and was written to replace the lead's. It is finished. */
function interrupted(state: State): Decision | undefined {
  const ahead = state.secrets.slice(1).find((secret) => isAhead(state, secret))
  if (!ahead?.slot) return undefined
  const { note, stamps } = ahead.stored!
  return act('interrupted', {
    do: 'publish',
    slots: [ahead.slot],
    pick: 'given',
    stamps: interruptedAges(state, stamps!),
    ...(note === undefined ? {} : { note }),
  })
}

/**
 * Whether an output was written to replace the key that the lead holds now: then it says that this key is the standby's from now on. A suspended
 * worker's late write replaces an older key, and its output is brought in line instead. Where the lead's key is dead, any live one is better;
 * where nothing is known of it, the output is younger.
 */
function isAhead({ lead, active, stamps }: State, { stored, slot, ours }: SecretState): boolean {
  if (!lead || !stored || !slot || !ours || slot === active || stored.created < lead.created) return false
  const replacesLead = stored.stamps!.standbyCreatedAfter === stamps.createdAfter
  return active === undefined || stamps.target === undefined || replacesLead
}

/** The vault's value is no live key: one that the service accepts is published. Nothing is regenerated. */
function drifted(state: State): Decision | undefined {
  if (state.active) return undefined
  const reason = state.stamps.target ? 'drifted' : 'adopted'
  return firstAccepted(state, reason, state.hint, driftedAges(state))
}

/** The value is live, and the tags are not ours: only they are written. */
function untagged(state: State): Decision | undefined {
  const { active, lead, secrets } = state
  if (!active || !lead) return undefined
  if (secrets.every(({ live, ours }) => ours || !live.includes(active))) return undefined
  return act('adopted', { do: 'describe', slot: active, stamps: adoptedAges(state, active, lead) })
}

/** An output differs from the lead's slot, or is missing: it is brought in line. */
function outputsDiffer(state: State): Decision | undefined {
  const { active, lead, secrets } = state
  // Under a revoke, a lead that was disabled by hand holds the key to get rid of: it must not come back as a new version.
  if (!active || lead?.enabled === false) return undefined
  if (secrets.every(({ stored, live }) => stored?.enabled === false || live.includes(active))) return undefined
  return act('drifted', { do: 'publish', slots: [active], pick: 'given', stamps: leadAges(state) })
}

/** A regenerate was requested and its end is not recorded, and the resource says that it has created the key: that is recorded, and no other one sent. */
function createdUnseen({ requestedKeyCreatedAt, standby, stamps, secrets }: State): Decision | undefined {
  if (requestedKeyCreatedAt === undefined || stamps.pending?.state !== 'requested' || !secrets[0]!.ours)
    return undefined
  return act('interrupted', { do: 'record', slot: standby! })
}

/** The active key is older than the revoke: the standby's key replaces it if it is new enough, else a new one. */
function activeRevoked(state: State): Decision | undefined {
  const { ages, twoSlots, request } = state
  if (!ages.activeRevoked) return undefined
  if (twoSlots && !ages.standbyRevoked) return move(state, 'revoked', ages.standbyCreatedAfter)
  return regenerate(state, 'revoked', request.atOnce && twoSlots ? 'ring' : 'slot')
}

/** A new key was created and not published, because the service did not accept it yet. It is tried again, and never regenerated. */
function pending(state: State): Decision | undefined {
  const { pendingSince } = state.ages
  return pendingSince === undefined || !state.twoSlots ? undefined : move(state, 'pending', pendingSince)
}

/** The standby's key is older than the revoke: it is regenerated, and nothing is published. */
function standbyRevoked({ ages, standby }: State): Decision | undefined {
  return ages.standbyRevoked ? retire('revoked', standby!) : undefined
}

/** A version, or a retired key, is not announced yet. A topic that refuses for good is passed over. */
function unannounced(state: State): Decision | undefined {
  if (state.topicRefused) return undefined
  const covers = state.secrets.some(({ ours, stored }) => ours && stored?.stamps?.behind)
  if (!covers && state.ages.retiredAt === undefined && unannouncedIn(state).length === 0) return undefined
  return act('unannounced', { do: 'announce' })
}

/** The other slot's present key is asked for, as long as the lead is the version that the request was made at. */
function promoted(state: State): Decision | undefined {
  return isAskedFor(state, state.request.promote) ? move(state, 'promoted', undefined) : undefined
}

/**
 * The active key is asked for in the other slot, as long as the lead is the version that the request was made at. Where a swap ends the
 * other key for a moment, not before the overlap has passed.
 */
function swapped(state: State): Decision | undefined {
  const { ages, now, request, standby, swapEndsOther } = state
  if (!isAskedFor(state, request.swap)) return undefined
  if (swapEndsOther && now < ages.coolAt) return { kind: 'wait', reason: 'cooling', until: ages.coolAt }
  return act('swapped', { do: 'swap', to: standby! })
}

/** A newer key than the active one is asked for: the standby's if it is new enough, else a new one once the overlap has passed. */
function requested(state: State): Decision | undefined {
  const { now, request, ages } = state
  if (ages.rotated) return undefined
  if (ages.standbyNewEnough) return move(state, 'requested', ages.standbyCreatedAfter)
  if (!request.force && now < ages.coolAt) return { kind: 'wait', reason: 'cooling', until: ages.coolAt }
  return regenerate(state, 'requested', 'slot')
}

/** Past its time, inside its window, and the overlap has passed. Whoever asks for a repair asks for no new key. */
function due(state: State): Decision | undefined {
  const { now, request, ages } = state
  if (request.comparedAfter !== undefined || ages.dueAt === undefined || now < ages.dueAt) return undefined
  if (!isOpen(state)) return undefined
  if (now < ages.coolAt) return { kind: 'wait', reason: 'cooling', until: ages.coolAt }
  return regenerate(state, 'due', 'slot')
}

/** The last publish moved slots, and `retireAfter` has passed: the key before it is regenerated, and nothing is published. */
function retiring({ now, request, ages, standby }: State): Decision | undefined {
  if (request.comparedAfter !== undefined || ages.retiresAt === undefined || now < ages.retiresAt) return undefined
  return retire('retiring', standby!)
}

/**
 * A record of a regenerate of which nothing came, or of a swap, which may have left `CredentialId` behind; or of a promote whose request is
 * gone. Every listing shows the truth by now; with the record left, the target would never be finished.
 */
function misrecorded({ active, stamps, ages }: State): Decision | undefined {
  if (!active || (stamps.pending?.state !== 'requested' && !ages.promoteForgotten)) return undefined
  return act('interrupted', { do: 'rename', slot: active })
}

/** Versions that are not announced: the lead, and outputs repaired after it. Those of the lead's own publish are announced with it. */
export function unannouncedIn({ lead, secrets }: State): readonly SecretState[] {
  return secrets.filter(({ stored }) => {
    if (!stored || !lead || stored.stamps?.announced) return false
    return stored === lead || stored.created > lead.created
  })
}

function isAskedFor(
  { twoSlots, standby, lead }: State,
  desired: { readonly slot: KeySlot; readonly from: string } | undefined,
): boolean {
  return twoSlots && desired !== undefined && desired.slot === standby && desired.from === lead?.version
}

/** A request may ignore the window for a secret that has expired; that it has is not taken from whoever says so. */
function isOpen({ now, request, target: { window }, ages }: State): boolean {
  return window === undefined || (request.ignoreWindow === true && ages.expired) || inWindow(window, now)
}

function act(reason: Reason, step: Step): Decision {
  return { kind: 'step', reason, step }
}

function regenerate({ standby }: State, reason: Reason, what: 'slot' | 'ring'): Decision {
  return act(reason, { do: 'regenerate', slot: standby!, after: 'publish', what })
}

function retire(reason: Reason, standby: KeySlot): Decision {
  return act(reason, { do: 'regenerate', slot: standby, after: 'retire', what: 'slot' })
}

/** Publishes the standby slot's present key, once every listing must show it. */
function move(state: State, reason: Reason, rotatedAt: Instant | undefined): Decision {
  const { now, standby, ages } = state
  if (now < ages.standbyListedAt) return { kind: 'wait', reason, until: ages.standbyListedAt }
  const stamps = movedAges(state, rotatedAt)
  return act(reason, { do: 'publish', slots: [standby!], pick: 'only accepted', stamps })
}

/** Publishes the first key that the service accepts, this slot's first of all. */
function firstAccepted({ ring }: State, reason: Reason, first: KeySlot, stamps: Decided): Decision {
  const others = slotsOf(ring).filter((slot) => slot !== first)
  return act(reason, { do: 'publish', slots: [first, ...others], pick: 'first accepted', stamps })
}

// A key that is to replace a live one is tried; where it has to wait, that is recorded and, after an hour, announced.

import { listedAt } from '../ages.ts'
import { iso } from '../duration.ts'
import * as events from '../events.ts'
import { changedNothing } from '../failed-reconcile.ts'
import type { KeySlot } from '../key-ring.ts'
import { harmless } from '../lease-session.ts'
import { type Evidence, notifyAfter, permit, tryKey } from '../probe.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Context, reached, type State } from '../state.ts'
import type { Pending, Reason, Stamps } from '../stored-secret.ts'
import { days, type Instant } from '../target.ts'
import { withoutPending, writeTags } from './write.ts'

/** A key that may be published; `proven`: undefined where nothing was learned. */
export interface Allowed {
  readonly proven?: boolean
}

/** The key that waits, and when it was created if that is recorded; `kept`: the lead's stamps beside the record. */
export interface Candidate {
  readonly slot: KeySlot
  readonly active: KeySlot
  readonly reason: Reason
  readonly createdAfter?: Instant
  readonly kept: Stamps
}

/**
 * Tries a slot's key against the active one. With `Allowed` it may be published. Without, it has to wait: then the lead's tag says so, and the
 * state is held until it is tried again. Throws RekeyErrors.
 */
export async function tryOrWait(
  candidate: Candidate,
  state: State,
  context: Context,
): Promise<readonly [State, Allowed | undefined]> {
  const { slot, active, reason, createdAfter, kept } = candidate
  const tried = await tryKey(state, context, slot, active)
  const now = context.ports.clock.now()
  const unanswered = state.ages.unansweredSince
  const listed = createdAfter === undefined ? undefined : listedAt(createdAfter, kept)
  const permission = permit(tried.evidence, {
    now,
    proven: tried.accepted || kept.proven === true,
    unanswered,
    tried: listed ?? unanswered ?? now,
    kind: state.request.revokeBefore === undefined ? 'rotation' : 'revoke',
  })
  if (permission.publish) return [state, permission.proven === undefined ? {} : { proven: permission.proven }]
  const pending = pendingOf(createdAfter, permission.unanswered, state.lead!.stamps!)
  const stamps = { ...kept, ...(tried.accepted ? { proven: true } : {}) }
  const recorded = await record(pending, stamps, state, context)
  const since = createdAfter ?? permission.unanswered
  if (since === undefined) return [reached(context, recorded, { held: { reason, until: permission.until } }), undefined]
  const notified = await notify({ slot, since, evidence: tried.evidence }, recorded, context)
  // A listing may be as old as that, and shows another key in the slot.
  const until = Math.max(
    listed ?? now,
    now < since + notifyAfter ? Math.min(permission.until, since + notifyAfter) : permission.until,
  )
  return [reached(context, notified, { held: { reason, until } }), undefined]
}

function pendingOf(
  createdAfter: Instant | undefined,
  unanswered: Instant | undefined,
  { pending }: Stamps,
): Pending | undefined {
  const notified = isNotified(pending) ? { notified: true as const } : {}
  const waits = unanswered === undefined ? {} : { unanswered }
  if (createdAfter !== undefined) return { state: 'created', since: createdAfter, ...waits, ...notified }
  return unanswered === undefined ? undefined : { state: 'unanswered', since: unanswered, ...notified }
}

/** The lead's stamps beside a key that waits: its age is the standby's, and is not written twice. */
export function waitingStamps(kept: Stamps, pending: Extract<Pending, { state: 'created' }>): Stamps {
  const { standbyCreatedAfter: _, ...rest } = kept
  return { ...rest, pending }
}

/** The lead's tag says what waits, if it does not say so already. */
async function record(pending: Pending | undefined, kept: Stamps, state: State, context: Context): Promise<State> {
  const stamps =
    pending?.state === 'created'
      ? waitingStamps(kept, pending)
      : { ...withoutPending(kept), ...(pending ? { pending } : {}) }
  const written = state.lead!.stamps!
  // What a regenerate, a swap or a retirement left unfinished is finished by its own check first.
  const other = written.pending?.state === 'requested' || written.pending?.state === 'retired'
  if (other && pending?.state !== 'created') return state
  if (JSON.stringify(written.pending) === JSON.stringify(pending) && written.proven === stamps.proven) return state
  return writeTags(state, context, state.target.secrets[0], stamps)
}

function isNotified(pending: Pending | undefined): boolean {
  return pending !== undefined && 'notified' in pending && pending.notified === true
}

/** A key that waits, since when, and what its service says of it. */
interface Waiting {
  readonly slot: KeySlot
  readonly since: Instant
  readonly evidence: Evidence
}

/** Announces once that a key waits. A topic that refuses it does not keep the key from being tried again. */
async function notify({ slot, since, evidence }: Waiting, state: State, context: Context): Promise<State> {
  const { target, request } = state
  const { ports, session } = context
  const now = ports.clock.now()
  if (evidence === 'refused' && now >= since + days(1)) {
    const fields = { target: target.name, slot, created: iso(since) }
    ports.log('error', 'a new key is still refused by its service after a day', fields)
  }
  const stamps = state.lead!.stamps!
  if (isNotified(stamps.pending) || now < since + notifyAfter) return state
  const verdict = evidence === 'refused' ? evidence : 'unknown'
  const event = events.waiting(target, state.lead!, state.current, { slot, actor: request.actor, since, verdict, now })
  try {
    await harmless(() => session.effect(({ signal }) => ports.announcer.announce([event], signal)))
  } catch (error) {
    if (!(error instanceof RekeyError) || !changedNothing(error)) throw error
    ports.log('warn', 'could not announce that a key waits', { target: target.name, code: error.code })
    return state
  }
  const announced = reached(context, state, { eventId: event.id })
  const pending = { ...(stamps.pending as Extract<Pending, { state: 'created' }>), notified: true as const }
  return writeTags(announced, context, target.secrets[0], { ...stamps, pending })
}

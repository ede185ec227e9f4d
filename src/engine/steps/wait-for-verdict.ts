// A key that is to replace a live one is tried; where it has to wait, that is recorded and, after an hour, announced.

import { iso } from '../duration.ts'
import * as events from '../events.ts'
import { changedNothing } from '../failed-reconcile.ts'
import type { KeySlot } from '../key-ring.ts'
import { harmless } from '../lease-session.ts'
import type { Pending, Stamps } from '../observation.ts'
import { type Evidence, notifyAfter, permit } from '../proof.ts'
import { RekeyError } from '../rekey-error.ts'
import { type Situation, unansweredSince } from '../situation.ts'
import { clockBound, days, type Instant, leadOf, settle } from '../target.ts'
import { tryKey } from '../verify.ts'
import { currentIn, type Held, leadIn, tag, type Work, withoutPending } from '../work.ts'

/** A key that may be published; `proven`: undefined where nothing was learned. */
export interface Allowed {
  readonly proven?: boolean
}

/** The key that waits, and when it was made if that is recorded; `kept`: the lead's stamps beside the record. */
export interface Candidate {
  readonly slot: KeySlot
  readonly made?: Instant
  readonly kept: Stamps
}

/**
 * Tries a slot's key against the active one. Answers that it may be published, or until when it has to wait; then the lead's tag says that
 * it waits. Throws RekeyErrors.
 */
export async function tryOrWait(work: Work, at: Situation, candidate: Candidate): Promise<Allowed | Held> {
  const { slot, made, kept } = candidate
  const tried = await tryKey(work, slot, at.active!)
  const now = work.ports.clock.now()
  const unanswered = unansweredSince(leadIn(work).stamps!)
  const permission = permit(tried.evidence, {
    now,
    proven: tried.accepted || kept.proven === true,
    unanswered,
    tried: made === undefined ? (unanswered ?? now) : listedAt(made, kept),
    kind: work.request.revokeBefore === undefined ? 'rotation' : 'revoke',
  })
  if (permission.publish) return permission.proven === undefined ? {} : { proven: permission.proven }
  const since = made ?? permission.unanswered
  await record(work, pendingOf(made, permission.unanswered, leadIn(work).stamps!), {
    ...kept,
    ...(tried.accepted ? { proven: true } : {}),
  })
  if (since === undefined) return { until: permission.until }
  sayIfStuck(work, slot, tried.evidence, since)
  await notify(work, slot, tried.evidence, since)
  // A listing may be as old as that, and shows another key in the slot.
  const listed = made === undefined ? now : listedAt(made, kept)
  const due = since + notifyAfter
  return { until: Math.max(listed, now < due ? Math.min(permission.until, due) : permission.until) }
}

function listedAt(made: Instant, { took = 0 }: Stamps): Instant {
  return made + took + settle + clockBound
}

function pendingOf(
  made: Instant | undefined,
  unanswered: Instant | undefined,
  { pending }: Stamps,
): Pending | undefined {
  const notified = pending && 'notified' in pending && pending.notified ? { notified: true as const } : {}
  const waits = unanswered === undefined ? {} : { unanswered }
  if (made !== undefined) return { state: 'created', since: made, ...waits, ...notified }
  return unanswered === undefined ? undefined : { state: 'unanswered', since: unanswered, ...notified }
}

/** The lead's stamps beside a key that waits: how old it is says also how old the standby's key is, and a tag holds 512 characters. */
export function waitingStamps(kept: Stamps, pending: Extract<Pending, { state: 'created' }>): Stamps {
  const { standbyCreatedAfter: _, ...rest } = kept
  return { ...rest, pending }
}

/** The lead's tag says what waits, if it does not say so already. */
async function record(work: Work, pending: Pending | undefined, kept: Stamps): Promise<void> {
  const stamps =
    pending?.state === 'created'
      ? waitingStamps(kept, pending)
      : { ...withoutPending(kept), ...(pending ? { pending } : {}) }
  const written = leadIn(work).stamps!
  // What a regenerate, a swap or a retirement left unfinished is finished by its own check first.
  const other = written.pending?.state === 'requested' || written.pending?.state === 'retired'
  if (other && pending?.state !== 'created') return
  if (JSON.stringify(written.pending) === JSON.stringify(pending) && written.proven === stamps.proven) return
  await tag(work, leadOf(work.target), stamps)
}

function isNotified(work: Work): boolean {
  const { pending } = leadIn(work).stamps!
  return pending !== undefined && 'notified' in pending && pending.notified === true
}

/** Announces once that a key waits. A topic that refuses it does not keep the key from being tried again. */
async function notify(work: Work, slot: KeySlot, evidence: Evidence, since: Instant): Promise<void> {
  const { target, request, ports, session } = work
  const stamps = leadIn(work).stamps!
  const now = ports.clock.now()
  if (isNotified(work) || now < since + notifyAfter) return
  const facts = {
    slot,
    actor: request.actor,
    since,
    verdict: evidence === 'refused' ? evidence : 'unknown',
    now,
  } as const
  const event = events.waiting(target, leadIn(work), currentIn(work), facts)
  try {
    await harmless(() => session.effect(({ signal }) => ports.announcer.announce([event], signal)))
  } catch (error) {
    if (!(error instanceof RekeyError) || !changedNothing(error)) throw error
    ports.log('warn', 'could not announce that a key waits', { target: target.name, code: error.code })
    return
  }
  work.eventId = event.id
  await tag(work, leadOf(target), {
    ...stamps,
    pending: { ...(stamps.pending as Extract<Pending, { state: 'created' }>), notified: true },
  })
}

function sayIfStuck(work: Work, slot: KeySlot, evidence: Evidence, since: Instant): void {
  if (evidence !== 'refused' || work.ports.clock.now() < since + days(1)) return
  const fields = { target: work.target.name, slot, made: iso(since) }
  work.ports.log('error', 'a new key is still refused by its service after a day', fields)
}

// A target as the lists show it: what the tags of its secrets say, at this moment.

import { iso } from '../../../engine/duration.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { Instant, Target } from '../../../engine/target.ts'
import { firstOpen } from '../../../engine/window.ts'
import { assess, type Listed, type State } from '../../shared/assess.ts'
import type { KnownTarget } from '../../snapshot/known-targets.ts'
import { type EmbeddedError, taggedError } from '../embedded-error.ts'
import type { TargetSummary } from '../schemas/target-schema.ts'

/** Every status that a target may have. */
export const statuses = [
  'disabled',
  'new',
  'untagged',
  'unmanaged',
  'paused',
  'unfinished',
  'expired',
  'due',
  'closed',
  'current',
  'failed',
  'overdue',
  'unreadable',
  'unknown',
] as const satisfies readonly (State | 'failed' | 'overdue' | 'unreadable' | 'unknown')[]

/**
 * How a target stands, in one word for every route: `failed` and `overdue` go before what the tags say otherwise. `unreadable`: its vault cannot be
 * read; `unknown`: the schedule has not read it yet.
 */
export type Status = (typeof statuses)[number]

/** `state` is what the tags say, which decides what the next tick does; `lastError` the last failure, which a rotation that comes later clears. */
export interface Standing {
  readonly status: Status
  readonly state?: State
  readonly lastError?: EmbeddedError | undefined
  readonly dueAt?: Instant | undefined
}

/** How it stands now: due dates pass after the tags were read. */
export function standingOf({ target, secrets, code, at }: KnownTarget, now: Instant): Standing {
  if (!target.enabled) return { status: 'disabled', state: 'disabled' }
  if (code !== undefined) return { status: 'unreadable', lastError: taggedError({ code, at: at ?? now }) }
  if (secrets === undefined) return { status: 'unknown' }
  const { state, dueAt, overdue } = assess(target, secrets, now)
  const last = leadIn({ target, secrets })?.stamps?.failed
  const lastError = last && taggedError(last)
  const status = state === 'paused' ? state : lastError ? 'failed' : overdue ? 'overdue' : state
  return { status, state, lastError, dueAt }
}

/** When the schedule rotates it: the first moment, at the due date or later, in its window. Nothing where it will not. */
export function nextRotationAt(target: Target, { status, dueAt }: Standing): Instant | undefined {
  if (dueAt === undefined || status === 'paused' || isReminder(target)) return undefined
  return firstOpen(target.window, dueAt)
}

/** A target in a list. `asOf`: when the list's other targets were read; one that was read earlier says when. */
export function summaryOf(known: KnownTarget, now: Instant, asOf: Instant = Number.NEGATIVE_INFINITY): TargetSummary {
  const { target, secrets = [], at, comparedAt } = known
  const standing = standingOf(known, now)
  const ours = leadIn({ target, secrets })?.stamps
  return {
    name: target.name,
    provider: target.provider,
    resource: target.address,
    vault: target.vault,
    status: standing.status,
    reason: ours?.reason,
    actor: ours?.actor,
    slot: secrets[0]?.slot,
    rotatedAt: iso(ours?.rotatedAt),
    dueAt: iso(standing.dueAt),
    nextRotationAt: iso(nextRotationAt(target, standing)),
    expiresAt: iso(secrets[0]?.expiresOn),
    lastComparedAt: iso(comparedAt),
    lastError: standing.lastError,
    secrets: target.secrets.map(({ name, output }) => ({ name, output })),
    ...(at !== undefined && at < asOf ? { asOf: iso(at) } : {}),
  }
}

/** The lead secret, if it is tagged for this target. */
export function leadIn<Secret extends NonNullable<Listed>>({
  target,
  secrets,
}: {
  readonly target: Pick<Target, 'name'>
  readonly secrets: readonly (Secret | undefined)[]
}): Secret | undefined {
  const [lead] = secrets
  return lead?.stamps?.target === target.name ? lead : undefined
}

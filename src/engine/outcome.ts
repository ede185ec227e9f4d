// What a reconcile did, for whoever asked: the queue, HTTP, telemetry.

import type { Decision } from './checks.ts'
import { type Again, comeBack } from './come-back.ts'
import type { KeySlot } from './key-ring.ts'
import { RekeyError } from './rekey-error.ts'
import type { RotationRequest } from './request.ts'
import type { State } from './state.ts'
import type { Reason, StoredSecret } from './stored-secret.ts'
import type { Duration, Instant, Target } from './target.ts'

/**
 * `changed`: something was done, and nothing is left to do. `current`: nothing was to do. `waiting`: something is to do
 * at `again`. `paused`: an operator has to act first (a disabled secret, an unmanaged secret, a disabled target).
 * `failed`: `error` says what went wrong; a transient one has `again`.
 */
export type Status = 'changed' | 'current' | 'waiting' | 'paused' | 'failed'

export interface Outcome {
  readonly target: string
  readonly provider: string
  readonly status: Status
  /** Why, in a word: the first reason acted on; where nothing was done, the reason for that. Absent when `current`. */
  readonly reason?: Reason
  /** Every check that hit, in order. */
  readonly reasons: readonly Reason[]
  /** The active slot now. */
  readonly slot?: KeySlot
  /** The current version of each secret, lead first. Absent ones are left out. */
  readonly secrets: readonly { readonly name: string; readonly version: string }[]
  /** The id of the last event announced. */
  readonly eventId?: string
  readonly rotatedAt?: Instant
  readonly expiresOn?: Instant
  /** `none` where the change took the key before it along: a ring of one, a service that changed both, a revoke. */
  readonly overlap?: Duration | 'none'
  /** `false`: this run published a key without a verdict of its service on it. */
  readonly proven?: false
  readonly again?: Again
  /** Another worker holds the lease: nothing was read. */
  readonly busy?: true
  readonly error?: RekeyError
}

/** The outcome of a reconcile that ended with this decision. */
export function concluded(state: State, decision: Exclude<Decision, { kind: 'step' }>, now: Instant): Outcome {
  const { target, request } = state
  const error = decision.kind === 'blocked' && decision.reason === 'unmanaged' ? asUnmanaged(target) : undefined
  const base = soFar(
    state,
    decision.kind === 'done' || state.held ? state.reasons : [...state.reasons, decision.reason],
  )
  const again =
    decision.kind === 'done'
      ? undefined
      : comeBack({ decision, reason: base.reason, ...(error && { error }) }, request, now)
  return { ...base, status: statusOf(state, decision), ...(again && { again }), ...(error && { error }) }
}

/** The outcome of a reconcile that failed; `state`: undefined where reading failed already. */
export function failure(
  error: RekeyError,
  target: Target,
  request: RotationRequest,
  state: State | undefined,
  now: Instant,
): Outcome {
  const base = state ? soFar(state, state.reasons) : { ...placeOf(target), reasons: [], secrets: [] }
  const waits = error.code === 'LeaseLost' || error.code === 'OutOfTime'
  const again = comeBack({ error, ...(base.reason && { reason: base.reason }) }, request, now)
  return { ...base, status: waits ? 'waiting' : 'failed', error, ...(again && { again }) }
}

/** The outcome where another worker holds the lease. */
export function busy(target: Target, request: RotationRequest, now: Instant): Outcome {
  const again = comeBack({ busy: true }, request, now)
  return { ...placeOf(target), status: 'waiting', reasons: [], secrets: [], busy: true, ...(again && { again }) }
}

function placeOf({ name, provider }: Target): Pick<Outcome, 'target' | 'provider'> {
  return { target: name, provider }
}

function statusOf({ changed, request }: State, decision: Exclude<Decision, { kind: 'step' }>): Status {
  if (decision.kind === 'blocked') return 'paused'
  // The schedule comes back for a due date that must cool: nothing is left to do for this request.
  const isLeft =
    decision.kind === 'wait' && !(decision.reason === 'cooling' && request.createdAfter === undefined && changed)
  if (isLeft) return 'waiting'
  return changed ? 'changed' : 'current'
}

function soFar(state: State, reasons: readonly Reason[]): Omit<Outcome, 'status'> {
  const { target, lead, current, eventId } = state
  // What a caller wants to know first is why the key changed, not that it was announced as well.
  const reason = reasons.find((known) => known !== 'unannounced') ?? reasons[0]
  return {
    ...placeOf(target),
    reasons,
    ...(reason ? { reason } : {}),
    secrets: current.map(({ name, version }) => ({ name, version })),
    ...(eventId === undefined ? {} : { eventId }),
    ...(lead ? ofLead(lead, state) : {}),
  }
}

function ofLead({ slot, stamps, expiresOn }: StoredSecret, { wroteLead, ages }: State): Partial<Outcome> {
  return {
    ...(slot === undefined ? {} : { slot }),
    ...(stamps?.rotatedAt === undefined ? {} : { rotatedAt: stamps.rotatedAt }),
    ...(expiresOn === undefined ? {} : { expiresOn }),
    ...(wroteLead ? { overlap: ages.overlap! } : {}),
    ...(wroteLead && stamps?.proven === false ? { proven: false } : {}),
  }
}

function asUnmanaged(target: Target): RekeyError {
  return new RekeyError('Unmanaged', {
    target: target.name,
    step: 'observe',
    message: `a secret of ${target.name} in ${target.vault} exists, is not tagged for this target, and holds no live key of it`,
    remedy: 'Correct the secret name in targets.json, or set "adopt": true in the target to take the secret over.',
  })
}

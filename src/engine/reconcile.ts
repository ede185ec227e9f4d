// The one engine entry: observe, decide, perform, until there is nothing left to do.
// Level-triggered: what is true is read back from the service and the vault, so the happy path and recovery are the same code.

import { type Decision, decide } from './checks.ts'
import { afterFailure, announceFailure, type Failed, forgetFailure } from './failed-reconcile.ts'
import { isCompared, noteCompared } from './lease-metadata.ts'
import { type LeaseSession, leaseSession, limited } from './lease-session.ts'
import { observe } from './observe.ts'
import { busy, concluded, failure, type Outcome } from './outcome.ts'
import type { Lease, Ports } from './ports.ts'
import { refusesVault } from './probe.ts'
import { RekeyError } from './rekey-error.ts'
import { checkRequest, isExplicit, type RotationRequest } from './request.ts'
import { type Context, reached, type State } from './state.ts'
import { announce } from './steps/announce.ts'
import { describe, publish } from './steps/publish.ts'
import { recordUnseen, regenerate } from './steps/regenerate.ts'
import { rename, swap } from './steps/swap.ts'
import type { Reason } from './stored-secret.ts'
import { type Instant, minutes, type Target } from './target.ts'
import { asRekeyError, attempt } from './unforeseen.ts'

export interface ReconcileOptions {
  /** Moment of `ports.clock.monotonic()` after which no further effect starts. */
  readonly deadline?: number
  /** Called once, before the first effect. HTTP queues its request here: nothing redelivers it otherwise. */
  readonly beforeFirstEffect?: () => Promise<void>
  /** Checks to leave out: for the proof that each is needed, never in the app. */
  readonly without?: ReadonlySet<string>
}

/** More steps than any history needs: decisions that never end are a fault of ours or of the service. */
const mostSteps = 12

/**
 * Makes a request true, as far as it can be now. Takes and releases the lease. Never throws a RekeyError: the outcome
 * carries it, with the moment to come back where there is one. A permanent failure is recorded beside the lead and announced.
 */
export async function reconcile(
  target: Target,
  request: RotationRequest,
  ports: Ports,
  options: ReconcileOptions = {},
): Promise<Outcome> {
  try {
    checkRequest(request, ports.clock.now())
    const sentAt = ports.clock.monotonic()
    const lease = await limited(ports.clock, ({ signal }) => ports.leases.acquire(target.lease, signal))
    if (!lease) return busy(target, request, ports.clock.now())
    const session = leaseSession({ clock: ports.clock, lease, sentAt, ...options })
    return await reconcileUnder(lease, session, { target, request, ports }, options.without)
  } catch (thrown) {
    const error = asRekeyError(thrown, ports.log, { target: target.name })
    await afterFailure(error, { target, request, ports, session: undefined, context: undefined })
    return failed(error, target, request, ports, undefined)
  }
}

/** The lease is held: it is released in the end, unless an effect of ours may still land. */
async function reconcileUnder(
  lease: Lease,
  session: LeaseSession,
  { target, request, ports }: Pick<Failed, 'target' | 'request' | 'ports'>,
  without: ReadonlySet<string> | undefined,
): Promise<Outcome> {
  const startedAt = ports.clock.now()
  let context: Context | undefined
  try {
    context = { ports, session, holder: await ports.open(target), vault: ports.vault(target.vault) }
    const outcome = await untilDone(target, request, context, without)
    // An operator has to act, who may not read the outcome.
    if (outcome.error) await announceFailure(outcome.error, target, request, ports)
    await letGo(lease, target, ports, { comparedAt: startedAt, stoppedAt: context.latest?.stoppedAt })
    return outcome
  } catch (thrown) {
    const error = asRekeyError(thrown, ports.log, { target: target.name })
    const state = context?.latest
    const compared = state && { comparedAt: startedAt, stoppedAt: state.reasons.at(-1) }
    const then = await afterFailure(error, { target, request, ports, session, context })
    if (then === 'release') await letGo(lease, target, ports, compared)
    return failed(error, target, request, ports, context?.latest)
  }
}

/** Observes, decides and performs until nothing is left, or nothing can be done now. */
async function untilDone(
  target: Target,
  request: RotationRequest,
  context: Context,
  without: ReadonlySet<string> | undefined,
): Promise<Outcome> {
  const { clock, log } = context.ports
  let state = await read(target, request, context)
  for (let steps = 0; steps < mostSteps; steps++) {
    state = reached(context, state, { now: clock.now() })
    const decision = decide(state, without)
    if (decision.kind !== 'step') return conclude(state, decision, context)
    log('info', 'acting', { target: target.name, reason: decision.reason, step: decision.step.do })
    state = await perform(decision, state, context)
  }
  throw unsettled(target)
}

/** What is true now. Where the listing does not show what we wrote lately, the service is asked whether it refuses that. */
async function read(target: Target, request: RotationRequest, context: Context): Promise<State> {
  const { session, ports } = context
  const observed = await session.read((signal) => observe(target, request, context, ports.clock.now(), signal))
  const state = reached(context, observed, {})
  if (state.ages.unseenUntil === undefined) return state
  return reached(context, state, { vaultRefused: await refusesVault(state, context) })
}

/** Carries out one step. Throws RekeyErrors; what was done by then is in `context.latest`. */
async function perform(
  { step, reason }: Extract<Decision, { kind: 'step' }>,
  before: State,
  context: Context,
): Promise<State> {
  const state = reached(context, before, { reasons: [...before.reasons, reason] })
  switch (step.do) {
    case 'describe':
      return describe(step, reason, state, context)
    case 'publish':
      return publish(step, reason, state, context)
    case 'regenerate':
      return regenerate(step, reason, state, context)
    case 'swap':
      return swap(step, state, context)
    case 'record':
      return recordUnseen(state, context)
    case 'rename':
      return rename(step, state, context)
    case 'announce':
      return announce(state, context)
  }
}

/** Nothing is left, or nothing can be done now. A topic that refused is reported now, unless the request is kept alive: it will be tried again. */
async function conclude(
  state: State,
  decision: Exclude<Decision, { kind: 'step' }>,
  context: Context,
): Promise<Outcome> {
  const { target, request, held, topicRefused, ages } = state
  const { log, clock } = context.ports
  if (topicRefused && !held && !(decision.kind === 'wait' && isExplicit(request))) throw topicRefused
  const isOver = decision.kind === 'done' && ages.failureOver
  const ended = isOver ? await forgetFailure(state, context) : state
  if (decision.kind !== 'done') reached(context, ended, { stoppedAt: decision.reason })
  const outcome = concluded(ended, decision, clock.now())
  if (outcome.error) log('warn', 'the secret holds something else', { target: target.name, vault: target.vault })
  return outcome
}

function failed(
  error: RekeyError,
  target: Target,
  request: RotationRequest,
  { log, clock }: Ports,
  state: State | undefined,
): Outcome {
  const { service, step } = error.details
  const fields = { target: target.name, code: error.code, step, service, detail: error.message }
  log(error.transient ? 'warn' : 'error', error.transient ? 'stopped for now' : 'rotation failed', fields)
  return failure(error, target, request, state, clock.now())
}

/** Releases the lease; before that, notes when vault and service were compared, if they were. */
async function letGo(
  lease: Lease,
  target: Target,
  ports: Ports,
  compared: { readonly comparedAt: Instant; readonly stoppedAt: Reason | undefined } | undefined,
): Promise<void> {
  if (compared && isCompared(compared.stoppedAt)) {
    await attempt(ports, target, 'note when the target was compared', () =>
      noteCompared(target, lease, ports, compared.comparedAt),
    )
  }
  await attempt(ports, target, 'release the lease', () => limited(ports.clock, ({ signal }) => lease.release(signal)))
}

function unsettled(target: Target): RekeyError {
  return new RekeyError('Unsettled', {
    target: target.name,
    message: `after ${mostSteps} steps there is still something to do`,
    remedy: 'Check whether something else changes these secrets or keys at the same time.',
    retryAfter: minutes(1),
  })
}

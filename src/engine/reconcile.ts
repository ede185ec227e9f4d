// The one engine entry: observe, plan, act, until there is nothing left to do.
// Level-triggered: what is true is read back from the service and the vault, so the happy path and recovery are the same code.

import { overlapAfter } from './ages.ts'
import { type Plan, plan } from './checks.ts'
import {
  afterFailure,
  announceFailure,
  attempt,
  changedNothing,
  type Failed,
  forgetFailure,
  triedAgainAfter,
} from './failed-reconcile.ts'
import { isCompared, noteCompared } from './last-compared.ts'
import { type LeaseSession, leaseSession, limited } from './lease-session.ts'
import type { Reason, StoredSecret } from './observation.ts'
import { observe } from './observe.ts'
import type { Outcome, Status } from './outcome.ts'
import { act } from './perform.ts'
import type { Lease, Ports } from './ports.ts'
import { RekeyError } from './rekey-error.ts'
import { checkRequest, isExplicit, type RotationRequest } from './request.ts'
import { type Situation, situation } from './situation.ts'
import { type Duration, type Instant, leadOf, minutes, seconds, type Target } from './target.ts'
import { asRekeyError } from './unforeseen.ts'
import { refusesTheVault } from './verify.ts'
import { currentIn, type Work } from './work.ts'

export interface ReconcileOptions {
  /** Moment of `ports.clock.monotonic()` after which no further effect starts. */
  readonly deadline?: number
  /** Called once, before the first effect. HTTP queues its resync here: nobody redelivers for it. */
  readonly beforeFirstEffect?: () => Promise<void>
  /** Checks to leave out: for the proof that each is needed, never in the app. */
  readonly without?: ReadonlySet<string>
}

/** More acts than any history needs: a plan that never ends is a fault of ours or of the service. */
const mostActs = 12

/**
 * Makes a request true, as far as it can be now. Takes and releases the lease. Never throws a RekeyError: the outcome
 * carries it, with the moment to come back where there is one. A permanent failure is recorded in the lead's tags and announced.
 */
export async function reconcile(
  target: Target,
  request: RotationRequest,
  ports: Ports,
  options: ReconcileOptions = {},
): Promise<Outcome> {
  let lease: Lease | undefined
  let session: LeaseSession | undefined
  let work: Work | undefined
  let release: 'release' | 'keep' = 'release'
  const reasons: Reason[] = []
  let seenAt: Instant = 0
  let stoppedAt: Reason | undefined
  try {
    checkRequest(request, ports.clock.now())
    const sentAt = ports.clock.monotonic()
    lease = await limited(ports.clock, ({ signal }) => ports.leases.acquire(target.lease, signal))
    if (!lease) return busy(target, request, ports)
    session = leaseSession({ clock: ports.clock, lease, sentAt, ...options })
    seenAt = ports.clock.now()
    work = await begin(target, request, ports, session)
    const last = await untilDone(work, reasons, options.without)
    stoppedAt = last?.reason
    const outcome = conclude(work, reasons, last)
    // An unmanaged secret waits for a person, and nobody may be there to read the outcome.
    if (outcome.error) await announceFailure(outcome.error, target, request, ports)
    return outcome
  } catch (thrown) {
    const error = asRekeyError(thrown, ports.log, { target: target.name })
    const failed = { target, request, ports, session, work }
    stoppedAt = reasons.at(-1)
    release = await afterFailure(error, failed)
    return failure(error, failed, reasons)
  } finally {
    if (lease && release === 'release') {
      if (work && isCompared(stoppedAt)) await recordCompared(lease, target, ports, seenAt)
      await letGo(lease, target, ports)
    }
  }
}

async function begin(target: Target, request: RotationRequest, ports: Ports, session: LeaseSession): Promise<Work> {
  const holder = await ports.open(target)
  const vault = ports.vault(target.vault)
  const seen = await session.read((signal) => observe(target, holder, vault, ports.clock.now(), signal))
  return {
    target,
    request,
    ports,
    session,
    holder,
    vault,
    ring: seen.ring,
    stored: { ...seen.stored },
    earlier: { ...seen.earlier },
    ...(seen.underWayUntil === undefined ? {} : { underWayUntil: seen.underWayUntil }),
    changed: false,
    wroteLead: false,
  }
}

/**
 * Plans and acts until nothing is left, or nothing can be done now. Answers the plan that it stopped at, if any.
 * A topic that refuses for good stops nothing else: its refusal is thrown at the end.
 */
async function untilDone(work: Work, reasons: Reason[], without?: ReadonlySet<string>): Promise<Plan | undefined> {
  let refusal: RekeyError | undefined
  for (let acts = 0; acts < mostActs; acts++) {
    const at = look(work)
    const skipped = refusal ? new Set([...(without ?? []), 'unannounced']) : without
    let next = plan(at, skipped)
    let seen = at
    if (next?.reason === 'settling' && (await refusesTheVault(work, at)) === 'refused') {
      seen = look(work, 'refused')
      next = plan(seen, skipped)
    }
    // What somebody asked for and must wait is kept alive: looks will tell of the topic.
    const waits = next?.until !== undefined && isExplicit(work.request)
    if (refusal && !next?.step && !waits) throw refusal
    if (next?.reason === 'settling' && isSwapped(at)) return undefined
    if (!next) {
      await forgetFailure(work)
      return undefined
    }
    reasons.push(next.reason)
    if (!next.step) return next
    work.ports.log('info', 'acting', { target: work.target.name, reason: next.reason, step: next.step.do })
    const held = await act(work, next, seen).catch((error: unknown) => {
      refusal = refusalOfTheTopic(next!, error)
      return undefined
    })
    if (held) return { reason: next.reason, until: held.until }
    // A listing from before the swap has the slots the other way round: whatever else there is to do waits until none can.
    if (next.step.do === 'swap') {
      if (refusal) throw refusal
      return undefined
    }
  }
  throw new RekeyError('Unsettled', {
    target: work.target.name,
    message: `after ${mostActs} steps there is still something to do`,
    remedy: 'Look whether something else changes these secrets or keys at the same time.',
    retryAfter: minutes(1),
  })
}

/** A swap that is done, by the listing and by what is written down, has nothing to wait for: kept alive, it would undo a later one. */
function isSwapped({ request: { swap }, active, lead }: Situation): boolean {
  return swap !== undefined && swap.slot === active && swap.slot === lead?.slot && swap.from === lead.version
}

/** Throws whatever else went wrong. */
function refusalOfTheTopic({ step }: Plan, error: unknown): RekeyError {
  if (step?.do !== 'announce' || !(error instanceof RekeyError) || error.transient || !changedNothing(error))
    throw error
  return error
}

function look(work: Work, refused: 'refused' | 'not refused' = 'not refused'): Situation {
  return situation(work.target, work.request, work.ports.clock.now(), work, refused)
}

function conclude(work: Work, reasons: readonly Reason[], last: Plan | undefined): Outcome {
  const now = work.ports.clock.now()
  const error = last?.reason === 'unmanaged' ? unmanagedError(work.target) : undefined
  const after = last?.until === undefined ? error && triedAgainAfter(error, work.request) : last.until - now
  const again = after === undefined ? undefined : comeBack(work.request, Math.max(after, seconds(1)), now)
  // A due date that must cool is looked at again by the schedule: only a key that somebody asked for is waited for.
  const dropped = last?.reason === 'cooling' && work.request.createdAfter === undefined
  if (last?.reason === 'unmanaged') {
    work.ports.log('warn', 'the secret holds something else', { target: work.target.name, vault: work.target.vault })
  }
  return {
    ...soFar(work, reasons),
    status: statusOf(dropped && work.changed ? undefined : last, work),
    ...(again && !dropped ? { again } : {}),
    ...(error ? { error } : {}),
  }
}

function statusOf(last: Plan | undefined, work: Work): Status {
  if (!last) return work.changed ? 'changed' : 'current'
  return last.reason === 'unmanaged' || last.reason === 'paused' ? 'paused' : 'waiting'
}

function soFar(work: Work, reasons: readonly Reason[]): Omit<Outcome, 'status'> {
  const { target } = work
  const lead = work.stored[leadOf(target).name]
  // What somebody wants to know first is why the key changed, not that it was announced as well.
  const reason = reasons.find((known) => known !== 'unannounced') ?? reasons[0]
  return {
    target: target.name,
    provider: target.provider,
    reasons,
    ...(reason ? { reason } : {}),
    secrets: currentIn(work).map(({ name, version }) => ({ name, version })),
    ...(work.eventId === undefined ? {} : { eventId: work.eventId }),
    ...describeLead(lead, work),
  }
}

function describeLead(lead: StoredSecret | undefined, work: Work): Partial<Outcome> {
  if (!lead) return {}
  return {
    ...(lead.slot === undefined ? {} : { slot: lead.slot }),
    ...(lead.stamps?.rotatedAt === undefined ? {} : { rotatedAt: lead.stamps.rotatedAt }),
    ...(lead.expiresOn === undefined ? {} : { expiresOn: lead.expiresOn }),
    ...(work.wroteLead ? { overlap: overlapAfter(work.target, work.ring, lead) } : {}),
    ...(work.wroteLead && lead.stamps?.proven === false ? { proven: false } : {}),
  }
}

async function recordCompared(lease: Lease, target: Target, ports: Ports, at: Instant): Promise<void> {
  await attempt(ports, target, 'note when the target was compared', () => noteCompared(target, lease, ports, at))
}

async function letGo(lease: Lease, target: Target, ports: Ports): Promise<void> {
  await attempt(ports, target, 'release the lease', () => limited(ports.clock, ({ signal }) => lease.release(signal)))
}

function failure(error: RekeyError, { target, request, ports, work }: Failed, reasons: readonly Reason[]): Outcome {
  const { service, step } = error.details
  const log = { target: target.name, code: error.code, step, service, detail: error.message }
  ports.log(error.transient ? 'warn' : 'error', error.transient ? 'stopped for now' : 'rotation failed', log)
  const base = work ? soFar(work, reasons) : { target: target.name, provider: target.provider, reasons, secrets: [] }
  const waiting = error.code === 'LeaseLost' || error.code === 'OutOfTime'
  const after = triedAgainAfter(error, request)
  return {
    ...base,
    status: waiting ? 'waiting' : 'failed',
    error,
    ...(after === undefined ? {} : { again: comeBack(request, waitFor(error, after), ports.clock.now()) }),
  }
}

/** An unanswered write may still land: until then, and until the lease that keeps others away has run out, nobody looks. */
function waitFor(error: RekeyError, after: Duration): Duration {
  return error.details.outcomeUnknown && error.code !== 'OutcomeUnknown' ? Math.max(after, seconds(150)) : after
}

function busy(target: Target, request: RotationRequest, ports: Ports): Outcome {
  const again = comeBack(request, seconds(30), ports.clock.now())
  return {
    target: target.name,
    provider: target.provider,
    status: 'waiting',
    reasons: [],
    secrets: [],
    busy: true,
    again,
  }
}

function comeBack(request: RotationRequest, after: Duration, now: Instant): NonNullable<Outcome['again']> {
  return { after, at: now + after, with: isExplicit(request) ? 'request' : 'resync' }
}

function unmanagedError(target: Target): RekeyError {
  return new RekeyError('Unmanaged', {
    target: target.name,
    step: 'observe',
    message: `a secret of ${target.name} in ${target.vault} exists, is not tagged for this target, and holds no live key of it`,
    remedy: 'Correct the secret name in targets.json, or set "adopt": true in the target to take the secret over.',
  })
}

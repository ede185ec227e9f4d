// What has to happen when a reconcile fails: before its lease is let go, and so that nothing is lost.

import { failed as failedEvent } from './events.ts'
import { type LeaseSession, limited } from './lease-session.ts'
import type { Stamps } from './observation.ts'
import type { Ports } from './ports.ts'
import { type ErrorCode, RekeyError } from './rekey-error.ts'
import { isExplicit, isRevoke, type RotationRequest } from './request.ts'
import { isElsewhere } from './situation.ts'
import { type Duration, days, type Instant, leadOf, minutes, seconds, settle, type Target } from './target.ts'
import { asRekeyError } from './unforeseen.ts'
import { type Records, tag, type Work } from './work.ts'

/** A reconcile, as far as it had got when it failed. */
export interface Failed {
  readonly target: Target
  readonly request: RotationRequest
  readonly ports: Ports
  readonly session: LeaseSession | undefined
  readonly work: Work | undefined
}

/** What has to happen after a failure, before the lease is let go: or not let go. */
export async function afterFailure(error: RekeyError, failed: Failed): Promise<'release' | 'keep'> {
  const { target, request, ports, session } = failed
  if (session && !changedNothing(error)) return holdOn(error, failed, session)
  if (error.transient || (error.code === 'RequestExpired' && !isExplicit(request))) return 'release'
  const unrecorded =
    session && (await attempt(ports, target, 'record the failure', () => record(error, failed, session)))
  await announceFailure(error, target, request, ports)
  return unrecorded && session && !changedNothing(unrecorded) ? holdOn(unrecorded, failed, session) : 'release'
}

/** An effect of ours may still land, or has landed under somebody else's lease. */
async function holdOn(error: RekeyError, { target, request, ports }: Failed, session: LeaseSession): Promise<'keep'> {
  // The second look comes after the longest stale listing.
  if (error.code === 'LeaseLost') await queueResyncs(target, request, ports, [seconds(1), settle + seconds(15)])
  else await attempt(ports, target, 'keep the lease', () => session.keep())
  return 'keep'
}

/** The service did nothing, by refusal or because nothing was sent: a record of asking would only make the next try wait. */
export function changedNothing(error: RekeyError): boolean {
  return !error.details.outcomeUnknown && error.code !== 'LeaseLost'
}

/** How soon a revoke that waits for an operator is tried again. */
export const revokeInterval: Duration = minutes(10)
/** The request itself is wrong or over: no time and no operator mends that. */
const endsRevokes: ReadonlySet<ErrorCode> = new Set(['RequestExpired', 'FromTheFuture', 'NotSupported', 'BadRequest'])

/**
 * How soon a request that failed is tried again: after a passing failure when that says; a revoke after a lasting one as well,
 * since a missing right or a lock must not keep a leaked key alive. Undefined: it is over.
 */
export function triedAgainAfter({ code, details }: RekeyError, request: RotationRequest): Duration | undefined {
  if (details.retryAfter !== undefined) return details.retryAfter
  return isRevoke(request) && !endsRevokes.has(code) ? revokeInterval : undefined
}

export function notSupported({ target }: Work, what: string): RekeyError {
  return new RekeyError('NotSupported', {
    target: target.name,
    message: `the provider ${target.provider} does not support ${what}`,
    remedy: 'Use another command: docs/providers says what each provider can do.',
  })
}

/** Beside the lead, if it is ours. Where already the look failed, nothing is known but what the lead says. */
async function record(
  error: RekeyError,
  { target, request, ports, work }: Failed,
  session: LeaseSession,
): Promise<void> {
  const failed = { code: error.code, at: ports.clock.now(), ...failedRequest(request) }
  await session.finish(async () => {
    if (work) return write(work, failed)
    const records = await recordsOf(target, ports, session)
    if (mayRecordRead(records, failed.at)) await write(records, { ...failed, step: 'observe' })
  })
}

/** A UUID with the place of a target in a list after it: no longer id fits beside the other tags. */
const longestRequest = 48

/** Whose failure it was, for whoever follows the request's operation. A resync has none. */
export function failedRequest(request: RotationRequest): { readonly request?: string } {
  return isExplicit(request) && request.id.length <= longestRequest ? { request: request.id } : {}
}

async function recordsOf(target: Target, ports: Ports, session: LeaseSession): Promise<Records> {
  const { name } = leadOf(target)
  const vault = ports.vault(target.vault)
  return {
    target,
    ports,
    session,
    vault,
    stored: { [name]: await session.read((signal) => vault.current(name, signal)) },
  }
}

/**
 * Not beside the key of another resource: tags are written with the target's own address, and the secret would be unmanaged
 * no more. Nor in the place of a failure that is still to be shown.
 */
function mayRecordRead({ target, stored }: Records, now: Instant): boolean {
  const lead = stored[leadOf(target).name]
  return !isElsewhere(target, lead) && !isShown(lead?.stamps?.failed, now)
}

/** What was asked for was not done: that is shown for a day, whatever looks find. */
function isShown(failed: Stamps['failed'], now: Instant): boolean {
  return failed !== undefined && failed.step !== 'observe' && now < failed.at + days(1)
}

async function write(records: Records, failed: NonNullable<Stamps['failed']>): Promise<void> {
  const lead = leadOf(records.target)
  const stamps = records.stored[lead.name]?.stamps
  if (stamps?.target === records.target.name) await tag(records, lead, { ...stamps, failed })
}

/** Called when a look has come through and there is nothing to do: an earlier look's failure is over then. */
export async function forgetFailure(work: Work): Promise<void> {
  const lead = leadOf(work.target)
  const stamps = work.stored[lead.name]?.stamps
  if (stamps?.target !== work.target.name || !stamps.failed) return
  const { failed, ...kept } = stamps
  if (isShown(failed, work.ports.clock.now())) return
  await tag(work, lead, kept)
}

/**
 * Announces that what was asked for cannot be done until an operator acts. A request that is tried again announces the same
 * failure once, not with every try.
 */
export async function announceFailure(
  error: RekeyError,
  target: Target,
  request: RotationRequest,
  ports: Ports,
): Promise<void> {
  if (request.failedWith === error.code) return
  const event = failedEvent(target, request, error, ports.clock.now())
  await attempt(ports, target, 'announce the failure', () =>
    limited(ports.clock, ({ signal }) => ports.announcer.announce([event], signal)),
  )
}

async function queueResyncs(
  target: Target,
  request: RotationRequest,
  ports: Ports,
  delays: readonly Duration[],
): Promise<void> {
  for (const [index, delay] of delays.entries()) {
    const look: RotationRequest = {
      // One that loses its lease again must not make ids that grow.
      id: `${request.id.replace(/\/resync-\d$/, '')}/resync-${index + 1}`,
      target: target.name,
      actor: 'resync',
      expiresAt: ports.clock.now() + delay + minutes(60),
    }
    await attempt(ports, target, 'queue a resync', () => ports.queue.send(look, delay))
  }
}

/** Runs what must not hide the failure it comes after; its own failure is logged, and answered. */
export async function attempt(
  ports: Ports,
  target: Target,
  what: string,
  run: () => Promise<void>,
): Promise<RekeyError | undefined> {
  try {
    await run()
    return undefined
  } catch (thrown) {
    const error = asRekeyError(thrown, ports.log, { target: target.name })
    ports.log('warn', `could not ${what}`, { target: target.name, code: error.code, service: error.details.service })
    return error
  }
}

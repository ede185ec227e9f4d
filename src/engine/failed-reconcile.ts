// What has to happen when a reconcile fails: before its lease is released, and so that nothing is lost.

import { isShown } from './ages.ts'
import { failed as failedEvent } from './events.ts'
import { type LeaseSession, limited } from './lease-session.ts'
import type { Ports } from './ports.ts'
import { RekeyError } from './rekey-error.ts'
import { isExplicit, type RotationRequest } from './request.ts'
import { type Context, isElsewhere, type State } from './state.ts'
import { describeVersion, writeTags } from './steps/write.ts'
import type { Stamps, StoredSecret } from './stored-secret.ts'
import { type Duration, leadOf, minutes, seconds, settle, type Target } from './target.ts'
import { attempt } from './unforeseen.ts'

/** A reconcile, as far as it had got when it failed. */
export interface Failed {
  readonly target: Target
  readonly request: RotationRequest
  readonly ports: Ports
  /** Undefined: the lease was not had. */
  readonly session: LeaseSession | undefined
  /** Without a state, reading failed. */
  readonly context: Context | undefined
}

/** What has to happen after a failure, before the lease is released: or not released. */
export async function afterFailure(error: RekeyError, failed: Failed): Promise<'release' | 'keep'> {
  const { target, request, ports, session } = failed
  if (session && !changedNothing(error)) return holdOn(error, failed, session)
  if (error.transient || (error.code === 'RequestExpired' && !isExplicit(request))) return 'release'
  const unrecorded =
    session && (await attempt(ports, target, 'record the failure', () => record(error, failed, session)))
  await announceFailure(error, target, request, ports)
  return unrecorded && session && !changedNothing(unrecorded) ? holdOn(unrecorded, failed, session) : 'release'
}

/** An effect of ours may still land, or has landed under another worker's lease. */
async function holdOn(error: RekeyError, { target, request, ports }: Failed, session: LeaseSession): Promise<'keep'> {
  // The second resync comes after the longest stale listing.
  if (error.code === 'LeaseLost') await queueResyncs(target, request, ports, [seconds(1), settle + seconds(15)])
  else await attempt(ports, target, 'keep the lease', () => session.keep())
  return 'keep'
}

/** The service did nothing, by refusal or because nothing was sent: a record of a request would only make the next try wait. */
export function changedNothing(error: RekeyError): boolean {
  return !error.details.outcomeUnknown && error.code !== 'LeaseLost'
}

export function notSupported(target: Target, what: string): RekeyError {
  return new RekeyError('NotSupported', {
    target: target.name,
    message: `the provider ${target.provider} does not support ${what}`,
    remedy: 'Use another command: docs/providers says what each provider can do.',
  })
}

type Failure = NonNullable<Stamps['failed']>

/** Beside the lead, if it is ours. Where already reading failed, nothing is known but what the lead says. */
async function record(error: RekeyError, failed: Failed, session: LeaseSession): Promise<void> {
  const { target, request, ports, context } = failed
  const failure: Failure = { code: error.code, at: ports.clock.now(), ...failedRequest(request) }
  await session.finish(async () => {
    const state = context?.latest
    if (!context || !state) return recordReading({ ...failure, step: 'observe' }, target, ports, session)
    if (state.secrets[0]?.ours) {
      await writeTags(state, context, leadOf(target), { ...state.lead!.stamps!, failed: failure })
    }
  })
}

/**
 * Not beside the key of another resource: tags are written with the target's own address, and the secret would be unmanaged
 * no more. Nor in the place of a failure that is still to be shown.
 */
async function recordReading(failed: Failure, target: Target, ports: Ports, session: LeaseSession): Promise<void> {
  const { clock } = ports
  const vault = ports.vault(target.vault)
  const lead: StoredSecret | undefined = await session.read((signal) => vault.current(leadOf(target).name, signal))
  if (!lead?.stamps || lead.stamps.target !== target.name || isElsewhere(target, lead)) return
  if (isShown(lead.stamps.failed, failed.at)) return
  await describeVersion(target, lead, { ...lead.stamps, failed }, {}, { session, vault, clock })
}

/** A UUID with the place of a target in a list after it. Whatever is longer is no id of a request that an operation follows. */
const longestRequest = 48

/** Whose failure it was, for whoever follows the request's operation. A resync has none. */
function failedRequest(request: RotationRequest): { readonly request?: string } {
  return isExplicit(request) && request.id.length <= longestRequest ? { request: request.id } : {}
}

/** Called when a reconcile has come through and there is nothing to do: an earlier failure is over then. */
export async function forgetFailure(state: State, context: Context): Promise<State> {
  const { failed: _, ...kept } = state.lead!.stamps!
  return writeTags(state, context, leadOf(state.target), kept)
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
    const resync: RotationRequest = {
      // One that loses its lease again must not make ids that grow.
      id: `${request.id.replace(/\/resync-\d$/, '')}/resync-${index + 1}`,
      target: target.name,
      actor: 'resync',
      expiresAt: ports.clock.now() + delay + minutes(60),
    }
    await attempt(ports, target, 'queue a resync', () => ports.queue.send(resync, delay))
  }
}

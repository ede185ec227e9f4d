// The lease while it is held: no effect without time enough left, and a check of the clock after each.

import type { Call, Clock, Lease } from './ports.ts'
import { RekeyError } from './rekey-error.ts'
import { callLimit, leaseLength } from './target.ts'

export interface LeaseSession {
  /**
   * Runs one effect under the lease. Throws `OutOfTime` before an effect that would start after the deadline, and
   * `LeaseLost` when the lease could not be kept, or had run out by the time the effect was over.
   */
  effect<Result>(run: (call: Call) => Promise<Result>): Promise<Result>
  /** Runs effects that only write down what was: the deadline does not stop them, and they are no first effect. */
  finish<Result>(run: () => Promise<Result>): Promise<Result>
  /** A bounded read: no effect, so the lease does not matter. */
  read<Result>(run: (signal: AbortSignal) => Promise<Result>): Promise<Result>
  /** Renews once, whatever is left: keeps others away while it is unknown whether a write of ours is still under way. */
  keep(): Promise<void>
}

export interface LeaseSessionOptions {
  readonly clock: Clock
  readonly lease: Lease
  /** Monotonic moment at which the acquisition was sent: the lease counts from then at the latest. */
  readonly sentAt: number
  readonly deadline?: number
  readonly beforeFirstEffect?: () => Promise<void>
}

export function leaseSession({ clock, lease, sentAt, deadline, beforeFirstEffect }: LeaseSessionOptions): LeaseSession {
  let until = sentAt + leaseLength
  let hasBegun = false
  let finishing = 0

  async function renew(signal: AbortSignal): Promise<void> {
    const sent = clock.monotonic()
    if (!(await lease.renew(signal))) throw lost()
    until = sent + leaseLength
  }

  async function ensure(): Promise<void> {
    if (clock.monotonic() < until - callLimit) return
    await limited(clock, (limit) => renew(limit.signal))
    if (clock.monotonic() >= until - callLimit) throw lost()
  }

  /** Within a long call a renewal that fails in passing is tried again at the next poll: the lease is still held until it runs out. */
  async function ensureUnlessPassing(): Promise<void> {
    try {
      await ensure()
    } catch (error) {
      const passing = error instanceof RekeyError && error.transient && error.code !== 'LeaseLost'
      if (!passing || clock.monotonic() >= until) throw error
    }
  }

  async function effect<Result>(run: (call: Call) => Promise<Result>): Promise<Result> {
    if (finishing === 0) await begin()
    await ensure()
    const result = await limited(clock, (limit) =>
      run({
        signal: limit.signal,
        keepLease: async () => {
          await ensureUnlessPassing()
          limit.restart()
        },
        metadata: lease.metadata,
      }),
    )
    if (clock.monotonic() >= until) throw lost()
    return result
  }

  async function begin(): Promise<void> {
    if (clock.monotonic() >= (deadline ?? Number.POSITIVE_INFINITY)) throw outOfTime()
    if (!hasBegun) await beforeFirstEffect?.()
    hasBegun = true
  }

  async function finish<Result>(run: () => Promise<Result>): Promise<Result> {
    finishing++
    try {
      return await run()
    } finally {
      finishing--
    }
  }

  return {
    effect,
    finish,
    read: (run) => harmless(() => limited(clock, (limit) => run(limit.signal))),
    keep: () => limited(clock, (limit) => renew(limit.signal)),
  }
}

/** A read, or a write that may be repeated at will, leaves nothing to be settled when its answer is lost. */
export async function harmless<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof RekeyError ? error.ofHarmlessCall() : error
  }
}

interface Limit {
  readonly signal: AbortSignal
  restart(): void
}

/** Runs something whose signal stops it after the call limit. */
export async function limited<Result>(clock: Clock, run: (limit: Limit) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const start = () => clock.after(callLimit, () => controller.abort())
  let stop = start()
  try {
    return await run({
      signal: controller.signal,
      restart: () => {
        stop()
        stop = start()
      },
    })
  } finally {
    stop()
  }
}

function lost(): RekeyError {
  return new RekeyError('LeaseLost', {
    message: 'the lease on this credential ran out before the change was complete',
    remedy: 'Nothing to do: the target is reconciled again shortly.',
    retryAfter: 30_000,
  })
}

function outOfTime(): RekeyError {
  return new RekeyError('OutOfTime', {
    message: 'the time for an answer ran out between two steps',
    remedy: 'Nothing to do: the request is in the queue.',
    retryAfter: 0,
  })
}

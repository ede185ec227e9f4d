// The whole simulated Azure behind one `fetch`, for tests and demos.

import type { Identity } from './caller-identity.ts'
import { realClock, type SimulatedClock } from './clock.ts'
import type { Effect } from './effects.ts'
import type { Fault } from './faults.ts'
import { type HistoryEntry, startKernel } from './kernel.ts'
import type { ServiceHandle } from './keys.ts'
import { installServices } from './services/index.ts'
import type { Fleets } from './simulated-service.ts'
import type { ResourceEvents } from './subscription-events.ts'

export type { SimulatedClock } from './clock.ts'
export type { Effect } from './effects.ts'
export type { Fault } from './faults.ts'
export type { HistoryEntry } from './kernel.ts'
export type { ServiceHandle } from './keys.ts'
export { ConnectionLost, CrashSignal } from './service-operations.ts'

export interface CloudOptions {
  /** The same seed and the same calls in the same order give the same answers. Default 1. */
  readonly seed?: number
  readonly clock?: SimulatedClock
  readonly faults?: readonly Fault[]
}

export interface Cloud extends Fleets {
  /**
   * Any call to any Azure host by its real name, and to the managed-identity endpoint at any loopback host, path
   * /msi/token. Rejects with ConnectionLost if there is no answer.
   */
  fetch(request: Request): Promise<Response>
  readonly clock: SimulatedClock
  readonly seed: number
  readonly history: readonly HistoryEntry[]
  /** Every key and token ever made. */
  readonly minted: ReadonlySet<string>
  /** What subscriptions raise for what is done at Resource Manager. */
  readonly resourceEvents: Pick<ResourceEvents, 'subscribe'>
  readonly faults: { add(fault: Fault): void; clear(): void; readonly names: readonly string[] }
  readonly identity: Identity
  /** Resources with keys, by lower-case id. */
  readonly resources: ReadonlyMap<string, ServiceHandle>
  /** Called before and after each effect; may throw CrashSignal. Returns a function that stops listening. */
  onEffect(listener: (effect: Effect) => void): () => void
  /** Answers a crashed caller's calls again; without a name, those of all callers. */
  revive(caller?: string): void
}

/** A simulated Azure without resources, with every action permitted, and with the given faults only. */
export function simulatedCloud(options: CloudOptions = {}): Cloud {
  const { seed = 1, clock = realClock(), faults = [] } = options
  const kernel = startKernel({ seed, clock, faults })
  const fleets = installServices(kernel)
  return {
    ...fleets,
    seed,
    clock,
    history: kernel.history,
    minted: kernel.minted,
    resourceEvents: kernel.resourceEvents,
    faults: kernel.faults,
    identity: kernel.identity,
    resources: kernel.resources,
    fetch: kernel.fetch,
    onEffect: kernel.onEffect,
    revive: kernel.revive,
  }
}

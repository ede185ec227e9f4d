// What a file of simulator/services exports as `service`, so that the simulated Azure has it.

import type { Dialect } from './dialects.ts'
import type { HostGroup } from './hosts.ts'
import type { Kernel } from './kernel.ts'

/**
 * What the cloud offers for adding and meddling with resources. Each service adds its own properties:
 * `declare module '../simulated-service.ts' { interface Fleets extends ReturnType<typeof contoso> {} }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: the services fill it
export interface Fleets {}

/** Where keys are tried out. */
export interface DataPlane {
  /** The `host` of its operations. */
  readonly group: HostGroup
  /** Names as in hosts.ts, in all clouds. */
  readonly hosts: readonly string[]
  readonly dialect: Dialect
}

export interface SimulatedService {
  readonly dataPlanes?: readonly DataPlane[]
  /** Registers the operations of one cloud; returns what the cloud offers of this service. */
  install(kernel: Kernel): object
}

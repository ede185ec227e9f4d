// What a simulated service exports as `sample`, for the tests that run over every service.

import type { Cloud } from './cloud.ts'
import type { ServiceHandle } from './keys.ts'

export interface Member {
  /** The service's own fields of a target in targets.json. */
  readonly fields: Readonly<Record<string, string>>
  readonly handle: ServiceHandle
}

/** Exported as `sample` by simulator/services/<id>.ts, `<id>` being what targets.json calls the service. */
export interface Sample {
  /** Adds a resource to the cloud. Each can have others beside it; `name` distinguishes them. */
  add(cloud: Cloud, name?: string): Member
  /** The operation that reads the keys. */
  readonly read: string
  /** The operation that makes a key. */
  readonly regenerate: string
  /** The operation whose answer has the new key. Default: `regenerate`. */
  readonly answersNewKey?: string
  /** The operation that reads `disableLocalAuth`. Absent: the service has no such switch, or refuses for it by name. */
  readonly describes?: string
  /** api-versions of Resource Manager and data planes with which keys are read and made. */
  readonly apiVersions: readonly string[]
  /** The operations of one rotation, in order, between reading the keys and handing the new one out, with the probe. */
  readonly rotation: readonly string[]
  /** What else a rotation asks of the storage account, in order, while it holds the lease. */
  readonly storage?: readonly string[]
  /** What a probe makes of the refusal by a network rule. Default `unknown`: the refusal is a 403. */
  readonly behindNetworkRule?: 'refused'
}

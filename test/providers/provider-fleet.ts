// One resource of every provider, for tests that run over all of them. Each simulated service describes its own in its `sample`.

import type { Cloud } from '../../simulator/cloud.ts'
import type { Member } from '../../simulator/sample.ts'
import { samples } from '../../simulator/services/index.ts'

export type { Member } from '../../simulator/sample.ts'
export { samples } from '../../simulator/services/index.ts'

/** By provider id: adds a resource to the cloud. Every service can have others beside it; `name` distinguishes them. */
export const fleet: Readonly<Record<string, (cloud: Cloud, name?: string) => Member>> = Object.fromEntries(
  Object.entries(samples).map(([id, { add }]) => [id, add]),
)

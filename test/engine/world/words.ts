// The product's words that the world uses, in one place.

export type { KeyRing } from '../../../src/engine/key-ring.ts'
export { Secret } from '../../../src/engine/secret.ts'
export type { Time } from './time.ts'

// The product's words that the world uses, in one place.

export type { KeyRing } from '../../../src/rotation/key-ring.ts'
export { Secret } from '../../../src/rotation/secret.ts'
export type { Time } from './time.ts'

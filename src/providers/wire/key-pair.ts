// The answer that many services of Resource Manager have in common: a primary and a secondary key.

import * as z from 'zod/mini'
import type { KeyRing } from '../../engine/key-ring.ts'
import { secretText } from './answer.ts'

export const KeyPair = z.object({ primaryKey: secretText, secondaryKey: secretText })
export type KeyPair = z.output<typeof KeyPair>

/** The ring of both, with slots `primary` and `secondary` and the key as the only output. */
export function keyPairRing({ primaryKey, secondaryKey }: KeyPair): KeyRing {
  return { primary: { key: primaryKey }, secondary: { key: secondaryKey } }
}

// The key with which the app itself authenticates: no other one ends the app's own access when it is regenerated.

import * as z from 'zod/mini'
import { RekeyError } from '../../engine/rekey-error.ts'

/** For services that the app itself may use a key of. */
export const ownKeyField = {
  regenerateOwnKey: z.optional(z.boolean()).register(z.globalRegistry, {
    description:
      'true: the key that the app itself uses is regenerated too; the app then stops until its setting has a key that works. Default false',
    examples: [true],
  }),
}

/** Whether a target allows it. */
export function allowsOwnKey(fields: object): boolean {
  return 'regenerateOwnKey' in fields && fields.regenerateOwnKey === true
}

/** Why such a key is not regenerated. `resource`: as messages name it. */
export function asOwnKey(resource: string, slot: string): RekeyError {
  return new RekeyError('NotSupported', {
    message: `${resource}: the app itself authenticates with ${slot}, and would lose access if that key were regenerated`,
    remedy:
      'Let the app use its managed identity there (AzureWebJobsStorage__accountName; no ROTATION_TOPIC_KEY), or give it the other key first. Where its setting is a Key Vault reference to the secret of this target, "regenerateOwnKey": true allows it.',
  })
}

// Reads the claims of an access token, to show whose it is. They are never trusted: services validate the token themselves.

import type { TokenCredential } from '@azure/core-auth'
import * as z from 'zod/mini'
import { RekeyError } from '../../engine/rekey-error.ts'

const Claims = z.object({
  oid: z._default(z.string(), '<object id of the identity>'),
  /** Client id of the app or of the managed identity. */
  appid: z.optional(z.string()),
  roles: z._default(z.array(z.string()), []),
  /** Only where a user has signed in. */
  scp: z.optional(z.string()),
})

/** The claims of the token that our calls use. Throws RekeyError. */
export async function claimsOf(
  credential: TokenCredential,
  scope: string,
  signal: AbortSignal,
): Promise<z.output<typeof Claims>> {
  const token = await credential.getToken(scope, { abortSignal: signal })
  const payload = token?.token.split('.')[1] ?? ''
  try {
    return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
  } catch {
    // Neither the token nor the parser's message about it may leave the app.
    throw new RekeyError('UnexpectedAnswer', {
      message: `the access token for ${scope} cannot be read`,
      remedy: 'No action is needed if calls succeed: only this check cannot be made.',
    })
  }
}

// Shared access signatures of IoT Hub and of the messaging services. They differ in what of a key they sign with.

import type { Secret } from '../../engine/secret.ts'
import type { Instant } from '../../engine/target.ts'
import { signedWith } from './key-material.ts'

export interface SignedAccess {
  /** What may be reached: a host, or an address and everything below it. */
  readonly resource: string
  /** The policy, or rule, whose key signs. */
  readonly policy: string
  readonly key: Secret
  /** Whether the key's bytes are what its base64 says, or its text as UTF-8. */
  readonly bytes: 'base64' | 'utf8'
}

/** The Authorization header of a policy, valid until `expiresAt`, in whole seconds. */
export function sharedAccessSignature({ resource, policy, key, bytes }: SignedAccess, expiresAt: Instant): string {
  const encoded = encodeURIComponent(resource)
  const expiry = Math.floor(expiresAt / 1000)
  const signed = encodeURIComponent(signedWith(key, bytes, `${encoded}\n${expiry}`))
  return `SharedAccessSignature sr=${encoded}&sig=${signed}&se=${expiry}&skn=${encodeURIComponent(policy)}`
}

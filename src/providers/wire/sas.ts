// IoT Hub's shared access signatures.

import type { Secret } from '../../engine/secret.ts'
import type { Instant } from '../../engine/target.ts'
import { signedWith } from './key-material.ts'

/** The Authorization header of a policy: good for `host` until `expiresAt`, whole seconds. */
export function sharedAccessSignature(host: string, policy: string, key: Secret, expiresAt: Instant): string {
  const resource = encodeURIComponent(host)
  const expiry = Math.floor(expiresAt / 1000)
  const signed = encodeURIComponent(signedWith(key, 'base64', `${resource}\n${expiry}`))
  return `SharedAccessSignature sr=${resource}&sig=${signed}&se=${expiry}&skn=${encodeURIComponent(policy)}`
}

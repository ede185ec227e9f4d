// IoT Hub's shared access signatures.

import { createHmac } from 'node:crypto'
import type { Secret } from '../../engine/secret.ts'
import type { Instant } from '../../engine/target.ts'

/** The Authorization header of a policy: good for `host` until `expiresAt`, whole seconds. */
export function sharedAccessSignature(host: string, policy: string, key: Secret, expiresAt: Instant): string {
  const resource = encodeURIComponent(host)
  const expiry = Math.floor(expiresAt / 1000)
  const signature = createHmac('sha256', Buffer.from(key.reveal(), 'base64')).update(`${resource}\n${expiry}`)
  const signed = encodeURIComponent(signature.digest('base64'))
  return `SharedAccessSignature sr=${resource}&sig=${signed}&se=${expiry}&skn=${encodeURIComponent(policy)}`
}

// The only place of the providers that shows a key: to sign with it, to encode it, and to see whether it can be sent as it is. A key that
// is sent in a header or a body stays a Secret: the client shows it when the request goes out.

import { createHmac } from 'node:crypto'
import type { Secret } from '../../engine/secret.ts'

/** HMAC-SHA256 of `text`, in base64. `bytes`: whether the key's bytes are what its base64 says, or its text as UTF-8. */
export function signedWith(key: Secret, bytes: 'base64' | 'utf8', text: string): string {
  return createHmac('sha256', Buffer.from(key.reveal(), bytes)).update(text, 'utf8').digest('base64')
}

/** Whether a header can carry it. Text that cannot is no key of a service; a client would quote it in its complaint. */
export function canBeHeader(key: Secret): boolean {
  return /^[\x21-\x7e]+$/.test(key.reveal())
}

/** The header of basic authentication: whoever sees it has the key, so it stays a Secret. */
export function basicAuthorization(user: string, key: Secret): Secret {
  return key.map((password) => `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`)
}

/** Whether it is base64 of so many bytes. What is not is no key of a service whose keys are. */
export function isBase64(key: Secret, bytes: number): boolean {
  const text = key.reveal()
  return /^[0-9A-Za-z+/]+=*$/.test(text) && Buffer.from(text, 'base64').length === bytes
}

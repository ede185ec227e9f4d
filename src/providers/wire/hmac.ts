// The HMAC scheme of Communication Services and App Configuration: method, path with query, date, host and content hash are signed.

import { createHash } from 'node:crypto'
import type { Secret } from '../../engine/secret.ts'
import type { Instant } from '../../engine/target.ts'
import { signedWith } from './key-material.ts'

const emptyBodyHash = createHash('sha256').update('').digest('base64')

/**
 * The headers of a signed request without a body. `at` must be within minutes of the service's clock. `credential`: the id of the key, where
 * the service wants it.
 */
export function signedHeaders(
  method: string,
  url: URL,
  key: Secret,
  at: Instant,
  credential?: string,
): Readonly<Record<string, string>> {
  const date = new Date(at).toUTCString()
  const text = `${method}\n${url.pathname}${url.search}\n${date};${url.host};${emptyBodyHash}`
  const signature = signedWith(key, 'base64', text)
  return {
    'x-ms-date': date,
    'x-ms-content-sha256': emptyBodyHash,
    Authorization: `HMAC-SHA256 ${credential === undefined ? '' : `Credential=${credential}&`}SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
  }
}

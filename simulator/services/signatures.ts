// How the data planes check a signed request.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What a request claims, before it is known which key signed it. */
export type Proof =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'signed'; readonly signedWith: (key: string) => boolean }

/** The fields of a shared access signature, with its proof. */
export type SasProof =
  | { readonly kind: 'refused'; readonly reason: string }
  | {
      readonly kind: 'signed'
      readonly resource: string
      /** `skn`: absent in a device's own token. */
      readonly policy: string | undefined
      readonly signedWith: (key: string) => boolean
    }

/** The parts of a request that a signature covers. */
export interface SignedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: string
}

const allowedSkew = 5 * 60_000

function refused(reason: string): { readonly kind: 'refused'; readonly reason: string } {
  return { kind: 'refused', reason }
}

function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}

function signature(key: string, text: string, bytes: 'base64' | 'utf8' = 'base64'): string {
  return createHmac('sha256', Buffer.from(key, bytes)).update(text, 'utf8').digest('base64')
}

function skewed(date: string | null, now: number): boolean {
  const at = date === null ? Number.NaN : Date.parse(date)
  return !(Math.abs(now - at) <= allowedSkew)
}

/**
 * Communication Services: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=…` over method, path with
 * query and those headers. `now` in milliseconds since 1970.
 */
export function hmacProof({ method, url, headers, body }: SignedRequest, now: number): Proof {
  const match = /^HMAC-SHA256 SignedHeaders=([^&]+)&Signature=(.+)$/i.exec(headers.get('authorization') ?? '')
  if (match === null) return refused('The Authorization header is missing or is not an HMAC-SHA256 header.')
  const [, list = '', claimed = ''] = match
  const names = list.toLowerCase().split(';')
  const missing = ['x-ms-date', 'host', 'x-ms-content-sha256'].find((name) => !names.includes(name))
  if (missing !== undefined) return refused(`The header ${missing} must be signed.`)
  if (skewed(headers.get('x-ms-date'), now))
    return refused('The date of the request is too far from the time of the service.')
  const hash = createHash('sha256').update(body, 'utf8').digest('base64')
  if (headers.get('x-ms-content-sha256') !== hash) return refused('x-ms-content-sha256 does not match the body.')
  const values = names.map((name) => (name === 'host' ? url.host : (headers.get(name) ?? '')))
  const text = `${method}\n${url.pathname}${url.search}\n${values.join(';')}`
  return { kind: 'signed', signedWith: (key) => sameText(signature(key, text), claimed) }
}

/** Log Analytics' HTTP Data Collector: `SharedKey <workspaceId>:<signature>`. `now` in milliseconds since 1970. */
export function sharedKeyProof({ method, url, headers, body }: SignedRequest, workspaceId: string, now: number): Proof {
  const match = /^SharedKey ([^:]+):(.+)$/.exec(headers.get('authorization') ?? '')
  if (match === null) return refused('The Authorization header is missing or is not a SharedKey header.')
  const [, claimedId = '', claimed = ''] = match
  if (claimedId.toLowerCase() !== workspaceId.toLowerCase()) return refused('The header names another workspace.')
  const date = headers.get('x-ms-date')
  if (skewed(date, now)) return refused('x-ms-date is too far from the time of the service.')
  const type = headers.get('content-type') ?? ''
  const text = `${method}\n${Buffer.byteLength(body)}\n${type}\nx-ms-date:${date}\n${url.pathname}`
  return { kind: 'signed', signedWith: (key) => sameText(signature(key, text), claimed) }
}

/**
 * IoT Hub and the messaging services: `SharedAccessSignature sr=…&sig=…&se=…[&skn=…]`. The signature covers `sr` as it was sent, still encoded.
 * `now` in milliseconds since 1970. `bytes`: whether the key's bytes are what its base64 says (IoT Hub), or its text.
 */
export function sasProof(headers: Headers, now: number, bytes: 'base64' | 'utf8' = 'base64'): SasProof {
  const header = headers.get('authorization') ?? ''
  if (header === '') return refused('Authorization header missing')
  if (!header.startsWith('SharedAccessSignature '))
    return refused('Authorization header is not a SharedAccessSignature')
  const fields = new Map(
    header
      .slice('SharedAccessSignature '.length)
      .split('&')
      .map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  )
  const [sr, sig, se, skn] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name))
  if (sr === undefined || sig === undefined || se === undefined) return refused('sr, sig and se are required')
  if (!/^\d+$/.test(se) || Number(se) * 1000 <= now) return refused('The token has expired')
  return {
    kind: 'signed',
    resource: decodeURIComponent(sr),
    policy: skn === undefined ? undefined : decodeURIComponent(skn),
    signedWith: (key) => sameText(signature(key, `${sr}\n${se}`, bytes), decodeURIComponent(sig)),
  }
}

// The encodings in which a secret may appear.

import { createHash } from 'node:crypto'

export interface Form {
  readonly name: string
  readonly text: string
}

const hashes = ['md5', 'sha1', 'sha256', 'sha512'] as const

/** A secret as it is, as others might write it, and its hashes, as others might write those. */
export function formsOf(secret: string): readonly Form[] {
  const bytes = Buffer.from(secret, 'utf8')
  const escaped = [...secret].map((c) => (/\w/.test(c) ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
  return [
    { name: 'plain', text: secret },
    { name: 'upper case', text: secret.toUpperCase() },
    { name: 'lower case', text: secret.toLowerCase() },
    ...written('', bytes),
    ...inBase64(bytes),
    { name: 'URL-encoded', text: encodeURIComponent(secret) },
    { name: 'URL-encoded, lower case', text: encodeURIComponent(secret).replace(/%../g, (c) => c.toLowerCase()) },
    { name: 'URL-encoded twice', text: encodeURIComponent(encodeURIComponent(secret)) },
    { name: 'JSON', text: JSON.stringify(secret).slice(1, -1) },
    { name: 'JSON with escaped slashes', text: JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/') },
    { name: 'JSON with escapes', text: escaped.join('') },
    {
      name: 'JSON with escapes, upper case',
      text: escaped.join('').replace(/\\u..../g, (c) => `\\u${c.slice(2).toUpperCase()}`),
    },
    ...decoded(secret),
    ...hashes.flatMap((hash) => written(`${hash} `, createHash(hash).update(bytes).digest())),
  ].map(({ name, text }) => ({ name, text }))
}

/** Keys are often base64 themselves: what they decode to is the key as well. */
function decoded(secret: string): readonly Form[] {
  if (!/^[A-Za-z0-9+/]{20,}={0,2}$/.test(secret) || secret.length % 4 !== 0) return []
  const bytes = Buffer.from(secret, 'base64')
  return [
    ...written('decoded, ', bytes),
    ...hashes.flatMap((hash) => written(`decoded, ${hash} `, createHash(hash).update(bytes).digest())),
  ]
}

function written(prefix: string, bytes: Buffer): readonly Form[] {
  return [
    { name: `${prefix}hex`, text: bytes.toString('hex') },
    { name: `${prefix}hex, upper case`, text: bytes.toString('hex').toUpperCase() },
    { name: `${prefix}base64`, text: bytes.toString('base64') },
    { name: `${prefix}base64url`, text: bytes.toString('base64url') },
  ]
}

/** In base64 of a longer text, a secret has another form for each of three positions where it may begin. */
function inBase64(bytes: Buffer): readonly Form[] {
  return [1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
    // The characters at both ends hold bits of their neighbours.
    const inner = (encoding: 'base64' | 'base64url') =>
      text
        .toString(encoding)
        .replace(/=+$/, '')
        .slice(before + 1, -1)
    return [
      { name: `base64, ${before} further on`, text: inner('base64') },
      { name: `base64url, ${before} further on`, text: inner('base64url') },
    ]
  })
}

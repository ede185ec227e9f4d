// The authorization scheme SharedKey, as Storage and Batch check it: they differ in the names of their own headers.

import { createHmac } from 'node:crypto'
import type { Call } from '../service-operations.ts'

export interface SharedKeyScheme {
  /** The service's own headers begin so; all of them are signed. Its date is one of them. */
  readonly prefix: string
  /** Whether a length of 0 is signed as an empty line. */
  readonly omitsZero?: true
}

const allowedSkew = 15 * 60_000

const signedHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
]

/** The signature that the request brings; empty where it brings none. */
export function sentSignature({ headers }: Call): string {
  return /:(.*)$/.exec(headers.get('authorization') ?? '')?.[1] ?? ''
}

/** Which key signed the request: none, if the header is another account's, or its date is too far from now. */
export function signedWith(call: Call, account: string, scheme: SharedKeyScheme): (key: string) => boolean {
  const skew = Math.abs(call.now - Date.parse(call.headers.get(`${scheme.prefix}date`) ?? ''))
  const named = /^SharedKey ([^:]+):/.exec(call.headers.get('authorization') ?? '')?.[1]
  if (named !== account || !(skew <= allowedSkew)) return () => false
  const [text, sent] = [textToSign(call, account, scheme), sentSignature(call)]
  return (key) => createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64') === sent
}

/** As "Authorize with Shared Key" (Storage, version 2015-02-21 and later) and "Authenticate requests to Azure Batch" describe it. */
export function textToSign({ method, url, headers }: Call, account: string, scheme: SharedKeyScheme): string {
  const standard = signedHeaders
    .map((name) => headers.get(name) ?? '')
    .map((value) => (scheme.omitsZero && value === '0' ? '' : value))
  const own = [...headers].filter(([name]) => name.startsWith(scheme.prefix)).map(([name, value]) => `${name}:${value}`)
  const query = [...url.searchParams].map(([name, value]) => `${name.toLowerCase()}:${value}`)
  return [method, ...standard, ...own.toSorted(), `/${account}${url.pathname}`, ...query.toSorted()].join('\n')
}

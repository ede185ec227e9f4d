// Reads a request body: an optional JSON object, small, with no unknown fields.

import type { HttpRequest } from '@azure/functions'
import * as z from 'zod/mini'
import { plainly } from '../../azure/plain-issues.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { repeatedKeyIn } from './repeated-key.ts'

/** The largest body that is read, in bytes: enough for a thousand names of 63 characters. */
const bodyLimit = 128 * 1024

/**
 * The body, validated by `schema`; an empty body is an empty object.
 * Throws RekeyError `BodyTooLarge`, or `BadRequest` that names the JSON path of each mistake. The body is never quoted.
 */
export async function parseBody<T>(request: HttpRequest, schema: z.core.$ZodType<T>): Promise<Present<T>> {
  const parsed = z.safeParse(schema, parseJson(await readText(request)), plainly)
  if (parsed.success) return parsed.data as Present<T>
  throw badRequest(
    parsed.error.issues.map(saying).join('; '),
    'Send only the fields that the route documents, each of its documented type.',
  )
}

/** JSON has no `undefined`: a field that was not sent is absent, as the engine's types require. */
type Present<T> = { [Name in keyof T]: Exclude<T[Name], undefined> }

async function readText(request: HttpRequest): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > bodyLimit) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw badRequest('the body is not UTF-8', 'Send JSON in UTF-8.')
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  const parsed = parsedOf(text)
  const repeated = repeatedKeyIn(text)
  if (repeated === undefined) return parsed
  throw badRequest(
    `the body has the key "${printable(repeated, 64)}" twice in one object`,
    'Send each field once: which of the two is meant cannot be known.',
  )
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the body: it is not passed on.
    throw badRequest('the body is not JSON', 'Send a JSON object, or no body at all.')
  }
}

function saying(issue: z.core.$ZodIssue): string {
  const path = ['$', ...issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))].join(
    '',
  )
  if (issue.code !== 'unrecognized_keys') return `${path}: ${issue.message}`
  return issue.keys.map((key) => `${path}.${printable(key, 64)}: no such field`).join('; ')
}

/** Text from outside, made safe for a log line or a tag: without control characters, cut to `length`. */
export function printable(text: string, length: number): string {
  return text.replace(/\p{C}/gu, '').trim().slice(0, length)
}

/** `BadRequest`: `message` says what is wrong with the request, without quoting it. */
export function badRequest(message: string, remedy: string): RekeyError {
  return new RekeyError('BadRequest', { message, remedy })
}

function tooLarge(): RekeyError {
  return new RekeyError('BodyTooLarge', {
    message: `the body is larger than ${bodyLimit / 1024} KiB`,
    remedy: 'Send less. Split a long list of targets into several requests.',
  })
}

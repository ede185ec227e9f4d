// Repeatable requests (OASIS, version 1.0): a caller that got no answer may send the same POST again, and both count as
// one request. Both headers or none. https://docs.oasis-open.org/odata/repeatable-requests/v1.0/repeatable-requests-v1.0.html

import { randomUUID } from 'node:crypto'
import type { HttpRequest, HttpResponseInit } from '@azure/functions'
import { iso } from '../../engine/duration.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { clockBound, type Duration, type Instant, minutes } from '../../engine/target.ts'
import { badRequest } from './body.ts'

/** The request's id and first moment: the same each time it is sent. */
export interface Asked {
  /** A UUID in lower case. */
  readonly id: string
  readonly at: Instant
  /** Whether the caller may send it again. */
  readonly repeatable: boolean
}

const requestId = 'Repeatability-Request-ID'
const firstSent = 'Repeatability-First-Sent'
/** After this a repeated request is refused: its result may have been changed since. */
const longestAgo: Duration = minutes(5)

/**
 * What the two headers say; without them it is a new request, made now.
 * Throws RekeyError `BadRequest` for one without the other or what cannot be read, `NotRepeatable` outside the window.
 */
export function askedIn({ headers }: HttpRequest, now: Instant): Asked {
  const [id, sent] = [headers.get(requestId), headers.get(firstSent)]
  if (id === null && sent === null) return { id: randomUUID(), at: now, repeatable: false }
  if (id === null || sent === null) {
    throw badRequest(
      `the header ${id === null ? requestId : firstSent} is missing`,
      `Send ${requestId} and ${firstSent} together, or neither.`,
    )
  }
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw badRequest(`the header ${requestId} is not a UUID`, 'Send a new random UUID with each new request.')
  }
  const at = instantOf(sent)
  if (at < now - longestAgo || at > now + clockBound) throw notRepeatable(now)
  return { id: id.toLowerCase(), at, repeatable: true }
}

/** The response with `Repeatability-Result`, where the caller sent one of the headers. */
export function withResult(
  { headers }: HttpRequest,
  result: 'accepted' | 'rejected',
  answer: HttpResponseInit,
): HttpResponseInit {
  if (!headers.has(requestId) && !headers.has(firstSent)) return answer
  return { ...answer, headers: { ...answer.headers, 'repeatability-result': result } }
}

/** IMF-fixdate, and none of the obsolete forms of an HTTP date. */
function instantOf(text: string): Instant {
  const at = Date.parse(text)
  if (!Number.isNaN(at) && new Date(at).toUTCString() === text) return at
  throw badRequest(`the header ${firstSent} is not an HTTP date`, 'Write it as in Sun, 01 Mar 2026 10:00:00 GMT.')
}

function notRepeatable(now: Instant): RekeyError {
  return new RekeyError('NotRepeatable', {
    message: `${firstSent} is more than five minutes ago, or more than a minute ahead: it is ${iso(now)} here`,
    remedy: `Check with GET /api/targets whether the first request was carried out. If not, send a new request, with a new ${requestId} and the present moment.`,
  })
}

// How often one call is sent and how long it may take, for every client.
// The SDKs' own retries are switched off: they repeat a POST that may have created a key, wait for any Retry-After
// without a bound, and have no time limit.

import type { PipelinePolicy, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline'
import { callLimit, type Duration, seconds } from '../engine/target.ts'
import { retryAfterOf } from './failure-facts.ts'

/** Resolves after `ms`, rejects when the signal ends. */
export type Wait = (ms: Duration, signal: AbortSignal) => Promise<void>

const retries = 3
const firstPause: Duration = 500
/** Key Vault throttles without a Retry-After, and advises 1, 2, 4, 8 and 16 seconds. */
const firstPauseThrottled: Duration = seconds(1)
/** A longer Retry-After is waited for in the queue, not in a call whose caller holds a lease. */
const longestPause: Duration = seconds(10)
const cutShort = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PARSE_ERROR',
  'REQUEST_SEND_ERROR',
])

/** Sends once. The call ends at the call limit. */
export function sendOnce(): PipelinePolicy {
  return {
    name: 'rekeySendOnce',
    sendRequest: (request, next) => {
      limit(request)
      return next(request)
    },
  }
}

/**
 * Sends up to four times within one call limit, honouring Retry-After; only for reads and idempotent writes.
 * `monotonic`: milliseconds of a clock that never goes back.
 */
export function sendAgain(wait: Wait, monotonic: () => number): PipelinePolicy {
  return {
    name: 'rekeySendAgain',
    sendRequest: async (request, next) => {
      const signal = limit(request)
      const started = monotonic()
      for (let attempt = 0; ; attempt += 1) {
        const { pause, settle } = await attemptOnce(request, next, attempt)
        const left = callLimit - (monotonic() - started)
        if (pause === undefined || attempt === retries || pause > Math.min(longestPause, left)) return settle()
        await wait(pause, signal)
      }
    },
  }
}

interface AttemptOutcome {
  /** Present: retry after so many milliseconds. */
  readonly pause?: Duration
  /** Gives the response, or throws the error. */
  settle(): PipelineResponse
}

// Some clients turn the response into an error before it gets here, others do not.
async function attemptOnce(
  request: PipelineRequest,
  next: (request: PipelineRequest) => Promise<PipelineResponse>,
  attempt: number,
): Promise<AttemptOutcome> {
  try {
    const response = await next(request)
    return { ...pauseFor(attempt, response.status, (name) => response.headers.get(name)), settle: () => response }
  } catch (error) {
    const settle = () => {
      throw error
    }
    const { name, code, statusCode, response } = Object(error) as {
      readonly name?: string
      readonly code?: string
      readonly statusCode?: number
      readonly response?: PipelineResponse
    }
    if (name !== 'RestError') return { settle }
    if (code !== undefined && cutShort.has(code)) return { pause: firstPause * 2 ** attempt, settle }
    return { ...pauseFor(attempt, statusCode ?? 0, (header) => response?.headers.get(header)), settle }
  }
}

/** How long to wait after the attempt with this number, from 0; nothing where a retry cannot help. */
function pauseFor(
  attempt: number,
  status: number,
  header: (name: string) => string | undefined,
): { readonly pause?: Duration } {
  const comesBack = status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505)
  if (!comesBack) return {}
  const asked = retryAfterOf(header)
  const first = status === 429 && asked === undefined ? firstPauseThrottled : firstPause
  return { pause: Math.max(asked ?? 0, first * 2 ** attempt) }
}

/** Ends the request at the call limit, or when its caller does. Returns the signal for both. */
function limit(request: PipelineRequest): AbortSignal {
  const own = AbortSignal.timeout(callLimit)
  const asked = request.abortSignal as AbortSignal | undefined
  const signal = asked === undefined ? own : AbortSignal.any([asked, own])
  request.abortSignal = signal
  return signal
}

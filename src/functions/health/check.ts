// The result of one health check.

import type { App } from '../../compose.ts'
import type { RekeyError } from '../../rotation/errors.ts'
import type { Log } from '../../rotation/ports.ts'
import { asRekeyError } from '../../rotation/unforeseen.ts'

/**
 * `ok`; `warning`: works, but may not be what was meant; `failed`, with what to do; `unseen`: cannot be known without changing something, or not at all. What cannot be
 * seen is said, so that nobody takes silence for health.
 */
export interface Check {
  readonly check: string
  /** The vault, queue, topic, or ARM scope. */
  readonly place: string
  readonly status: 'ok' | 'warning' | 'failed' | 'unseen'
  readonly detail?: string
  readonly code?: string
  readonly remedy?: string
  /** Whom it concerns. */
  readonly targets?: readonly string[]
}

/** What the checks of one round have at hand. */
export interface Round {
  readonly app: App
  readonly log: Log
  readonly signal: AbortSignal
}

/** May know better than an error what to do at its place. */
export type RemedyFor = (error: RekeyError) => Promise<string | undefined>

/** Runs one check. Whatever is thrown is its failure: one that nobody foresaw must not hide what the others say. */
export async function checked(
  { log }: Pick<Round, 'log'>,
  check: string,
  place: string,
  run: () => Promise<string>,
  remedyFor: RemedyFor = async () => undefined,
): Promise<Check> {
  try {
    return { check, place, status: 'ok', detail: await run() }
  } catch (thrown) {
    const error = asRekeyError(thrown, log)
    const better = await remedyFor(error).catch((another: unknown) => void asRekeyError(another, log))
    const remedy = better ?? (isUnreached(error) ? outOfReach : error.details.remedy)
    return { check, place, status: 'failed', code: error.code, detail: error.message, ...(remedy ? { remedy } : {}) }
  }
}

/** What the app waits out may be a mistyped name or a closed network to whoever asks whether all is well. */
const outOfReach =
  'Check that the name is right, and that it can be reached from here: DNS, private endpoint, firewall, proxy. If both are so, the service is out of order: try again.'

function isUnreached({ code, details: { service } }: RekeyError): boolean {
  return code === 'ServiceUnavailable' && service?.status === undefined
}

/** The service knows us, and does not let us; a token that cannot be had is another matter. */
export function isRefused({ code, details: { service } }: RekeyError): boolean {
  return code === 'PermissionDenied' && service?.status !== undefined
}

export function unseen(check: string, place: string, detail: string): Check {
  return { check, place, status: 'unseen', detail }
}

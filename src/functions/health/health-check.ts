// The result of one health check.

import type { App } from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import type { RekeyError } from '../../engine/rekey-error.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'

/**
 * `ok`; `warning`: works, but may not be what was meant; `failed`, with what to do; `unseen`: cannot be known without changing
 * something, or not at all. What cannot be seen is listed, so that silence is not mistaken for health.
 */
export interface Check {
  readonly check: string
  /** The vault, queue, topic, or ARM scope. */
  readonly place: string
  readonly status: 'ok' | 'warning' | 'failed' | 'unseen'
  readonly detail?: string
  readonly code?: string
  readonly remedy?: string
  /** The targets that it concerns. */
  readonly targets?: readonly string[]
}

/** What the checks of one round share. */
export interface Round {
  readonly app: App
  readonly log: Log
  readonly signal: AbortSignal
}

/** Finds a more specific remedy than the error's own. */
export type RemedyFor = (error: RekeyError) => Promise<string | undefined>

/** Runs one check. Whatever is thrown is its failure: an unforeseen one must not hide the results of the others. */
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

/** A failure that the app treats as transient may be a mistyped name or a closed network when it appears in a health check. */
const outOfReach =
  'Check that the name is right, and that the app reaches the service: DNS, private endpoint, firewall, proxy. If all are correct, the service may have an outage: try again later.'

function isUnreached({ code, details: { service } }: RekeyError): boolean {
  return code === 'ServiceUnavailable' && service?.status === undefined
}

/** The service recognizes the identity and refuses it; a token that cannot be obtained is a different failure. */
export function isRefused({ code, details: { service } }: RekeyError): boolean {
  return code === 'PermissionDenied' && service?.status !== undefined
}

/** A check that cannot be made; `detail` says why. */
export function unseen(check: string, place: string, detail: string): Check {
  return { check, place, status: 'unseen', detail }
}

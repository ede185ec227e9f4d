// Room: the doorways. What one health check says.

import { RekeyError } from '../../rotation/errors.ts'

/**
 * `well`; `failed`, with what to do; `unseen`: cannot be known without changing something, or not at all. What cannot be
 * seen is said, so that nobody takes silence for health.
 */
export interface Check {
  readonly check: string
  /** The vault, queue, topic, or ARM scope. */
  readonly place: string
  readonly status: 'well' | 'failed' | 'unseen'
  readonly detail?: string
  readonly code?: string
  readonly remedy?: string
  /** Whom it concerns. */
  readonly targets?: readonly string[]
}

/**
 * Runs one check; a RekeyError is its failure, everything else is thrown. `remedyFor` may know better than the error what
 * to do at this place.
 */
export async function checked(
  check: string,
  place: string,
  run: () => Promise<string>,
  remedyFor: (error: RekeyError) => Promise<string | undefined> = async () => undefined,
): Promise<Check> {
  try {
    return { check, place, status: 'well', detail: await run() }
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    const remedy = (await remedyFor(error)) ?? (isUnreached(error) ? outOfReach : error.details.remedy)
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

// A service whose keys are switched off refuses in its own way, and often without saying why. Checked only after a
// refusal: the happy path does not pay for it.

import * as z from 'zod/mini'
import { RekeyError } from '../../engine/rekey-error.ts'

/** What most resources say of the matter: the part of `describe` that reads it. */
export const localAuthDescription = {
  answer: z.object({ properties: z.optional(z.object({ disableLocalAuth: z.nullish(z.boolean()) })) }),
  isKeyUseDisabled: ({
    properties,
  }: {
    readonly properties?: { readonly disableLocalAuth?: boolean | null | undefined } | undefined
  }) => properties?.disableLocalAuth === true,
}

/** The error to throw where keys cannot authenticate. `thing` names resource and place; `enabledBy`: the property that lets keys in. */
export function localAuthDisabled(
  thing: string,
  service?: RekeyError['details']['service'],
  enabledBy = 'disableLocalAuth: false',
): RekeyError {
  return new RekeyError('LocalAuthDisabled', {
    message: `${thing} has local authentication disabled: its keys can be neither used nor rotated`,
    remedy: `Enable local authentication (${enabledBy}) if its keys are needed; otherwise remove the target from targets.json.`,
    ...(service === undefined ? {} : { service }),
  })
}

/**
 * Runs a call on a resource's keys. When it is refused with 400, 403 or 409, or its answer lacks them, `isDisabled` reads the resource; a yes
 * turns the refusal into `LocalAuthDisabled`.
 */
export async function orLocalAuthDisabled<Answer>(
  thing: string,
  isDisabled: () => Promise<boolean>,
  run: () => Promise<Answer>,
  enabledBy?: string,
): Promise<Answer> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof RekeyError)) throw error
    if (error.code === 'LocalAuthDisabled' || (mayBeTheReason(error) && (await answersYes(isDisabled)))) {
      throw localAuthDisabled(thing, error.details.service, enabledBy)
    }
    throw error
  }
}

/** A listing that lacks its keys may be that of a resource which has deleted them. */
function mayBeTheReason({ code, details: { service } }: RekeyError): boolean {
  if (code === 'UnexpectedAnswer') return true
  return [400, 403, 409].includes(service?.status ?? 0) && service?.code !== 'AuthorizationFailed'
}

async function answersYes(isDisabled: () => Promise<boolean>): Promise<boolean> {
  try {
    return await isDisabled()
  } catch (error) {
    // The refusal itself says more than a failure to explain it.
    if (error instanceof RekeyError) return false
    throw error
  }
}

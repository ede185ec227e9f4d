// Why a target cannot be changed now, in words a caller can act on.

import { iso } from '../../../engine/duration.ts'
import type { Plan } from '../../../engine/preview.ts'
import { RekeyError } from '../../../engine/rekey-error.ts'
import type { Reason } from '../../../engine/stored-secret.ts'
import type { Instant, Target } from '../../../engine/target.ts'

/** 409 where another worker holds the lease of the credential. */
export function asBusy(target: Target): RekeyError {
  return new RekeyError('Busy', {
    target: target.name,
    message: 'another worker is changing this credential now',
    remedy: 'Send the request again in a minute, or with the header "Prefer: respond-async" to have it queued.',
    retryAfter: 60_000,
  })
}

/** 409 until the overlap has passed. `until`: when that is, where it is known. */
function asCooling(target: Target, until: Instant | undefined): RekeyError {
  const moment = until === undefined ? 'the overlap is over' : iso(until)
  return new RekeyError('Cooling', {
    target: target.name,
    message: `consumers may still hold the key before the current one; it stays valid until ${moment}`,
    remedy:
      'Send the request again after that moment, or a rotation with {"force": true} if that key is no longer used.',
  })
}

/** Why a request is not carried out now, by what a run would do first; undefined: it is. */
export function asNotNow(target: Target, plan: Pick<Plan, 'reason' | 'until'> | undefined): RekeyError | undefined {
  return plan?.reason === 'cooling' ? asCooling(target, plan.until) : asPaused(target, plan?.reason)
}

/** Unmanaged and paused secrets wait for an operator. Undefined for every other reason. */
export function asPaused(target: Target, reason: Reason | undefined): RekeyError | undefined {
  const names = target.secrets.map(({ name }) => name)
  const which = names.length === 1 ? `the secret ${names[0]}` : `one of the secrets ${names.join(', ')}`
  if (reason === 'unmanaged') {
    return new RekeyError('Unmanaged', {
      target: target.name,
      message: `${which} holds something that is not a live key of its resource`,
      remedy: 'Correct the secret name in targets.json, or set "adopt": true to let Rekey overwrite it.',
    })
  }
  if (reason !== 'paused') return undefined
  return new RekeyError('Paused', {
    target: target.name,
    message: `the current version of ${which} is disabled by hand`,
    remedy: `Enable it again: az keyvault secret set-attributes --id ${target.vault}/secrets/${names.length === 1 ? names[0] : '<secret>'} --enabled true`,
  })
}

/** A repair, or another client's change, came first: the request was based on another version. */
export function asSuperseded(target: Target): RekeyError {
  return new RekeyError('Superseded', {
    target: target.name,
    message: 'the secrets have changed since the version in "from", so the active slot was left as it is',
    remedy: `Read GET /api/targets/${target.name}, and send the command again with its "version" if it is still wanted.`,
  })
}

/** 409 where a promote or a swap has no live key to start from. `what`: the message. */
export function asDrifted(target: Target, what: string): RekeyError {
  return new RekeyError('Drifted', {
    target: target.name,
    message: what,
    remedy: `POST /api/targets/${target.name}/repair publishes a key that works; GET /api/targets/${target.name}/plan shows what is wrong.`,
  })
}

/** 400 for what the service, or this target, cannot do. `what`: the message. */
export function asNotSupported(target: Target, what: string, remedy: string): RekeyError {
  return new RekeyError('NotSupported', { target: target.name, message: what, remedy })
}

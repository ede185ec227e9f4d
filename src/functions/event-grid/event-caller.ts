// Says whether this app made the change that an event of a subscription is about.

import * as z from 'zod/mini'
import type { App } from '../../compose.ts'
import type { Log } from '../../engine/ports.ts'
import { callLimit } from '../../engine/target.ts'
import { asRekeyError } from '../../engine/unforeseen.ts'
import { claimsOf } from '../shared/claims.ts'

const objectId = 'http://schemas.microsoft.com/identity/claims/objectidentifier'
/** Of the token with which the caller changed the resource. `appid` is the client id of an app or of a managed identity. */
const Caller = z.object({ claims: z.record(z.string(), z.unknown()) })

/**
 * Whether the event's caller is the app's own identity. False where that is not known: a comparison too many finds nothing to do, and one
 * too few leaves consumers with a dead key until the daily resync.
 */
export async function isOwnCaller(data: unknown, app: App, log: Log): Promise<boolean> {
  const { data: caller } = Caller.safeParse(data)
  if (caller === undefined) return false
  const theirs = ['appid', 'azp', objectId].map((name) => caller.claims[name])
  const ours = await ownIds(app, log)
  return theirs.some((id) => typeof id === 'string' && ours.includes(id.toLowerCase()))
}

/** Client id or object id, in lower case: as the settings say, else as the app's token does, which is in memory but for the first time. */
async function ownIds({ settings, azure }: App, log: Log): Promise<readonly string[]> {
  if (settings.clientId !== undefined) return [settings.clientId.toLowerCase()]
  try {
    const scope = `${azure.cloud.resourceManager}/.default`
    const { oid, appid } = await claimsOf(azure.credential, scope, AbortSignal.timeout(callLimit))
    return [oid, appid].flatMap((id) => id?.toLowerCase() ?? [])
  } catch (thrown) {
    const { code } = asRekeyError(thrown, log)
    log('warn', 'whether a change is our own is not known: its target is compared', { code })
    return []
  }
}

// Health of the identity: whether it gets a token, and which principal it is. Changes nothing.

import { claimsOf } from '../shared/claims.ts'
import { type Check, checked, type Round } from './health-check.ts'

/** The caller. On a developer's own machine that is the developer, with their own permissions. */
export function checkIdentity(round: Round): Promise<Check> {
  const { app, signal } = round
  const { resourceManager, authority } = app.azure.cloud
  return checked(round, 'identity', authority, async () => {
    const { oid, scp } = await claimsOf(app.azure.credential, `${resourceManager}/.default`, signal)
    return scp === undefined
      ? `the service principal ${oid}`
      : `the user ${oid}: the app's own identity may have other permissions`
  })
}

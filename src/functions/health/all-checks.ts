// Everything that health checks; `npm run doctor` runs the same checks. Changes no key and no secret.

import { asStopped, isStopped, stopSetting } from '../shared/stop-switch.ts'
import { checkConfiguration, checkTagged } from './configuration-check.ts'
import { type Check, checked, type Round, unseen } from './health-check.ts'
import { checkIdentity } from './identity-check.ts'
import { checkPermissions } from './permissions-check.ts'
import { checkReminders } from './reminders-check.ts'
import { checkStorage, checkTopic, checkVaults } from './resources-check.ts'
import { checkCompared } from './resync-check.ts'

/** All checks. `mostScopes`: for how many resources the permissions are requested. */
export async function checksOf(round: Round, mostScopes: number): Promise<readonly Check[]> {
  const [configuration, identity, running] = await Promise.all([
    checkConfiguration(round),
    checkIdentity(round),
    checkRunning(round),
  ])
  const always = [...configuration, ...checkTagged(round), running, identity]
  if (isWithoutToken(identity)) return [...always, ...(await checksWithoutToken(round))]
  const groups = await Promise.all([
    checkVaults(round),
    ...checkStorage(round),
    checkTopic(round),
    checkCompared(round),
    checkReminders(round),
    checkPermissions(round, mostScopes),
  ])
  return [...always, ...groups.flat()]
}

/** Whether an operator has stopped everything that changes anything. */
function checkRunning(round: Round): Promise<Check> {
  return checked(round, 'running', stopSetting, async () => {
    if (isStopped(round.app)) throw asStopped()
    return 'nothing is stopped'
  })
}

/** No one is signed in, or the identity endpoint gives no token: every other call would fail for this one reason. */
export function isWithoutToken({ check, status, code }: Check): boolean {
  return check === 'identity' && status === 'failed' && code === 'PermissionDenied'
}

export const withoutToken = 'not checked: there is no token, as the check "identity" says'

/** What needs no token is still checked. */
async function checksWithoutToken(round: Round): Promise<readonly Check[]> {
  const byKey = round.app.settings.storage.by === 'connectionString' ? await Promise.all(checkStorage(round)) : []
  return [...byKey, unseen('vaults, topic, permissions', 'everything that needs a token', withoutToken)]
}

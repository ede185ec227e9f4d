// Room: the doorways. Everything that health looks at; `npm run doctor` looks at the same. Changes no key and no secret.

import { type Check, type Round, unseen } from './check.ts'
import { checkCompared } from './compared.ts'
import { checkConfiguration } from './configuration.ts'
import { checkIdentity } from './identity.ts'
import { checkPermissions } from './permissions.ts'
import { checkStorage, checkTopic, checkVaults } from './places.ts'

/** All checks. `mostScopes`: of how many resources the permissions are asked for. */
export async function checksOf(round: Round, mostScopes: number): Promise<readonly Check[]> {
  const [configuration, identity] = await Promise.all([checkConfiguration(round), checkIdentity(round)])
  if (isWithoutToken(identity)) return [...configuration, identity, ...(await withoutToken(round))]
  const groups = await Promise.all([
    checkVaults(round),
    ...checkStorage(round),
    checkTopic(round),
    checkCompared(round),
    checkPermissions(round, mostScopes),
  ])
  return [...configuration, identity, ...groups.flat()]
}

/** Nobody is signed in, or the identity endpoint gives no token: every other call would fail for this one reason. */
function isWithoutToken({ status, code }: Check): boolean {
  return status === 'failed' && code === 'PermissionDenied'
}

/** What needs no token is checked all the same. */
async function withoutToken(round: Round): Promise<readonly Check[]> {
  const byKey = round.app.settings.storage.by === 'connectionString' ? await Promise.all(checkStorage(round)) : []
  const rest = 'not checked: there is no token. See the check "identity"'
  return [...byKey, unseen('vaults, topic, permissions', 'everything that needs a token', rest)]
}

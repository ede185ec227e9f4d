// Room: the doorways. Everything that health looks at; `npm run doctor` looks at the same. Changes nothing.

import { type Check, checked, type Round } from './check.ts'
import { checkIdentity } from './identity.ts'
import { checkPermissions } from './permissions.ts'
import { checkStorage, checkTopic, checkVaults } from './places.ts'

/** All checks. `mostScopes`: of how many resources the permissions are asked for. */
export async function checksOf(round: Round, mostScopes: number): Promise<readonly Check[]> {
  const { app } = round
  const configuration = checked(round, 'configuration', app.settings.targets, async () => {
    return `${app.targets.length} targets, ${app.targets.filter((target) => target.enabled).length} enabled`
  })
  const groups = await Promise.all([
    configuration,
    checkIdentity(round),
    checkVaults(round),
    ...checkStorage(round),
    checkTopic(round),
    checkPermissions(round, mostScopes),
  ])
  return groups.flat()
}

// Room: the doorways. Everything that health looks at; `npm run doctor` looks at the same. Changes nothing.

import type { App } from '../../compose.ts'
import { type Check, checked } from './check.ts'
import { checkIdentity } from './identity.ts'
import { checkPermissions } from './permissions.ts'
import { checkStorage, checkTopic, checkVaults } from './places.ts'

/** All checks. `mostScopes`: of how many resources the permissions are asked for. */
export async function checksOf(app: App, mostScopes: number, signal: AbortSignal): Promise<readonly Check[]> {
  const configuration = checked('configuration', app.settings.targets, async () => {
    return `${app.targets.length} targets, ${app.targets.filter((target) => target.enabled).length} enabled`
  })
  const groups = await Promise.all([
    Promise.all([configuration, checkIdentity(app, signal)]),
    ...checkVaults(app, signal),
    ...checkStorage(app, signal),
    checkTopic(app, signal),
    checkPermissions(app, mostScopes, signal),
  ])
  return groups.flat()
}

// Azure Resource Manager's permissions API: what the caller may do at a scope.

import type { Kernel } from '../kernel.ts'
import type { SimulatedService } from '../simulated-service.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof armPermissions> {}
}

export const service: SimulatedService = {
  install: armPermissions,
}

function armPermissions(kernel: Kernel) {
  /** Actions checked by an operation outside Azure Resource Manager: data actions, as role definitions call them. */
  const dataActions = (): string[] =>
    kernel.operations
      .filter(({ host }) => host !== 'resource-manager' && host !== 'graph')
      .flatMap(({ permission, checks }) => [...(permission ? [permission] : []), ...(checks ?? [])])
  const controlActions = (): string[] =>
    kernel.operations.filter(({ host }) => host === 'resource-manager').flatMap(({ permission }) => permission ?? [])

  kernel.register([
    {
      operation: 'authorization/listPermissions',
      host: 'resource-manager',
      method: 'GET',
      path: '/*/providers/Microsoft.Authorization/permissions',
      apiVersions: ['2015-07-01', '2022-04-01'],
      handle(call) {
        call.authorize('Microsoft.Authorization/permissions/read')
        const data = dataActions()
        const control = controlActions()
        const isData = (action: string) => data.some((known) => matches(action, known))
        const isControl = (action: string) => !isData(action) || control.some((known) => matches(action, known))
        const value = kernel.identity.permissionsAt(`/${call.params['rest']}`).map(({ actions, notActions }) => ({
          actions: actions.filter(isControl),
          notActions: notActions.filter(isControl),
          dataActions: actions.filter(isData),
          notDataActions: notActions.filter(isData),
        }))
        return { status: 200, body: { value } }
      },
    },
  ])
  return {}
}

function matches(pattern: string, action: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source}$`, 'i').test(action)
}

// Subscriptions of API Management: Azure Resource Manager alone. The answers are checked by
// test/providers/api-management-subscription.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { type ArmKeysHandle, armKeys } from './arm-keys.ts'

export interface ApiManagementSubscriptionOptions {
  readonly subscription?: string
  readonly group?: string
  readonly service: string
  /** Default: the subscription is the service's own. */
  readonly workspace?: string
  readonly name: string
}

export const sample: Sample = {
  add: (cloud, name = 'orders') => {
    const handle = cloud.apiManagementSubscriptions.add({ service: 'contoso-apim', name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  others: [
    (cloud, name = 'orders') => {
      const handle = cloud.apiManagementSubscriptions.add({ service: 'contoso-apim', workspace: 'payments', name })
      return { fields: { resource: handle.resourceId }, handle }
    },
  ],
  read: 'api-management-subscription/listSecrets',
  regenerate: 'api-management-subscription/regenerateKey',
  answersNewKey: 'api-management-subscription/listSecrets',
  answersNothing: true,
  apiVersions: ['2024-05-01'],
  rotation: ['api-management-subscription/regenerateKey', 'api-management-subscription/listSecrets'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof apiManagementSubscriptions> {}
}

export const service: SimulatedService = { dataPlanes: [], install: apiManagementSubscriptions }

function apiManagementSubscriptions(kernel: Kernel) {
  const own = subscriptionsOf(kernel, 'Microsoft.ApiManagement/service/subscriptions', [
    '2021-08-01',
    '2022-08-01',
    '2024-05-01',
  ])
  const inWorkspaces = subscriptionsOf(kernel, 'Microsoft.ApiManagement/service/workspaces/subscriptions', [
    '2024-05-01',
  ])
  kernel.register([...own.operations, ...inWorkspaces.operations])

  return {
    apiManagementSubscriptions: {
      /** A new subscription of the API Management service, or of a workspace. Defaults: a fixed subscription of Azure, resource group `rg`. */
      add: ({ service, workspace, ...options }: ApiManagementSubscriptionOptions): ArmKeysHandle =>
        workspace === undefined
          ? own.add({ ...options, above: [service] })
          : inWorkspaces.add({ ...options, above: [service, workspace] }),
    },
  }
}

function subscriptionsOf(kernel: Kernel, type: string, apiVersions: readonly string[]) {
  return armKeys(kernel, {
    service: 'api-management-subscription',
    type,
    apiVersions,
    slots: ['primary', 'secondary'],
    mint: (dice) => dice.bytes(16).toString('hex'),
    list: {
      action: 'listSecrets',
      permission: `${type}/listSecrets/action`,
      body: (_subscription, { primary, secondary }) => ({ primaryKey: primary, secondaryKey: secondary }),
    },
    regenerate: {
      action: 'regenerateKey',
      permission: '',
      actions: {
        regeneratePrimaryKey: `${type}/regeneratePrimaryKey/action`,
        regenerateSecondaryKey: `${type}/regenerateSecondaryKey/action`,
      },
      slot: ({ url }) => (url.pathname.toLowerCase().endsWith('/regenerateprimarykey') ? 'primary' : 'secondary'),
      reply: () => ({ status: 204 }),
    },
  })
}

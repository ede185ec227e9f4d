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
  readonly name: string
}

const type = 'Microsoft.ApiManagement/service/subscriptions'

export const sample: Sample = {
  add: (cloud, name = 'orders') => {
    const handle = cloud.apiManagementSubscriptions.add({ service: 'contoso-apim', name })
    return { fields: { resource: handle.resourceId }, handle }
  },
  read: 'api-management-subscription/listSecrets',
  regenerate: 'api-management-subscription/regenerateKey',
  answersNewKey: 'api-management-subscription/listSecrets',
  answersNothing: true,
  apiVersions: ['2022-08-01'],
  rotation: ['api-management-subscription/regenerateKey', 'api-management-subscription/listSecrets'],
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof apiManagementSubscriptions> {}
}

export const service: SimulatedService = { dataPlanes: [], install: apiManagementSubscriptions }

function apiManagementSubscriptions(kernel: Kernel) {
  const { operations, add } = armKeys(kernel, {
    service: 'api-management-subscription',
    type,
    apiVersions: ['2021-08-01', '2022-08-01', '2024-05-01'],
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
  kernel.register(operations)

  return {
    apiManagementSubscriptions: {
      /** A new subscription of the API Management service. Defaults: a fixed subscription of Azure, resource group `rg`. */
      add: ({ service, ...options }: ApiManagementSubscriptionOptions): ArmKeysHandle =>
        add({ ...options, above: [service] }),
    },
  }
}

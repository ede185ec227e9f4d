// Notification Hubs: authorization rules of namespaces and hubs. The answers are checked by
// test/providers/notification-hubs.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { messagingPlane } from './messaging-data-plane.ts'
import { messagingRules, namespaceFor } from './messaging-rules.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof notificationHubs> {}
}

export const service: SimulatedService = { dataPlanes: [messagingPlane], install: notificationHubs }

export const sample: Sample = {
  add: (cloud, name = 'push') => {
    const handle = cloud.notificationHubs.add({ namespace: namespaceFor(`${name}-push`) })
    return { fields: { resource: handle.resourceId }, handle }
  },
  others: [
    (cloud, name = 'push') => {
      const at = { part: 'notificationHubs', name: 'news' }
      const rule = 'DefaultListenSharedAccessSignature'
      const handle = cloud.notificationHubs.add({ namespace: namespaceFor(`${name}-push`), rule, at })
      return { fields: { resource: handle.resourceId }, handle }
    },
  ],
  read: 'notification-hubs/listKeys',
  regenerate: 'notification-hubs/regenerateKeys',
  apiVersions: ['2017-04-01'],
  rotation: ['notification-hubs/regenerateKeys', 'messaging/listEntities'],
}

function notificationHubs(kernel: Kernel) {
  return {
    notificationHubs: {
      add: messagingRules(kernel, {
        service: 'notification-hubs',
        namespace: 'Microsoft.NotificationHubs',
        parts: ['notificationHubs'],
        apiVersions: ['2017-04-01', '2023-09-01'],
        slotField: 'policyKey',
        withoutPath: true,
        lists: ['notificationhubs'],
      }),
    },
  }
}

// Event Hubs: authorization rules of namespaces and event hubs. The answers are checked by test/providers/event-hubs.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { messagingPlane } from './messaging-data-plane.ts'
import { messagingRules, namespaceFor } from './messaging-rules.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof eventHubs> {}
}

export const service: SimulatedService = { dataPlanes: [messagingPlane], install: eventHubs }

export const sample: Sample = {
  add: (cloud, name = 'telemetry') => {
    const namespace = namespaceFor(`${name}-hubs`)
    const alias = `${namespace.slice(0, 44)}-alias`
    const handle = cloud.eventHubs.add({ namespace, alias })
    return { fields: { resource: handle.resourceId, alias }, handle }
  },
  others: [
    (cloud, name = 'telemetry') => {
      const at = { part: 'eventhubs', name: 'readings' }
      const handle = cloud.eventHubs.add({ namespace: namespaceFor(`${name}-hubs`), rule: 'send', at })
      return { fields: { resource: handle.resourceId }, handle }
    },
  ],
  read: 'event-hubs/listKeys',
  regenerate: 'event-hubs/regenerateKeys',
  describesFirst: 'event-hubs/getNamespace',
  apiVersions: ['2021-11-01'],
  rotation: ['event-hubs/getNamespace', 'event-hubs/regenerateKeys', 'messaging/listEntities'],
}

function eventHubs(kernel: Kernel) {
  return {
    eventHubs: {
      add: messagingRules(kernel, {
        service: 'event-hubs',
        namespace: 'Microsoft.EventHub',
        parts: ['eventhubs'],
        apiVersions: ['2017-04-01', '2021-11-01', '2024-01-01'],
        mark: '+AEh',
        slotField: 'keyType',
        takesKeys: true,
        hasAlias: true,
        hasLocalAuth: true,
        lists: ['eventhubs'],
      }),
    },
  }
}

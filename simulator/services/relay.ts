// Azure Relay: authorization rules of namespaces, hybrid connections and WCF relays. The answers are checked by
// test/providers/relay.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { messagingPlane } from './messaging-data-plane.ts'
import { messagingRules, namespaceFor } from './messaging-rules.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof relay> {}
}

export const service: SimulatedService = { dataPlanes: [messagingPlane], install: relay }

export const sample: Sample = {
  add: (cloud, name = 'bridge') => {
    const handle = cloud.relay.add({ namespace: namespaceFor(`${name}-relay`) })
    return { fields: { resource: handle.resourceId }, handle }
  },
  others: ['hybridConnections', 'wcfRelays'].map((part) => (cloud, name = 'bridge') => {
    const at = { part, name: 'onpremises' }
    const handle = cloud.relay.add({ namespace: namespaceFor(`${name}-relay`), rule: 'listen', at })
    return { fields: { resource: handle.resourceId }, handle }
  }),
  read: 'relay/listKeys',
  regenerate: 'relay/regenerateKeys',
  apiVersions: ['2021-11-01'],
  rotation: ['relay/regenerateKeys'],
}

function relay(kernel: Kernel) {
  return {
    relay: {
      add: messagingRules(kernel, {
        service: 'relay',
        namespace: 'Microsoft.Relay',
        parts: ['hybridConnections', 'wcfRelays'],
        apiVersions: ['2017-04-01', '2021-11-01', '2024-01-01'],
        mark: '+ARm',
        slotField: 'keyType',
        takesKeys: true,
        lists: ['relays'],
      }),
    },
  }
}

// Service Bus: authorization rules of namespaces, queues and topics. The answers are checked by test/providers/service-bus.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { messagingPlane } from './messaging-data-plane.ts'
import { messagingRules, namespaceFor } from './messaging-rules.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof serviceBus> {}
}

export const service: SimulatedService = { dataPlanes: [messagingPlane], install: serviceBus }

export const sample: Sample = {
  add: (cloud, name = 'messages') => {
    const namespace = namespaceFor(name)
    const alias = `${namespace.slice(0, 44)}-alias`
    const handle = cloud.serviceBus.add({ namespace, alias })
    return { fields: { resource: handle.resourceId, alias }, handle }
  },
  others: ['queues', 'topics'].map((part) => (cloud, name = 'messages') => {
    const handle = cloud.serviceBus.add({ namespace: namespaceFor(name), rule: 'send', at: { part, name: 'orders' } })
    return { fields: { resource: handle.resourceId }, handle }
  }),
  read: 'service-bus/listKeys',
  regenerate: 'service-bus/regenerateKeys',
  describesFirst: 'service-bus/getNamespace',
  apiVersions: ['2021-11-01'],
  rotation: ['service-bus/getNamespace', 'service-bus/regenerateKeys', 'messaging/listEntities'],
  estate: ({ cloud, group, due }) => {
    const [namespace, alias] = ['contoso-messages', 'contoso-messages-pair']
    // Of paired namespaces: consumers hold the alias, which survives a failover.
    const rule = cloud.serviceBus.add({ ...group, namespace, alias })
    const text = rule.connectionString('primary')
    const values = { 'messages-alias': text.replace(namespace, alias), 'messages-connection': text }
    due({ target: 'messages', slot: 'primary', address: rule.resourceId, values })
    // Of one queue: nothing can be asked with its keys that takes no message.
    const queue = cloud.serviceBus.add({ ...group, namespace, rule: 'listen', at: { part: 'queues', name: 'returns' } })
    const listen = { 'returns-connection': queue.connectionString('primary') }
    due({ target: 'returns', slot: 'primary', address: queue.resourceId, values: listen })
    const secrets = { 'messages-alias': 'aliasConnectionString', 'messages-connection': 'connectionString' }
    return [
      { name: 'messages', fields: { resource: rule.resourceId, alias }, secrets },
      {
        name: 'returns',
        fields: { resource: queue.resourceId },
        secrets: { 'returns-connection': 'connectionString' },
      },
    ]
  },
}

function serviceBus(kernel: Kernel) {
  return {
    serviceBus: {
      add: messagingRules(kernel, {
        service: 'service-bus',
        namespace: 'Microsoft.ServiceBus',
        parts: ['queues', 'topics'],
        apiVersions: ['2017-04-01', '2021-11-01', '2024-01-01'],
        mark: '+ASb',
        slotField: 'keyType',
        takesKeys: true,
        hasAlias: true,
        hasLocalAuth: true,
        lists: ['queues', 'topics'],
      }),
    },
  }
}

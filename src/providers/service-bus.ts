// Service Bus: authorization rules of a namespace, a queue or a topic.

import { authorizationRulesWithAlias } from './wire/authorization-rules.ts'

const entityName = {
  // A slash in the name of a queue or topic is ~ in an ARM id.
  name: /^[A-Za-z0-9_](?:[\w.~-]{0,258}[A-Za-z0-9_])?$/,
  rule: '1 to 260 letters, digits, ., -, _ or ~, beginning and ending with none of the marks',
  example: 'orders',
}

export const serviceBus = authorizationRulesWithAlias({
  id: 'service-bus',
  title: 'Service Bus authorization rule',
  clouds: ['public', 'usgov', 'china'],
  places: { namespace: 'Microsoft.ServiceBus', parts: { queues: entityName, topics: entityName } },
  apiVersion: '2021-11-01',
  grant: 'Service Bus keys',
  slotField: 'keyType',
  takesKeys: true,
  hasLocalAuth: true,
  probe: { lists: 'queues', apiVersion: '2021-05' },
})

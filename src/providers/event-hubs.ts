// Event Hubs: authorization rules of a namespace or an event hub.

import { authorizationRulesWithAlias } from './wire/authorization-rules.ts'

const hubName = {
  name: /^[A-Za-z0-9](?:[\w.-]{0,254}[A-Za-z0-9])?$/,
  rule: '1 to 256 letters, digits, ., - or _, with a letter or digit at both ends',
  example: 'readings',
}

export const eventHubs = authorizationRulesWithAlias({
  id: 'event-hubs',
  title: 'Event Hubs authorization rule',
  clouds: ['public', 'usgov', 'china'],
  places: { namespace: 'Microsoft.EventHub', parts: { eventhubs: hubName } },
  apiVersion: '2021-11-01',
  grant: 'Event Hubs keys',
  slotField: 'keyType',
  takesKeys: true,
  hasLocalAuth: true,
  probe: { lists: 'eventhubs', apiVersion: '2014-01' },
})

// Notification Hubs: authorization rules of a namespace or a notification hub.

import { authorizationRules } from './wire/authorization-rules.ts'

const hubName = {
  // A slash in the name of a hub is ~ in an ARM id.
  name: /^[A-Za-z][\w.~-]{0,259}$/,
  rule: '1 to 260 letters, digits, ., -, _ or ~, beginning with a letter',
  example: 'news',
}

export const notificationHubs = authorizationRules({
  id: 'notification-hubs',
  title: 'Notification Hubs authorization rule',
  clouds: ['public', 'usgov', 'china'],
  places: { namespace: 'Microsoft.NotificationHubs', parts: { notificationHubs: hubName } },
  apiVersion: '2017-04-01',
  grant: 'Notification Hubs keys',
  slotField: 'policyKey',
  probe: { lists: 'NotificationHubs', apiVersion: '2014-09' },
})

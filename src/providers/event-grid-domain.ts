// Event Grid: domains. A domain's keys publish to each of its topics.

import { eventGridKeys } from './wire/event-grid-keys.ts'

export const eventGridDomain = eventGridKeys({
  id: 'event-grid-domain',
  title: 'Event Grid domain',
  kind: 'domains',
  example: 'customers',
})

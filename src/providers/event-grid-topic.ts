// Event Grid: custom topics.

import { eventGridKeys } from './wire/event-grid-keys.ts'

export const eventGridTopic = eventGridKeys({
  id: 'event-grid-topic',
  title: 'Event Grid topic',
  kind: 'topics',
  example: 'orders',
})

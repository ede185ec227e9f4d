// Event Grid: topics and their keys. The answers are checked by test/providers/event-grid-topic.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { eventGridName, eventGridResources, eventGridSample } from './event-grid-resources.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof eventGridTopics> {}
}

export const service: SimulatedService = { install: eventGridTopics }

export const sample: Sample = {
  ...eventGridSample('topic', (cloud, name = 'orders') => {
    const handle = cloud.eventGridTopics.add({ name: eventGridName(name) })
    return { fields: { resource: handle.resourceId }, handle }
  }),
  others: [
    (cloud, name = 'orders') => {
      const handle = cloud.eventGridTopics.add({ name: eventGridName(name), answers: 'accepted' })
      return { fields: { resource: handle.resourceId }, handle }
    },
  ],
}

function eventGridTopics(kernel: Kernel) {
  return { eventGridTopics: { add: eventGridResources(kernel, 'topic') } }
}

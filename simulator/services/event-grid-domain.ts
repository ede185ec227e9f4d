// Event Grid: domains and their keys. The answers are checked by test/providers/event-grid-domain.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { eventGridName, eventGridResources, eventGridSample } from './event-grid-resources.ts'

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof eventGridDomains> {}
}

export const service: SimulatedService = { install: eventGridDomains }

export const sample: Sample = eventGridSample('domain', (cloud, name = 'customers') => {
  const handle = cloud.eventGridDomains.add({ name: eventGridName(name) })
  return { fields: { resource: handle.resourceId }, handle }
})

function eventGridDomains(kernel: Kernel) {
  return { eventGridDomains: { add: eventGridResources(kernel, 'domain') } }
}

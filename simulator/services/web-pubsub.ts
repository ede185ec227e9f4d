// Azure Web PubSub. The answers are checked by test/providers/web-pubsub.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { signalrDialect, signalrSample, signalrService } from './signalr-service.ts'

export const sample: Sample = {
  ...signalrSample('web-pubsub'),
  add: (cloud, name = 'board') => {
    const handle = cloud.webPubsubs.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof webPubsubs> {}
}

export const service: SimulatedService = {
  dataPlanes: [{ group: 'web-pubsub', hosts: ['.webpubsub.azure.com'], dialect: signalrDialect }],
  install: webPubsubs,
}

function webPubsubs(kernel: Kernel) {
  return {
    webPubsubs: signalrService(kernel, {
      service: 'web-pubsub',
      kind: 'WebPubSub',
      suffix: 'webpubsub.azure.com',
      dataVersions: ['2024-01-01'],
      audience: ({ href }) => href,
    }),
  }
}

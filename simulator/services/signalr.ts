// Azure SignalR Service. The answers are checked by test/providers/signalr.test.ts.

import type { Kernel } from '../kernel.ts'
import type { Sample } from '../sample.ts'
import type { SimulatedService } from '../simulated-service.ts'
import { signalrDialect, signalrSample, signalrService } from './signalr-service.ts'

export const sample: Sample = {
  ...signalrSample('signalr'),
  add: (cloud, name = 'chat') => {
    const handle = cloud.signalrServices.add({ name })
    return { fields: { resource: handle.resourceId }, handle }
  },
}

declare module '../simulated-service.ts' {
  interface Fleets extends ReturnType<typeof signalrServices> {}
}

export const service: SimulatedService = {
  dataPlanes: [
    {
      group: 'signalr',
      hosts: ['.service.signalr.net', '.signalr.azure.us', '.signalr.azure.cn'],
      dialect: signalrDialect,
    },
  ],
  install: signalrServices,
}

function signalrServices(kernel: Kernel) {
  return {
    signalrServices: signalrService(kernel, {
      service: 'signalr',
      kind: 'SignalR',
      suffix: 'service.signalr.net',
      dataVersions: ['2022-06-01'],
      audience: ({ origin, pathname }) => `${origin}${pathname}`,
    }),
  }
}

// Room: the tests of the providers. One resource of every provider, for whoever tests over all of them.

import type { Cloud, ServiceHandle } from '../../simulator/cloud.ts'

export interface Member {
  /** The provider's own fields of a target in targets.json. */
  readonly fields: Readonly<Record<string, string>>
  readonly handle: ServiceHandle
}

/** By provider id: adds a resource to the cloud. Every service can have others beside it; `name` tells them apart. */
export const fleet: Readonly<Record<string, (cloud: Cloud, name?: string) => Member>> = {
  'cognitive-services': (cloud, name = 'vision') => whole(cloud.cognitiveServices.add({ name })),
  'communication-services': (cloud, name = 'chat') => whole(cloud.communicationServices.add({ name })),
  'log-analytics': (cloud, name = 'logs') => whole(cloud.logAnalytics.add({ name })),
  'iot-hub-policy': (cloud, name = 'hub1') => {
    const hub = cloud.iotHubs.add({ name })
    return { fields: { resource: hub.resourceId, policy: 'service' }, handle: hub.policy('service') }
  },
  'iot-hub-device': (cloud, name = 'hub1') => {
    const hub = cloud.iotHubs.add({ name })
    return { fields: { hub: hub.host, device: 'Thermostat-7' }, handle: hub.device('Thermostat-7') }
  },
  // One per tenant, so it is there already.
  'defender-sensor': (cloud) => ({ fields: {}, handle: cloud.defenderSensor }),
}

function whole(handle: ServiceHandle): Member {
  return { fields: { resource: handle.resourceId }, handle }
}

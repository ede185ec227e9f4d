// A device of an IoT hub’s registry, as the sample for the tests that run over every service. The registry itself is in
// iot-registry.ts.

import type { Sample } from '../sample.ts'

export const sample: Sample = {
  add: (cloud, name = 'hub1') => {
    const hub = cloud.iotHubs.add({ name })
    return { fields: { hub: hub.host, device: 'Thermostat-7' }, handle: hub.device('Thermostat-7') }
  },
  read: 'iot-registry/getDevice',
  regenerate: 'iot-registry/regenerateKeys',
  apiVersions: ['2024-03-31'],
  rotation: ['iot-registry/regenerateKeys'],
}

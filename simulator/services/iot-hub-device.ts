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
  estate: ({ cloud, group, due }) => {
    const hub = cloud.iotHubs.add({ ...group, name: 'contoso-devices' })
    const device = hub.device('thermostat-7')
    const values = { 'thermostat-7-key': device.keyOf('primary') }
    due({ target: 'thermostat-7', slot: 'primary', address: device.resourceId, values })
    const fields = { hub: hub.host, device: 'thermostat-7' }
    return [{ name: 'thermostat-7', fields, secrets: { 'thermostat-7-key': 'key' } }]
  },
}

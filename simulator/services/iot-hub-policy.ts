// A shared access policy of an IoT hub, as the sample for the tests that run over every service. The hub itself is in
// iot-hub.ts.

import type { Sample } from '../sample.ts'

export const sample: Sample = {
  add: (cloud, name = 'hub1') => {
    const hub = cloud.iotHubs.add({ name })
    return { fields: { resource: hub.resourceId, policy: 'service' }, handle: hub.policy('service') }
  },
  read: 'iot-hub/listKeysOfPolicy',
  regenerate: 'iot-hub/putHub',
  // A policy's new key is not in the answer to the write, but read afterwards.
  answersNewKey: 'iot-hub/listKeysOfPolicy',
  apiVersions: ['2023-06-30'],
  rotation: [
    'iot-hub/getHub',
    'iot-hub/listKeys',
    'iot-hub/putHub',
    // Half a minute, at 2, 6, 14, 24 and 34 seconds.
    ...Array.from({ length: 5 }, () => 'iot-hub/getOperation'),
    'iot-hub/listKeysOfPolicy',
    'iot-registry/serviceStatistics',
  ],
  // That the hub is being written; that it was. The write takes longer than a lease lasts.
  storage: ['lease/writeMetadata', 'lease/renew', 'lease/writeMetadata'],
  // A hub refuses an address with the 401 of a wrong key.
  estate: ({ cloud, group, due }) => {
    const hub = cloud.iotHubs.add({ ...group, name: 'contoso-hub' })
    const policy = hub.policy('service')
    const connection = `HostName=${hub.host};SharedAccessKeyName=service;SharedAccessKey=${policy.keyOf('primary')}`
    due({
      target: 'hub-service',
      slot: 'primary',
      address: policy.resourceId,
      values: { 'hub-connection': connection },
    })
    const fields = { resource: hub.resourceId, policy: 'service' }
    const lease = `iot-hub-policy:${hub.resourceId}`
    return [{ name: 'hub-service', fields, secrets: { 'hub-connection': 'connectionString' }, lease }]
  },
}

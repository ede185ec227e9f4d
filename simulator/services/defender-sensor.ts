// The deployment key of Defender for Identity’s sensors, as the sample for the tests that run over every service.
// Microsoft Graph is in graph.ts.

import type { Sample } from '../sample.ts'

export const sample: Sample = {
  // One per tenant, so it is there already.
  add: (cloud) => ({ fields: {}, handle: cloud.defenderSensor }),
  read: 'graph/getDeploymentAccessKey',
  regenerate: 'graph/regenerateDeploymentAccessKey',
  apiVersions: [],
  rotation: ['graph/regenerateDeploymentAccessKey'],
  estate: ({ cloud: { defenderSensor: sensor }, due }) => {
    // A single slot: the new key replaces the old one at once.
    due({ target: 'sensor', slot: 'key', address: sensor.resourceId, values: { 'sensor-key': sensor.keyOf('key') } })
    return [{ name: 'sensor', fields: {}, secrets: { 'sensor-key': 'key' } }]
  },
}

// An IoT hub is written back with one key changed, and nothing else.

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { HubDescription, hubWith, Policy, withPolicy } from '../../../src/providers/wire/hub-description.ts'

const hub = HubDescription.parse({
  id: '/subscriptions/…/IotHubs/hub1',
  name: 'hub1',
  type: 'Microsoft.Devices/IotHubs',
  systemData: { createdBy: 'someone' },
  etag: 'AAAADH84Jzw=',
  subscriptionid: '…',
  resourcegroup: 'rg',
  location: 'westeurope',
  sku: { name: 'S1', tier: 'Standard', capacity: 2, newerThanUs: true },
  newerThanUs: { a: [1, { b: null }] },
  properties: {
    rootCertificate: { enableRootCertificateV2: true, lastUpdatedTimeUtc: '2025-09-22T10:41:21.0063629Z' },
    eventHubEndpoints: {
      events: {
        retentionTimeInDays: 4,
        partitionCount: 4,
        partitionIds: [],
        path: 'p',
        endpoint: 'sb://x/',
        newerThanUs: 1,
      },
    },
    provisioningState: 'Succeeded',
    state: 'Active',
    hostName: 'hub1.azure-devices.net',
    locations: [],
    disableLocalAuth: false,
    routing: { endpoints: { eventHubs: [{ connectionString: 'Endpoint=sb://x;SharedAccessKey=****' }] } },
    newerThanUs: 'kept',
  },
})

test('a hub is written back with everything but what the service calls read-only', () => {
  const before = structuredClone(hub)

  const written = hubWith(hub, [])

  assert.deepEqual(written, {
    etag: 'AAAADH84Jzw=',
    location: 'westeurope',
    sku: { name: 'S1', capacity: 2, newerThanUs: true },
    newerThanUs: { a: [1, { b: null }] },
    properties: {
      rootCertificate: { enableRootCertificateV2: true },
      eventHubEndpoints: { events: { retentionTimeInDays: 4, partitionCount: 4, newerThanUs: 1 } },
      disableLocalAuth: false,
      routing: { endpoints: { eventHubs: [{ connectionString: 'Endpoint=sb://x;SharedAccessKey=****' }] } },
      newerThanUs: 'kept',
      authorizationPolicies: [],
    },
  })
  assert.deepEqual(hub, before)
})

test('Whatever properties a hub has, none is lost when it is written', () => {
  const dropped = ['provisioningState', 'state', 'hostName', 'locations', 'authorizationPolicies', 'disableLocalAuth']
  const name = fc.string({ minLength: 1 }).filter((text) => !dropped.includes(text) && text !== '__proto__')

  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue()), (properties) => {
      const written = hubWith({ etag: 'e', properties: HubDescription.shape.properties.parse(properties) }, [])
      const { authorizationPolicies: _, ...rest } = (written as { properties: Record<string, unknown> }).properties
      assert.deepEqual(JSON.parse(JSON.stringify(rest)), JSON.parse(JSON.stringify(properties)))
    }),
    { numRuns: 50 },
  )
})

test('one policy changes; the others keep keys, rights, order and what else they have', () => {
  const policies = ['iothubowner', 'Service', 'device'].map((keyName) =>
    Policy.parse({
      keyName,
      primaryKey: `${keyName}1`,
      secondaryKey: `${keyName}2`,
      rights: 'RegistryRead, ServiceConnect',
      more: 1,
    }),
  )

  const written = withPolicy(policies, 'service', (policy) => ({ ...policy, primaryKey: 'other' }))

  assert.deepEqual(written, [policies[0], { ...policies[1], primaryKey: 'other' }, policies[2]])
})

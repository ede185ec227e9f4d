// An IoT hub's own host: what Azure was recorded, documented or reported to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { ConnectionLost, simulatedCloud } from '../../../simulator/cloud.ts'
import { missingPermission } from '../../../simulator/faults.ts'
import { anonymousCaller, caller } from '../raw-caller.ts'
import { sasToken } from '../services/signing.ts'
import { fact, type Source } from './fact.ts'

const extension = (file: string): Source => ({
  repository: 'Azure/azure-iot-cli-extension',
  file,
  date: '2024-10',
})
const regenerateKeys = extension('azext_iot/sdk/iothub/service/models/bulk_regenerate_key_result_py3.py')
const deviceIdentity = extension('azext_iot/operations/hub.py (device identity renew-key)')
/** The body; the header is in helium/console, issue 1039, 2022-02-14. */
const badKey: Source = { repository: 'Azure/azure-iot-sdk-csharp', file: 'issue 1070', date: '2019-09-23' }
const missingRight: Source = { repository: 'Azure/azure-iot-sdk-csharp', file: 'issue 3344', date: '2023-06-27' }
const networkRule: Source = { repository: 'MicrosoftDocs/azure-docs', file: 'pull request 86107', date: '2022-01-07' }
const hostNames: Source = {
  repository: 'learn.microsoft.com',
  file: 'azure/iot-hub/iot-hub-devguide-endpoints',
  date: '2024',
}
const now = Date.UTC(2026, 0, 1)

function registry() {
  const cloud = simulatedCloud({ clock: virtualClock(now) })
  const hub = cloud.iotHubs.add({ name: 'contoso', policies: { reader: 'RegistryRead' } })
  const device = hub.device('thermostat-7')
  const call = caller(cloud)
  const url = (path: string, version = '2024-03-31') => `https://${hub.host}${path}?api-version=${version}`
  const regenerate = (policyKey: string, ...ids: string[]) =>
    call('POST', url('/devices/keys/regenerate'), { policyKey, devices: ids.map((id) => ({ id })) })
  const signed = (path: string, policy: string, key = hub.policy(policy).keyOf('primary')) =>
    anonymousCaller(cloud)('GET', url(path, '2021-04-12'), undefined, {
      authorization: sasToken(hub.host, key, now / 1000 + 300, policy),
    })
  return { cloud, hub, device, call, url, regenerate, signed }
}

fact('one device: 200, with both keys of the device, of which the named one is new', regenerateKeys, async () => {
  const { device, regenerate } = registry()
  const { secondary } = device.keys()

  const { status, body } = await regenerate('primaryKey', 'thermostat-7')

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['policyKey', 'rotatedKeys', 'errors'])
  assert.deepEqual(body.rotatedKeys, [
    { id: 'thermostat-7', moduleId: null, primaryKey: device.keyOf('primary'), secondaryKey: secondary },
  ])
})

fact(
  'some devices without keys: 207, and each of them with its errorCode and errorStatus',
  regenerateKeys,
  async () => {
    const { hub, regenerate } = registry()
    hub.device('by-certificate', { type: 'selfSigned' })

    const { status, body } = await regenerate('primaryKey', 'thermostat-7', 'by-certificate')

    assert.equal(status, 207)
    assert.equal(body.rotatedKeys.length, 1)
    assert.deepEqual(Object.keys(body.errors[0]), ['id', 'moduleId', 'errorCode', 'errorStatus'])
  },
)

fact('no device with keys: 400, with a body of the same shape', regenerateKeys, async () => {
  const { regenerate } = registry()

  const { status, body } = await regenerate('primaryKey', 'unknown')

  assert.equal(status, 400)
  assert.deepEqual([body.rotatedKeys, body.errors[0].id], [[], 'unknown'])
})

fact(
  'a slot that there is not is 400 InvalidPolicyKey, with neither rotatedKeys nor errors',
  regenerateKeys,
  async () => {
    const { regenerate } = registry()

    const { status, body } = await regenerate('tertiaryKey', 'thermostat-7')

    assert.equal(status, 400)
    assert.match(body.Message, /^ErrorCode:InvalidPolicyKey;/)
    assert.deepEqual([body.rotatedKeys, body.errors], [undefined, undefined])
  },
)

fact('a device is written with its etag in quotes, or "*" in quotes', deviceIdentity, async () => {
  const { call, url } = registry()
  const { body, headers } = await call('GET', url('/devices/thermostat-7'))
  const put = (tag: string) => call('PUT', url('/devices/thermostat-7'), body, { 'if-match': tag })

  const statuses = [await put(`"${body.etag}"`), await put('"*"'), await put(`"${body.etag}"`), await put(body.etag)]

  assert.equal(headers.get('etag'), `"${body.etag}"`)
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [200, 200, 412, 400],
  )
})

fact('a bad key is 401 IotHubUnauthorizedAccess, in the body and in a header', badKey, async () => {
  const { signed } = registry()

  const { status, body, headers } = await signed('/statistics/devices', 'reader', Buffer.alloc(32).toString('base64'))

  assert.equal(status, 401)
  assert.equal(body.Message, 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized')
  assert.match(body.ExceptionMessage, /^Tracking ID:/)
  assert.equal(headers.get('iothub-errorcode'), 'IotHubUnauthorizedAccess')
})

fact('a policy without the right is 401, as is a principal without it', missingRight, async () => {
  const { signed } = registry()

  const { status, body } = await signed('/statistics/service', 'reader')

  assert.equal(status, 401)
  assert.match(body.Message, /^ErrorCode:IotHubUnauthorizedAccess;/)
})

fact('an identity without the right is 401 on the data plane', missingRight, async () => {
  const { cloud, call, url } = registry()
  cloud.faults.add(missingPermission({ action: 'Microsoft.Devices/IotHubs/devices/read' }))

  const { status, body } = await call('GET', url('/devices/thermostat-7'))

  assert.equal(status, 401)
  assert.match(
    body.Message,
    /^ErrorCode:IotHubUnauthorized;Principal .+ is not authorized .*due to no assigned permissions$/,
  )
})

fact('a hub closed to the network answers 401 to a valid key', networkRule, async () => {
  const { hub, signed } = registry()
  hub.changeByHand({ publicNetworkAccess: 'Disabled' })

  const { status, body } = await signed('/statistics/devices', 'reader')

  assert.equal(status, 401)
  assert.match(body.Message, /Unauthorized/)
})

fact('a hub that is not there has no host name, so no answer', hostNames, async () => {
  const { call } = registry()

  const asked = call('GET', 'https://nowhere.azure-devices.net/devices/thermostat-7?api-version=2024-03-31')

  await assert.rejects(asked, ConnectionLost)
})

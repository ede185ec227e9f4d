// An IoT hub's own host: who gets in with which key, and the device registry.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { missingPermission, throttle } from '../../../simulator/faults.ts'
import { anonymousCaller, caller } from '../raw-caller.ts'
import { sasToken } from './signing.ts'

const start = Date.parse('2026-01-01T00:00:00Z')

function world() {
  const cloud = simulatedCloud({ clock: virtualClock(start) })
  const hub = cloud.iotHubs.add({ name: 'hub1', policies: { reader: 'RegistryRead' } })
  const device = hub.device('Thermostat 7')
  const call = caller(cloud)
  const url = (path: string, version = '2024-03-31') => `https://${hub.host}${path}?api-version=${version}`
  const later = start / 1000 + 300
  /** Asks with a token of a policy, or a device's own. */
  async function ask(
    path: string,
    key: string,
    policy?: string,
    resource = hub.host,
    expires = later,
  ): Promise<number> {
    const authorization = sasToken(resource, key, expires, policy)
    const { status } = await anonymousCaller(cloud)('GET', url(path, '2021-04-12'), undefined, { authorization })
    return status
  }
  return { cloud, hub, device, call, url, ask, path: '/devices/Thermostat%207' }
}

test('a policy’s key opens what the policy has the right to, and nothing else', async () => {
  const { hub, ask } = world()
  const reader = hub.policy('reader')
  const service = hub.policy('service')
  const owner = hub.policy('iothubowner')
  const old = service.keyOf('primary')
  service.regenerateByHand('primary')

  const verdicts = {
    reads: await ask('/devices', reader.keyOf('primary'), 'reader'),
    counts: await ask('/statistics/devices', reader.keyOf('secondary'), 'reader'),
    readerServes: await ask('/statistics/service', reader.keyOf('primary'), 'reader'),
    serves: await ask('/statistics/service', service.keyOf('primary'), 'service'),
    serviceReads: await ask('/devices', service.keyOf('primary'), 'service'),
    // The right to write includes the right to read.
    ownerReads: await ask('/statistics/devices', owner.keyOf('primary'), 'iothubowner'),
    replaced: await ask('/statistics/service', old, 'service'),
    otherPolicy: await ask('/statistics/service', reader.keyOf('primary'), 'service'),
    noPolicy: await ask('/statistics/service', service.keyOf('primary'), 'ghost'),
  }

  assert.deepEqual(verdicts, {
    reads: 200,
    counts: 200,
    readerServes: 401,
    serves: 200,
    serviceReads: 401,
    ownerReads: 200,
    replaced: 401,
    otherPolicy: 401,
    noPolicy: 401,
  })
  assert.deepEqual([service.accepts(service.keyOf('primary')), service.accepts(old)], [true, false])
})

test('a token that has expired, or is for another hub, is 401', async () => {
  const { hub, ask } = world()
  const key = hub.policy('reader').keyOf('primary')

  const expired = await ask('/devices', key, 'reader', hub.host, start / 1000)
  const elsewhere = await ask('/devices', key, 'reader', 'hub2.azure-devices.net')
  const longer = await ask('/devices', key, 'reader', `${hub.host}/devices/x`)

  assert.deepEqual([expired, elsewhere, longer], [401, 401, 401])
})

test('with local authentication disabled, keys can be made but open nothing', async () => {
  const { hub, device, call, url, ask, path } = world()
  hub.changeByHand({ disableLocalAuth: true })

  const regenerated = await call('POST', url('/devices/keys/regenerate'), {
    policyKey: 'primaryKey',
    devices: [{ id: 'Thermostat 7' }],
  })
  const asked = await ask('/devices', hub.policy('reader').keyOf('primary'), 'reader')
  const own = `${hub.host}/devices/Thermostat 7`
  const received = await ask(`${path}/messages/devicebound`, device.keyOf('primary'), undefined, own)

  assert.deepEqual([regenerated.status, asked, received], [200, 401, 401])
  assert.equal(hub.policy('reader').accepts(hub.policy('reader').keyOf('primary')), false)
  assert.equal(device.accepts(device.keyOf('primary')), false)
})

test('a device’s own key opens its own message queue and no other', async () => {
  const { hub, device, ask, path } = world()
  hub.device('other')
  const old = device.keyOf('primary')
  device.regenerateByHand('primary')
  const own = `${hub.host}/devices/Thermostat 7`

  const verdicts = [
    await ask(`${path}/messages/devicebound`, device.keyOf('primary'), undefined, own),
    await ask(`${path}/messages/devicebound`, device.keyOf('secondary'), undefined, own),
    await ask(`${path}/messages/devicebound`, old, undefined, own),
    await ask(`${path}/messages/devicebound`, device.keyOf('primary'), undefined, hub.host),
    await ask('/devices/other/messages/devicebound', device.keyOf('primary'), undefined, own),
    await ask(path, device.keyOf('primary'), undefined, own),
  ]

  assert.deepEqual(verdicts, [204, 204, 401, 401, 401, 401])
  assert.deepEqual([device.accepts(device.keyOf('primary')), device.accepts(old)], [true, false])
})

test('a device is read with both keys and a quoted etag; ids have a case', async () => {
  const { hub, device, call, url, path } = world()

  const found = await call('GET', url(path))
  const missing = await call('GET', url('/devices/thermostat%207'))
  hub.device('by-certificate', { type: 'selfSigned' })
  const certified = await call('GET', url('/devices/by-certificate'))

  assert.deepEqual(found.body.authentication.symmetricKey, {
    primaryKey: device.keyOf('primary'),
    secondaryKey: device.keyOf('secondary'),
  })
  assert.equal(found.body.authentication.type, 'sas')
  assert.equal(found.headers.get('etag'), `"${found.body.etag}"`)
  assert.equal(missing.status, 404)
  assert.match(missing.body.Message, /^ErrorCode:DeviceNotFound;/)
  assert.deepEqual(
    [certified.body.authentication.type, certified.body.authentication.symmetricKey.primaryKey],
    ['selfSigned', null],
  )
})

for (const [policyKey, changed] of [
  ['primaryKey', ['primary']],
  ['secondaryKey', ['secondary']],
  ['both', ['primary', 'secondary']],
] as const) {
  test(`regenerating ${policyKey} changes ${changed.join(' and ')}, and both keys are answered`, async () => {
    const { device, call, url } = world()
    const [before, tag] = [device.keys(), device.tag]

    const answer = await call('POST', url('/devices/keys/regenerate'), { policyKey, devices: [{ id: 'Thermostat 7' }] })

    const { primary: primaryKey, secondary: secondaryKey } = device.keys()
    assert.deepEqual(answer.body, {
      policyKey,
      rotatedKeys: [{ id: 'Thermostat 7', moduleId: null, primaryKey, secondaryKey }],
      errors: [],
    })
    assert.deepEqual(
      Object.keys(before).filter((slot) => before[slot] !== device.keyOf(slot)),
      changed,
    )
    assert.notEqual(device.tag, tag)
  })
}

test('regenerating for several devices is 207 where some have no keys and 400 where none has, with the reasons', async () => {
  const { hub, device, call, url } = world()
  hub.device('by-certificate', { type: 'certificateAuthority' })
  const before = device.keys()
  const regenerate = (...devices: object[]) =>
    call('POST', url('/devices/keys/regenerate'), { policyKey: 'primaryKey', devices })

  const some = await regenerate({ id: 'Thermostat 7' }, { id: 'by-certificate' }, { id: 'ghost' })
  const none = await regenerate({ id: 'ghost' }, { id: 'Thermostat 7', moduleId: 'm' })

  assert.equal(some.status, 207)
  assert.equal(some.body.rotatedKeys[0].primaryKey, device.keyOf('primary'))
  assert.deepEqual(
    some.body.errors.map((error: { id: string; errorCode: string }) => [error.id, error.errorCode]),
    [
      ['by-certificate', 'InvalidOperation'],
      ['ghost', 'DeviceNotFound'],
    ],
  )
  assert.deepEqual([none.status, none.body.rotatedKeys], [400, []])
  assert.equal(none.body.errors[1].errorCode, 'ModuleNotFound')
  assert.equal(device.keyOf('secondary'), before['secondary'])
})

test('a regenerate of device keys requires a known slot, one to a hundred devices, and an api-version that supports it', async () => {
  const { device, call, url } = world()
  const before = device.keys()
  const one = [{ id: 'Thermostat 7' }]
  const many = Array.from({ length: 101 }, () => one[0])

  const answers = [
    await call('POST', url('/devices/keys/regenerate'), { policyKey: 'primary', devices: one }),
    await call('POST', url('/devices/keys/regenerate'), { policyKey: 'both', devices: [] }),
    await call('POST', url('/devices/keys/regenerate'), { policyKey: 'both', devices: many }),
    await call('POST', url('/devices/keys/regenerate', '2021-04-12'), { policyKey: 'both', devices: one }),
  ]

  assert.deepEqual(
    answers.map(({ status }) => status),
    [400, 400, 400, 400],
  )
  assert.deepEqual(device.keys(), before)
})

test('a write with the quoted etag exchanges the keys; without, with a bare one, or with an old one it is refused', async () => {
  const { device, call, url, path } = world()
  const { primary, secondary } = device.keys()
  const { body } = await call('GET', url(path))
  const swapped = {
    ...body,
    authentication: { ...body.authentication, symmetricKey: { primaryKey: secondary, secondaryKey: primary } },
  }
  const put = (headers: Record<string, string>) => call('PUT', url(path), swapped, headers)

  const without = await put({})
  const bare = await put({ 'if-match': body.etag })
  const written = await put({ 'if-match': `"${body.etag}"` })
  const again = await put({ 'if-match': `"${body.etag}"` })

  assert.deepEqual([without.status, bare.status, written.status, again.status], [409, 400, 200, 412])
  assert.match(again.body.Message, /^ErrorCode:PreconditionFailed;/)
  assert.deepEqual(device.keys(), { primary: secondary, secondary: primary })
  assert.equal(written.body.etag, device.tag)
})

test('a write of a device replaces everything: what is left out is lost, and a key left out is made anew', async () => {
  const { device, call, url, path } = world()
  const rich = { deviceId: 'Thermostat 7', deviceScope: 'ms-azure-iot-edge://x', capabilities: { iotEdge: true } }
  const before = device.keys()

  await call('PUT', url(path), rich, { 'if-match': '*' })
  const set = device.properties()
  const remade = device.keys()
  await call('PUT', url(path), { deviceId: 'Thermostat 7' }, { 'if-match': '*' })

  assert.deepEqual([set['deviceScope'], set['capabilities']], ['ms-azure-iot-edge://x', { iotEdge: true }])
  assert.notEqual(remade['primary'], before['primary'])
  assert.deepEqual(device.properties(), { status: 'enabled', capabilities: { iotEdge: false } })
})

test('an identity needs the data action, and a token for IoT hubs', async () => {
  const { cloud, device, call, url, path } = world()
  const before = device.keys()
  const arm = cloud.identity.issue('https://management.azure.com/.default').token

  const wrongToken = await call('GET', url(path), undefined, { authorization: `Bearer ${arm}` })
  const none = await anonymousCaller(cloud)('GET', url(path))
  cloud.faults.add(missingPermission({ action: 'Microsoft.Devices/IotHubs/devices/write' }))
  const denied = await call('POST', url('/devices/keys/regenerate'), {
    policyKey: 'both',
    devices: [{ id: 'Thermostat 7' }],
  })
  const read = await call('GET', url(path))

  assert.deepEqual([wrongToken.status, none.status, denied.status, read.status], [401, 401, 401, 200])
  assert.deepEqual(device.keys(), before)
})

test('too many calls are answered with ThrottlingException and a time to wait', async () => {
  const { cloud, call, url, path } = world()
  cloud.faults.add(throttle({ capacity: 1, perSecond: 1.67, operation: 'iot-registry' }))

  const first = await call('GET', url(path))
  const second = await call('GET', url(path))

  assert.deepEqual([first.status, second.status], [200, 429])
  assert.match(second.body.Message, /^ErrorCode:ThrottlingException;/)
  assert.equal(second.headers.get('retry-after'), '1')
})

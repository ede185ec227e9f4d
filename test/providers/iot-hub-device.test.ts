// What is particular to devices of an IoT hub.

import assert from 'node:assert/strict'
import test from 'node:test'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { iotHubDevice } from '../../src/providers/iot-hub-device.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { revealed } from './opened.ts'

const id = "Gate:4.+%_#*?!(),=@$'"

function device(name = id, type?: 'selfSigned') {
  const cloud = simulatedCloud()
  const hub = cloud.iotHubs.add({ name: 'hub1' })
  const handle = hub.device(id, type ? { type } : {})
  const { signal } = new AbortController()
  const fields = iotHubDevice.resource.parse({ hub: hub.host, device: name })
  const holder = iotHubDevice.open(fields, connect(cloud))
  return { cloud, handle, holder, signal, call: { signal, keepLease: async () => {}, metadata: oldMetadata() } }
}

async function rejection(run: Promise<unknown>): Promise<RekeyError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof RekeyError, 'a RekeyError is thrown')
  return error
}

test('a device with every character that an id may have is rotated, swapped and named in its connection string', async () => {
  const { handle, holder, signal, call } = device()
  const before = revealed(await holder.read(signal))

  const made = await holder.regenerate('primary', call)
  const swapped = await holder.swap!(call, 'secondary')

  assert.notEqual(revealed(made)['primary'], before['primary'])
  assert.deepEqual(revealed(swapped), handle.keys())
  assert.equal(swapped['secondary']!['key']!.reveal(), made['primary']!['key']!.reveal())
  assert.equal(
    swapped['primary']!['connectionString']!.reveal(),
    `HostName=hub1.azure-devices.net;DeviceId=${id};SharedAccessKey=${handle.keyOf('primary')}`,
  )
})

test('a swap keeps what else the device has', async () => {
  const { cloud, handle, holder, call } = device()
  const pass = cloud.fetch
  let written: object = {}
  Object.assign(cloud, {
    fetch: async (request: Request) => {
      if (request.method === 'PUT') written = (await request.clone().json()) as object
      const response = await pass(request)
      if (request.method !== 'GET' || !response.ok) return response
      return Response.json({ ...((await response.json()) as object), settingOfTomorrow: [1], status: 'disabled' })
    },
  })

  await holder.swap!(call, 'secondary')

  assert.ok('settingOfTomorrow' in written)
  assert.deepEqual([handle.properties()['status'], handle.properties()['settingOfTomorrow']], ['disabled', [1]])
})

test('A device that changes between our read and our swap is left as it is', async () => {
  const { cloud, handle, holder, signal, call } = device()
  await holder.read(signal)
  const pass = cloud.fetch
  Object.assign(cloud, {
    fetch: (request: Request) => {
      if (request.method === 'PUT') handle.regenerateByHand('primary')
      return pass(request)
    },
  })

  const error = await rejection(holder.swap!(call, 'secondary'))

  assert.equal(error.code, 'ServiceChanged')
  assert.equal(error.transient, true)
})

test('A device without symmetric keys is refused, with a remedy', async () => {
  const { holder, signal } = device(id, 'selfSigned')

  const error = await rejection(holder.read(signal))

  assert.equal(error.code, 'NotSupported')
  assert.match(error.message, /certificate/)
})

test('A device that is not registered is ResourceNotFound, also when its key is to be regenerated', async () => {
  const { holder, signal, call } = device(id.toLowerCase())

  const errors = [await rejection(holder.read(signal)), await rejection(holder.regenerate('primary', call))]

  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ResourceNotFound', 'ResourceNotFound'],
  )
  assert.equal(errors[1]!.details.service?.code, 'DeviceNotFound')
  assert.equal(errors[1]!.details.outcomeUnknown, undefined)
})

for (const [errorCode, code, transient] of [
  ['ThrottlingException', 'Throttled', true],
  ['DeviceNotFound', 'ResourceNotFound', false],
  [412001, 'ServiceChanged', true],
  ['BulkRegenerateDeviceKeyOperationFailure', 'ServiceUnavailable', true],
  ['InvalidPolicyKey', 'ServiceRefused', false],
  ['EnforceDeviceHISCompliantKey', 'ServiceRefused', false],
  ['Some prose that is no code', 'ServiceRefused', false],
] as const) {
  test(`an answer for several devices that lists ours under ${errorCode} is ${code}`, async () => {
    const { cloud, holder, call } = device()
    answer(cloud, { policyKey: 'primaryKey', rotatedKeys: [], errors: [{ id, errorCode, errorStatus: 'prose' }] })

    const error = await rejection(holder.regenerate('primary', call))

    assert.equal(error.code, code)
    assert.equal(error.transient, transient)
    assert.equal(error.details.outcomeUnknown, undefined)
    assert.doesNotMatch(error.message, /prose/)
  })
}

for (const body of [{}, { policyKey: 'primaryKey' }, { policyKey: 'primaryKey', rotatedKeys: [], errors: [] }]) {
  test(`a 400 with ${JSON.stringify(body)} is a failure, though a client may read it as a result without errors`, async () => {
    const { cloud, handle, holder, call } = device()
    const before = handle.keys()
    answer(cloud, body, 400)

    const error = await rejection(holder.regenerate('primary', call))

    assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceRefused', false, undefined])
    assert.deepEqual(handle.keys(), before)
  })
}

test('An error of another device in the same answer is ignored', async () => {
  const { cloud, holder, call } = device()
  const keys = { primaryKey: 'b25l', secondaryKey: 'dHdv' }
  answer(cloud, {
    policyKey: 'primaryKey',
    rotatedKeys: [{ id, ...keys }],
    errors: [{ id: 'another', errorCode: 'DeviceNotFound' }],
  })

  const made = await holder.regenerate('primary', call)

  assert.deepEqual(revealed(made), { primary: 'b25l', secondary: 'dHdv' })
})

test('An answer without our device leaves the outcome unknown', async () => {
  const { cloud, holder, call } = device()
  answer(cloud, {
    policyKey: 'primaryKey',
    rotatedKeys: [{ id: 'another', primaryKey: 'a', secondaryKey: 'b' }],
    errors: [],
  })

  const error = await rejection(holder.regenerate('primary', call))

  assert.equal(error.code, 'UnexpectedAnswer')
  assert.equal(error.details.outcomeUnknown, true)
})

test('a hub of another cloud is not sent a token', () => {
  const fields = { hub: 'hub1.azure-devices.cn', device: 'd' }
  const azure = connect(simulatedCloud())

  assert.throws(
    () => iotHubDevice.open(fields, azure),
    (error: unknown) => error instanceof RekeyError && error.code === 'BadConfiguration',
  )
  assert.equal(azure.sent.length, 0)
})

test('ids that differ in case alone are two credentials, spellings of a hub are one', () => {
  const credential = (hub: string, device: string) => iotHubDevice.place({ hub, device }).credential

  assert.notEqual(credential('hub1.azure-devices.net', 'Door'), credential('hub1.azure-devices.net', 'door'))
  assert.equal(credential('HUB1.azure-devices.net', 'Door'), credential('hub1.azure-devices.net', 'Door'))
})

test('a hub that is no host name and an id that cannot be one are refused', () => {
  for (const fields of [
    { hub: 'https://hub1.azure-devices.net', device: 'd' },
    { hub: 'hub1.azure-devices.net.evil.example', device: 'd' },
    { hub: 'hub1.azure-devices.net', device: 'a;b' },
    { hub: 'hub1.azure-devices.net', device: 'a/b' },
    { hub: 'hub1.azure-devices.net', device: '' },
  ]) {
    assert.equal(iotHubDevice.resource.safeParse(fields).success, false, JSON.stringify(fields))
  }
})

/** The registry answers a regenerate with this, and does nothing. */
function answer(cloud: Cloud, body: unknown, status = 207): void {
  const pass = cloud.fetch
  Object.assign(cloud, {
    fetch: (request: Request) =>
      request.url.includes('/keys/regenerate') ? Promise.resolve(Response.json(body, { status })) : pass(request),
  })
}

test('A refusal of the registry is recognised by the name in its own header', async () => {
  const { cloud, holder, signal } = device()
  const headers = { 'iothub-errorcode': 'IotHubQuotaExceeded' }
  cloud.faults.add({
    name: 'refusing',
    install: () => ({
      before: (call) => (call.host.endsWith('.azure-devices.net') ? { status: 403, headers, body: {} } : undefined),
    }),
  })

  const error = await rejection(holder.read(signal))

  assert.equal(error.details.service?.code, 'IotHubQuotaExceeded')
})

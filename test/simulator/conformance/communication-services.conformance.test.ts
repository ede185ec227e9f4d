// Communication Services: what Azure was recorded or documented to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { arm, caller } from '../raw-caller.ts'
import { hmacRequest } from '../services/signing.ts'
import { fact, type Source } from './fact.ts'

const recording = (name: string, date: string): Source => ({
  repository: 'Azure/azure-cli-extensions',
  file: `src/communication/azext_communication/tests/latest/recordings/${name}.yaml`,
  date,
})
const scenario = recording('test_communication_Scenario', '2022-08-04')
const phoneNumbers = recording('test_phonenumber_list', '2023-12-13')

type Options = Parameters<ReturnType<typeof simulatedCloud>['communicationServices']['add']>[0]

function resource(options: Partial<Options> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.communicationServices.add({ name: 'MyCommunica000001', ...options })
  const call = caller(cloud)
  const post = (action: string, body?: unknown) =>
    call('POST', arm(`${handle.resourceId}/${action}`, '2023-04-01'), body)
  const get = () => call('GET', arm(handle.resourceId, '2023-04-01'))
  const signed = async (path: string, key: string) => {
    const response = await cloud.fetch(hmacRequest(`https://${handle.host}${path}`, key, cloud.clock.now()))
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
    return { status: response.status, headers: response.headers, body: (await response.json()) as any }
  }
  return { cloud, handle, post, get, signed }
}

fact('listKeys answers 200 with both keys and both connection strings, over https', scenario, async () => {
  const { post, handle } = resource()

  const { status, body, headers } = await post('listKeys')

  const text = (key: string) => `endpoint=https://${handle.host}/;accesskey=${key}`
  const { primary, secondary } = handle.keys()
  assert.equal(status, 200)
  assert.deepEqual(body, {
    primaryKey: primary,
    primaryConnectionString: text(primary!),
    secondaryKey: secondary,
    secondaryConnectionString: text(secondary!),
  })
  assert.ok(headers.has('x-ms-ratelimit-remaining-subscription-writes'))
})

fact('regenerateKey answers 200 at once, with the one key it made and its connection string', scenario, async () => {
  const { post, handle } = resource()
  const before = handle.keys()

  const { status, body, headers } = await post('regenerateKey', { keyType: 'Primary' })

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), ['primaryKey', 'primaryConnectionString'])
  assert.notEqual(body.primaryKey, before['primary'])
  assert.equal(handle.keyOf('secondary'), before['secondary'])
  for (const name of ['location', 'azure-asyncoperation', 'retry-after']) assert.equal(headers.get(name), null)
})

fact(
  'the host is not the name: it is lower case, with random letters, and the connection strings name it',
  scenario,
  async () => {
    const { post, get } = resource({ host: 'random' })

    const { hostName } = (await get()).body.properties
    const { primaryConnectionString } = (await post('listKeys')).body

    assert.match(hostName, /^mycommunica[a-z0-9]+\.communication\.azure\.com$/)
    assert.notEqual(hostName, 'mycommunica000001.communication.azure.com')
    assert.ok(primaryConnectionString.startsWith(`endpoint=https://${hostName}/;accesskey=`))
  },
)

fact(
  'a newer resource has its geography in its host',
  { repository: 'public code with expired keys', file: 'connection strings in several', date: '2023 to 2025' },
  async () => {
    const { get } = resource()

    assert.equal((await get()).body.properties.hostName, 'mycommunica000001.europe.communication.azure.com')
  },
)

fact('the description has its type in lower case, a location without a region, and no key', scenario, async () => {
  const { get, handle } = resource()

  const { body, text, headers } = await get()

  assert.equal(body.type, 'microsoft.communication/communicationservices')
  assert.equal(body.location, 'Global')
  assert.equal(body.properties.provisioningState, 'Succeeded')
  assert.ok(headers.has('etag') && !('etag' in body))
  assert.ok(Object.values(handle.keys()).every((key) => !text.includes(key)))
})

fact('a key of 2022 is 64 bytes in base64', scenario, async () => {
  const { post } = resource({ keys: 'base64' })

  const { primaryKey } = (await post('listKeys')).body

  assert.equal(Buffer.from(primaryKey, 'base64').length, 64)
  assert.match(primaryKey, /==$/)
})

fact(
  'a newer key has 84 letters and digits, JQQJ99 from the 53rd, and AZCS before the last four',
  { repository: 'public code with expired keys', file: 'connection strings in several', date: '2025' },
  async () => {
    const { post } = resource()

    const { primaryKey } = (await post('regenerateKey', { keyType: 'primary' })).body

    assert.match(primaryKey, /^[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}AZCS[A-Za-z0-9]{4}$/)
  },
)

fact('a signed read of the phone numbers answers 200 with what was bought', phoneNumbers, async () => {
  const { signed, handle } = resource()

  const { status, body, headers } = await signed(
    '/phoneNumbers?skip=0&top=100&api-version=2022-12-01',
    handle.keyOf('secondary'),
  )

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body.phoneNumbers[0]), [
    'id',
    'phoneNumber',
    'countryCode',
    'phoneNumberType',
    'capabilities',
    'assignmentType',
  ])
  assert.match(headers.get('api-supported-versions')!, /2022-12-01/)
  assert.ok(headers.has('ms-cv'))
})

fact(
  'a signature that does not fit is 401 Denied',
  { repository: 'Azure/azure-rest-api-specs', file: 'issue 11767', date: '2020-11-20' },
  async () => {
    const { signed } = resource()
    const invented = Buffer.alloc(64, 1).toString('base64')

    const { status, body } = await signed('/phoneNumbers?api-version=2022-12-01', invented)

    assert.deepEqual([status, body.error.code], [401, 'Denied'])
  },
)

fact(
  'an api-version that the data plane does not know is 400 UnsupportedApiVersion, and not what Resource Manager says',
  { repository: 'Azure/Communication', file: 'issue 159', date: '2021-01-14' },
  async () => {
    const { signed, handle } = resource()

    const { status, body } = await signed('/phoneNumbers?api-version=2020-07-20-preview2', handle.keyOf('primary'))

    assert.deepEqual([status, body.error.code], [400, 'UnsupportedApiVersion'])
    assert.match(body.error.message, /does not support the API version '2020-07-20-preview2'\.$/)
  },
)

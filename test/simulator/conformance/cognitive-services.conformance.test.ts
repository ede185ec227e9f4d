// Cognitive Services accounts: what Azure was recorded or documented to answer.

import assert from 'node:assert/strict'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { anonymousCaller, arm, caller } from '../raw-caller.ts'
import { fact, type Source } from './fact.ts'

const recording = (name: string, date: string): Source => ({
  repository: 'Azure/azure-cli',
  file: `command_modules/cognitiveservices/tests/latest/recordings/test_cognitiveservices_${name}.yaml`,
  date,
})
const crud = recording('crud', '2023-07-25')
const aiServices = recording('aiservices', '2025-09-08')
const speech = recording('user_owned_storage', '2023-07-25')
const customDomain = recording('custom_domain', '2020-06-03')

type Options = Parameters<ReturnType<typeof simulatedCloud>['cognitiveServices']['add']>[0]

function account(options: Partial<Options> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.cognitiveServices.add({ name: 'contoso', ...options })
  const call = caller(cloud)
  const post = (action: string, body?: unknown) => call('POST', arm(`${handle.resourceId}/${action}`), body)
  const get = () => call('GET', arm(handle.resourceId))
  const show = (method: string, url: string, key: string, headers: Record<string, string> = {}) =>
    anonymousCaller(cloud)(method, url, undefined, { 'ocp-apim-subscription-key': key, ...headers })
  return { cloud, handle, post, get, show }
}

fact('listKeys answers 200 with key1 and key2, at once, and draws on the writes', crud, async () => {
  const { post, handle } = account()

  const { status, body, headers } = await post('listKeys')

  assert.equal(status, 200)
  assert.deepEqual(body, { key1: handle.keyOf('Key1'), key2: handle.keyOf('Key2') })
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8')
  assert.ok(headers.has('x-ms-ratelimit-remaining-subscription-writes'))
  for (const name of ['location', 'azure-asyncoperation', 'retry-after']) assert.equal(headers.get(name), null)
})

fact(
  'regenerateKey answers 200 with both keys, only the named one changed, and no operation to poll',
  crud,
  async () => {
    const { post, handle } = account()
    const before = handle.keys()

    const { status, body, headers } = await post('regenerateKey', { keyName: 'Key1' })

    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body), ['key1', 'key2'])
    assert.notEqual(body.key1, before['Key1'])
    assert.equal(body.key2, before['Key2'])
    assert.ok(headers.has('x-ms-ratelimit-remaining-subscription-writes'))
    for (const name of ['location', 'azure-asyncoperation', 'retry-after']) assert.equal(headers.get(name), null)
  },
)

fact('a regenerate moves the etag of the account and leaves systemData.lastModifiedAt alone', crud, async () => {
  const { cloud, post, get } = account()
  const before = await get()
  cloud.clock.advance(60_000)

  await post('regenerateKey', { keyName: 'Key2' })
  const after = await get()

  assert.notEqual(after.body.etag, before.body.etag)
  assert.equal(after.headers.get('etag'), after.body.etag)
  assert.match(after.body.etag, /^"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"$/)
  assert.equal(after.body.systemData.lastModifiedAt, before.body.systemData.lastModifiedAt)
})

fact('a FormRecognizer account without a custom subdomain answers at its region and names two APIs', crud, async () => {
  const { get } = account({ kind: 'FormRecognizer', customSubdomain: 'none', location: 'SOUTHCENTRALUS' })

  const { body } = await get()

  const host = 'https://southcentralus.api.cognitive.microsoft.com/'
  assert.equal(body.location, 'SOUTHCENTRALUS')
  assert.equal(body.properties.endpoint, host)
  assert.deepEqual(body.properties.endpoints, { FormRecognizer: host, Container: host })
  assert.equal(body.properties.customSubDomainName, undefined)
})

fact('an account with a custom subdomain names it, and answers there', customDomain, async () => {
  const { get } = account({ kind: 'Face' })

  const { body } = await get()

  assert.equal(body.properties.customSubDomainName, 'contoso')
  assert.equal(body.properties.endpoint, 'https://contoso.cognitiveservices.azure.com/')
})

fact('an AIServices account without a custom subdomain names the token service at its region', aiServices, async () => {
  const { get } = account({ kind: 'AIServices', customSubdomain: 'none', location: 'EASTUS' })

  const { endpoint, endpoints } = (await get()).body.properties

  const host = 'https://eastus.api.cognitive.microsoft.com/'
  assert.equal(endpoint, host)
  for (const api of ['Token Service API', 'Token', 'OpenAI Language Model Instance API', 'Computer Vision'])
    assert.equal(endpoints[api], host, api)
  assert.equal(endpoints['AI Foundry API'], 'https://contoso.services.ai.azure.com/')
  assert.equal(endpoints['TextTranslation-Global'], 'https://api.cognitive.microsofttranslator.com/')
})

fact(
  'a Speech account shows the whole address of the token exchange as endpoint, and names it "Token API"',
  speech,
  async () => {
    const { get } = account({ kind: 'SpeechServices', customSubdomain: 'none', location: 'WESTEUROPE' })

    const { endpoint, endpoints } = (await get()).body.properties

    assert.equal(endpoint, 'https://westeurope.api.cognitive.microsoft.com/sts/v1.0/issuetoken')
    assert.equal(endpoints['Token API'], endpoint)
    assert.equal(endpoints['Token Service API'], undefined)
  },
)

fact(
  'an account of many services names "Token", and Translator beside it at a host of its own',
  {
    repository: 'Azure/azure-sdk-for-js',
    file: 'sdk/cognitiveservices/arm-cognitiveservices/recordings/node/cognitiveservices_test',
    date: '2021-12-20',
  },
  async () => {
    const { get } = account({ kind: 'CognitiveServices', customSubdomain: 'none', location: 'eastus' })

    const { endpoints } = (await get()).body.properties

    assert.equal(endpoints['Token'], 'https://eastus.api.cognitive.microsoft.com/')
    assert.equal(endpoints['TextTranslation-Global'], 'https://api.cognitive.microsofttranslator.com/')
    assert.equal(endpoints['Token Service API'], undefined)
  },
)

fact(
  'a key of Translator is exchanged at the host of its region and needs the region beside it',
  {
    repository: 'learn.microsoft.com',
    file: 'azure/ai-services/translator/text-translation/reference/authentication',
    date: '2025',
  },
  async () => {
    const { show, handle } = account({ kind: 'TextTranslation', customSubdomain: 'none', location: 'westeurope' })
    const url = 'https://westeurope.api.cognitive.microsoft.com/sts/v1.0/issueToken'
    const key = handle.keyOf('Key1')

    const without = await show('POST', url, key)
    const beside = await show('POST', url, key, { 'ocp-apim-subscription-region': 'westeurope' })

    assert.deepEqual([without.status, beside.status], [401, 200])
    assert.match(beside.headers.get('content-type')!, /^application\/jwt/)
    assert.notEqual(beside.text, '')
  },
)

fact(
  'the regional host goes on answering for an account that has a custom subdomain',
  {
    repository: 'learn.microsoft.com',
    file: 'azure/ai-services/cognitive-services-custom-subdomains',
    date: '2025',
  },
  async () => {
    const { show, handle } = account({ kind: 'ComputerVision' })

    const { status } = await show(
      'GET',
      'https://westeurope.api.cognitive.microsoft.com/vision/v3.2/models',
      handle.keyOf('Key2'),
    )

    assert.equal(status, 200)
  },
)

fact(
  'a key that is not valid, and a key at the wrong region, get the same 401',
  { repository: 'MicrosoftDocs/azure-docs', file: 'issues 36456 and 113521', date: '2023-08-14' },
  async () => {
    const { show, handle } = account({ kind: 'SpeechServices', customSubdomain: 'none', location: 'westeurope' })
    const path = 'api.cognitive.microsoft.com/sts/v1.0/issueToken'

    const bad = await show('POST', `https://westeurope.${path}`, '0123456789abcdef0123456789abcdef')
    const elsewhere = await show('POST', `https://southeastasia.${path}`, handle.keyOf('Key1'))

    const message =
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an ' +
      'active subscription and use a correct regional API endpoint for your resource.'
    for (const { status, body } of [bad, elsewhere]) {
      assert.equal(status, 401)
      assert.deepEqual(body, { error: { code: '401', message } })
    }
  },
)

fact(
  'with local authentication disabled, listKeys is 400 BadRequest',
  { repository: 'Azure/terraform-azurerm-avm-res-cognitiveservices-account', file: 'issue 130', date: '2025' },
  async () => {
    const { post } = account({ disableLocalAuth: true })

    const { status, body } = await post('listKeys')

    assert.equal(status, 400)
    assert.deepEqual(body, {
      error: { code: 'BadRequest', message: 'Failed to list key. disableLocalAuth is set to be true' },
    })
  },
)

fact(
  'a new key has 84 letters and digits, JQQJ99 from the 53rd, and ACOG before the last four',
  { repository: 'public code with expired keys', file: 'several', date: '2024 to 2026' },
  async () => {
    const { post } = account({ kind: 'OpenAI' })

    const { key1 } = (await post('regenerateKey', { keyName: 'Key1' })).body

    assert.match(key1, /^[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18}ACOG[A-Za-z0-9]{4}$/)
  },
)

fact('a key of 2023 has 32 hexadecimal digits', crud, async () => {
  const { post } = account({ keys: 'hex' })

  assert.match((await post('listKeys')).body.key1, /^[0-9a-f]{32}$/)
})

fact(
  'the vision APIs v1.0 to v3.1 have ended; v3.2 answers until 2028-09-25; which status the ended ones have is unverified',
  { repository: 'azure.microsoft.com', file: 'updates: computer-vision-api-retirements', date: '2026-09-13' },
  async () => {
    const { show, handle } = account({ kind: 'ComputerVision' })
    const models = (version: string) => show('GET', `${handle.endpoint}vision/${version}/models`, handle.keyOf('Key1'))

    const ended = await Promise.all(['v1.0', 'v2.0', 'v2.1', 'v3.0', 'v3.1'].map(models))

    assert.ok(ended.every(({ status }) => status === 404 || status === 410))
    assert.equal((await models('v3.2')).status, 200)
  },
)

fact(
  'Azure OpenAI answers 404 "Resource not found" to a valid key without an api-version, and not what Resource Manager says',
  { repository: 'MicrosoftDocs/azure-docs', file: 'issue 114602', date: '2023-09-12' },
  async () => {
    const { show, handle } = account({ kind: 'OpenAI' })

    const { status, body } = await show('GET', `${handle.endpoint}openai/models`, handle.keyOf('Key1'))

    assert.equal(status, 404)
    assert.deepEqual(body, { error: { code: '404', message: 'Resource not found' } })
  },
)

fact(
  "Translator's host lists its languages to every caller, and refuses credentials with 401000",
  { repository: 'learn.microsoft.com', file: 'azure/ai-services/translator/text-translation/reference', date: '2025' },
  async () => {
    const { show } = account({ kind: 'TextTranslation', customSubdomain: 'none' })
    const host = 'https://api.cognitive.microsofttranslator.com'

    const open = await show('GET', `${host}/languages?api-version=3.0`, 'no key')
    const refused = await show('POST', `${host}/translate?api-version=3.0`, 'no key')

    assert.equal(open.status, 200)
    assert.deepEqual([refused.status, refused.body.error.code], [401, 401000])
  },
)

fact(
  'a key name that is neither Key1 nor Key2 is BadRequest, and case counts',
  { repository: 'Azure/azure-cli', file: 'issue 18407', date: '2021-06-09' },
  async () => {
    const { post } = account()

    const { status, body } = await post('regenerateKey', { keyName: 'key1' })

    const message = "The key name 'key1' is invalid. Valid values are 'Key1' and 'Key2'."
    assert.equal(status, 400)
    assert.deepEqual(body, { error: { code: 'BadRequest', message } })
  },
)

// What is particular to Cognitive Services accounts.

import assert from 'node:assert/strict'
import test from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { type Fault, serverError, throttle } from '../../simulator/faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { cognitiveServices } from '../../src/providers/cognitive-services.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { assertRefusalLogged, hostsAsked, replies } from './addresses.ts'
import { failure, opened } from './opened.ts'

type Options = Parameters<ReturnType<typeof simulatedCloud>['cognitiveServices']['add']>[0]

function account(options: Partial<Options>) {
  const cloud = simulatedCloud()
  const handle = cloud.cognitiveServices.add({ name: 'vision', ...options })
  const azure = connect(cloud)
  const { signal } = new AbortController()
  const logged: Record<string, unknown>[] = []
  const holder = cognitiveServices.open({ resource: handle.resourceId }, azure, undefined, (level, message, fields) =>
    logged.push({ level, message, ...fields }),
  )
  const ask = (key: string) => holder.probe!('Key1', { key: Secret.of(key) }, signal)
  const shown = () =>
    azure.sent
      .filter(({ url }) => url.hostname !== 'management.azure.com')
      .map(({ method, url }) => `${method} ${url.host}${url.pathname}`)
  return { cloud, handle, holder, ask, shown, logged }
}

const token = '/sts/v1.0/issueToken'
const subdomain = 'vision.cognitiveservices.azure.com'
const region = 'westeurope.api.cognitive.microsoft.com'

/** Kind and host form of an account, and the one request that tries its key. */
const probes: readonly (readonly [Partial<Options>, string])[] = [
  [{ kind: 'OpenAI' }, `POST vision.openai.azure.com${token}`],
  [{ kind: 'OpenAI', customSubdomain: 'none' }, `POST ${region}${token}`],
  [{ kind: 'AIServices' }, `POST ${subdomain}${token}`],
  [{ kind: 'AIServices', customSubdomain: 'none' }, `POST ${region}${token}`],
  [{ kind: 'CognitiveServices' }, `POST ${subdomain}${token}`],
  [{ kind: 'CognitiveServices', customSubdomain: 'none' }, `POST ${region}${token}`],
  [{ kind: 'SpeechServices' }, `POST ${subdomain}${token}`],
  [{ kind: 'SpeechServices', customSubdomain: 'none' }, `POST ${region}${token}`],
  [{ kind: 'TextTranslation' }, `POST ${subdomain}${token}`],
  [{ kind: 'TextTranslation', customSubdomain: 'none' }, `POST ${region}${token}`],
  [
    { kind: 'TextTranslation', customSubdomain: 'none', location: 'global' },
    `POST api.cognitive.microsoft.com${token}`,
  ],
  [{ kind: 'ComputerVision' }, `GET ${subdomain}/vision/v3.2/models`],
  [{ kind: 'ComputerVision', customSubdomain: 'none' }, `GET ${region}/vision/v3.2/models`],
  [{ kind: 'FormRecognizer' }, `GET ${subdomain}/documentintelligence/info`],
  [{ kind: 'FormRecognizer', customSubdomain: 'none' }, `GET ${region}/documentintelligence/info`],
  [{ kind: 'ContentSafety' }, `GET ${subdomain}/contentsafety/text/blocklists`],
  [{ kind: 'TextAnalytics' }, `GET ${subdomain}/language/authoring/analyze-text/projects`],
  [{ kind: 'Face', customSubdomain: 'none' }, `GET ${region}/face/v1.0/largepersongroups`],
]

for (const [options, request] of probes) {
  const { kind, customSubdomain: form = 'a custom subdomain', location = 'a region' } = options
  const what = `${kind} with ${form === 'none' ? 'no custom subdomain' : form} in ${location}`

  test(`The key of ${what} is tried at ${request}: a valid key is accepted, a dead one refused`, async () => {
    const { handle, ask, shown } = account(options)
    const dead = handle.keyOf('Key1')
    handle.regenerateByHand('Key1')

    const verdicts = [await ask(handle.keyOf('Key1')), await ask(dead)]

    assert.deepEqual(verdicts, ['accepted', 'refused'])
    assert.deepEqual(shown(), [request, request])
  })
}

test('The key of an account whose kind has no known probe is sent to no data plane', async () => {
  const { handle, ask, shown } = account({ kind: 'Something.Newer' })

  const verdict = await ask(handle.keyOf('Key1'))

  assert.equal(verdict, 'unknown')
  assert.deepEqual(shown(), [])
})

test('a key of Translator goes with the region of its account, however Resource Manager writes the region', async () => {
  const { handle, ask } = account({ kind: 'TextTranslation', customSubdomain: 'none', location: 'WESTEUROPE' })

  assert.equal(await ask(handle.keyOf('Key2')), 'accepted')
})

for (const status of [400, 403, 429, 500]) {
  test(`a probe of Cognitive Services that is answered with ${status} proves nothing`, async () => {
    const { cloud, handle, ask, logged } = account({ kind: 'OpenAI' })
    cloud.faults.add(serverError({ operation: 'cognitive-services/issueToken', when: 'before', status }))

    assert.equal(await ask(handle.keyOf('Key1')), 'unknown')
    assert.deepEqual(logged, [])
  })
}

test('a data plane that throttles before it checks the key gives no verdict on it', async () => {
  const { cloud, handle, ask } = account({ kind: 'OpenAI' })
  const dead = handle.keyOf('Key1')
  handle.regenerateByHand('Key1')
  cloud.faults.add(throttle({ capacity: 0, perSecond: 1, operation: 'cognitive-services/issueToken' }))

  assert.equal(await ask(dead), 'unknown')
})

for (const status of [404, 410]) {
  test(`A probe whose path answers ${status} has the verdict unknown, and a log line says so without the key`, async () => {
    const { cloud, handle, ask, logged } = account({ kind: 'ComputerVision' })
    cloud.faults.add(serverError({ operation: 'cognitive-services/visionModels', when: 'before', status }))

    assert.equal(await ask(handle.keyOf('Key1')), 'unknown')
    assert.deepEqual(logged, [
      {
        level: 'warn',
        message: 'the path of a probe is gone',
        operation: 'GET vision.cognitiveservices.azure.com/vision/v3.2/models',
        status,
      },
    ])
  })
}

test('Where the token exchange no longer exists, the read of the kind tries the key instead', async () => {
  const { cloud, handle, ask, shown, logged } = account({ kind: 'OpenAI' })
  const dead = handle.keyOf('Key1')
  handle.regenerateByHand('Key1')
  cloud.faults.add(serverError({ operation: 'cognitive-services/issueToken', when: 'before', status: 404 }))

  const verdicts = [await ask(handle.keyOf('Key1')), await ask(dead)]

  assert.deepEqual(verdicts, ['accepted', 'refused'])
  const requests = ['POST vision.openai.azure.com/sts/v1.0/issueToken', 'GET vision.openai.azure.com/openai/models']
  assert.deepEqual(shown(), [...requests, ...requests])
  assert.equal(logged.length, 2)
})

test('The token that a valid key is exchanged for is in no log line', async () => {
  const { cloud, handle, ask, logged } = account({ kind: 'SpeechServices' })
  const before = cloud.minted.size

  await ask(handle.keyOf('Key1'))

  assert.ok(cloud.minted.size > before, 'a token was made')
  assert.deepEqual(logged, [])
})

test('The endpoint is read once, however often a key is tried', async () => {
  const { cloud, handle, ask } = account({ kind: 'OpenAI' })

  const verdicts = [await ask(handle.keyOf('Key1')), await ask(handle.keyOf('Key2'))]

  assert.deepEqual(verdicts, ['accepted', 'accepted'])
  assert.equal(cloud.history.filter(({ operation }) => operation === 'cognitive-services/getAccount').length, 1)
})

test('A rotation of Cognitive Services makes two calls to Resource Manager that count as writes', async () => {
  const { cloud, holder } = account({ kind: 'OpenAI' })
  const { signal } = new AbortController()
  const ring = await holder.read(signal)

  const made = await holder.regenerate('Key2', { signal, keepLease: async () => {}, metadata: oldMetadata() })
  await holder.probe!('Key2', made['Key2']!, signal)

  assert.equal(Object.keys(ring).length, 2)
  const posts = cloud.history.filter(({ host, method }) => host === 'management.azure.com' && method === 'POST')
  assert.equal(posts.length, cognitiveServices.writes)
  assert.equal(cloud.history.length, 4)
})

for (const endpoint of [
  'http://vision.cognitiveservices.azure.com/',
  'https://evil.example/',
  'https://vision.cognitiveservices.azure.com.evil.example/',
  'https://vision.cognitiveservices.azure.us/',
  'https://vision.cognitiveservices.azure.com:8443/',
  'https://someone@vision.cognitiveservices.azure.com/',
  'https://169.254.169.254/',
]) {
  test(`An account whose endpoint is ${endpoint} gets no key, and the log says which host was refused`, async () => {
    const on = opened(cognitiveServices)
    on.cloud.faults.add(
      replies('cognitive-services/getAccount', (reply) => ({
        ...reply,
        body: { ...(reply.body as object), properties: { endpoint, endpoints: { 'Token Service API': endpoint } } },
      })),
    )

    const verdict = await on.holder.probe!('Key1', { key: Secret.of(on.handle.keyOf('Key1')) }, on.signal)

    assert.equal(verdict, 'unknown')
    assert.deepEqual(hostsAsked(on), ['management.azure.com'])
    assertRefusalLogged(on, new URL(endpoint).hostname)
  })
}

test('An account that is being changed is busy for a while, though its refusal is a 400', async () => {
  const on = opened(cognitiveServices)
  const changing: Fault = {
    name: 'changing',
    install: () => ({
      before: (call) =>
        call.operation.operation === 'cognitive-services/regenerateKey'
          ? call.refuse(400, 'AccountProvisioningStateInvalid', 'Call Accounts_RegenerateKey in state Accepted.').reply
          : undefined,
    }),
  }

  const error = await failure(on, [changing], () => on.holder.regenerate('Key1', on.call))

  assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
})

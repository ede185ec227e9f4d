// Room: the tests of the providers. What only Cognitive Services accounts do.

import assert from 'node:assert/strict'
import test from 'node:test'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { serverError } from '../../simulator/faults.ts'
import { cognitiveServices } from '../../src/providers/cognitive-services.ts'
import { Secret } from '../../src/rotation/secret.ts'
import { oldMetadata } from '../lease-metadata.ts'
import { connect } from '../simulated-azure.ts'

const paths = {
  OpenAI: 'GET /openai/models',
  AIServices: 'GET /openai/models',
  ComputerVision: 'GET /vision/v1.0/models',
  CognitiveServices: 'GET /vision/v1.0/models',
  FormRecognizer: 'GET /documentintelligence/info',
  SpeechServices: 'POST /sts/v1.0/issueToken',
}

function account(kind: string) {
  const cloud = simulatedCloud()
  const handle = cloud.cognitiveServices.add({ name: 'vision', kind })
  const azure = connect(cloud)
  const { signal } = new AbortController()
  const holder = cognitiveServices.open({ resource: handle.resourceId }, azure)
  const ask = (key: string) => holder.probe!('Key1', { key: Secret.of(key) }, signal)
  const shown = () =>
    azure.sent
      .filter(({ url }) => url.hostname.startsWith('vision.'))
      .map(({ method, url }) => `${method} ${url.pathname}`)
  return { cloud, handle, holder, ask, shown }
}

for (const [kind, path] of Object.entries(paths)) {
  test(`the key of an account of kind ${kind} is shown to ${path}`, async () => {
    const { ask, shown } = account(kind)

    const bad = await ask('0123456789abcdef0123456789abcdef')

    assert.equal(bad, 'refused')
    assert.deepEqual(shown(), [path])
  })
}

test('the key of a kind that we know no read of is shown to nobody', async () => {
  const { handle, ask, shown } = account('Something.Newer')

  const verdict = await ask(handle.keyOf('Key1'))

  assert.equal(verdict, 'unknown')
  assert.deepEqual(shown(), [])
})

for (const status of [400, 429]) {
  test(`a key that is answered with ${status} has been accepted: what it was sent with was looked at after it`, async () => {
    const { cloud, handle, ask } = account('OpenAI')
    cloud.faults.add(serverError({ operation: 'cognitive-services/models', when: 'before', status }))

    assert.equal(await ask(handle.keyOf('Key1')), 'accepted')
  })
}

test('the endpoint is looked up once, however often a key is shown', async () => {
  const { cloud, handle, ask } = account('OpenAI')

  const verdicts = [await ask(handle.keyOf('Key1')), await ask(handle.keyOf('Key2'))]

  assert.deepEqual(verdicts, ['accepted', 'accepted'])
  assert.equal(cloud.history.filter(({ operation }) => operation === 'cognitive-services/getAccount').length, 1)
})

test('a happy rotation makes two calls to Resource Manager that count as writes', async () => {
  const { cloud, holder } = account('OpenAI')
  const { signal } = new AbortController()
  const ring = await holder.read(signal)

  const made = await holder.regenerate('Key2', { signal, keepLease: async () => {}, metadata: oldMetadata() })
  await holder.probe!('Key2', made['Key2']!, signal)

  assert.equal(Object.keys(ring).length, 2)
  const posts = cloud.history.filter(({ host, method }) => host === 'management.azure.com' && method === 'POST')
  assert.equal(posts.length, cognitiveServices.writes)
  assert.equal(cloud.history.length, 4)
})

// Azure AI Search: what only this service does, and what Azure was recorded or documented to answer. The answers of the simulated
// control plane were read by @azure/arm-search 3.3.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import type { Fault } from '../../simulator/faults.ts'
import { networkRule } from '../../simulator/wire-faults.ts'
import { Secret } from '../../src/engine/secret.ts'
import { days } from '../../src/engine/target.ts'
import { aiSearch } from '../../src/providers/ai-search.ts'
import { estate, vaultHost } from '../matrix/crash-estate.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/search/tests/latest/recordings/test_admin_key_show_renew.yaml',
  date: '2023-10-18',
}
const document = (file: string, date: string): Source => ({ repository: 'MicrosoftDocs', file, date })

function search(authFailureMode?: 'http401WithBearerChallenge') {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.aiSearch.add({ name: 'contoso', ...(authFailureMode && { authFailureMode }) })
  const call = caller(cloud)
  const manage = (method: string, path: string) => call(method, arm(`${handle.resourceId}${path}`, '2025-05-01'))
  const statistics = (key: string) =>
    anonymousCaller(cloud)('GET', 'https://contoso.search.windows.net/servicestats?api-version=2024-07-01', undefined, {
      'api-key': key,
    })
  return { cloud, handle, manage, statistics }
}

fact('both admin keys are listed, 52 letters and digits each', recording, async () => {
  const { manage, handle } = search()

  const { status, body } = await manage('POST', '/listAdminKeys')

  assert.equal(status, 200)
  assert.deepEqual(body, { primaryKey: handle.keyOf('primary'), secondaryKey: handle.keyOf('secondary') })
  for (const key of Object.values(body)) assert.match(key as string, /^[0-9A-Za-z]{52}$/)
})

fact('a regenerate names its slot in the path, has no body, and answers both keys at once', recording, async () => {
  const { manage, handle } = search()
  const before = handle.keys()

  const { status, body } = await manage('POST', '/regenerateAdminKey/secondary')

  assert.equal(status, 200)
  assert.equal(body.primaryKey, before['primary'])
  assert.notEqual(body.secondaryKey, before['secondary'])
  assert.deepEqual(handle.keys(), { primary: body.primaryKey, secondary: body.secondaryKey })
})

fact('a service says that it is provisioned in lower case', recording, async () => {
  const { manage } = search()

  const { properties } = (await manage('GET', '')).body

  assert.equal(properties.provisioningState, 'succeeded')
  assert.deepEqual([properties.disableLocalAuth, properties.authOptions], [false, { apiKeyOnly: {} }])
})

fact(
  'a service without local authentication has no options of it',
  { repository: 'Azure/azure-dev', file: 'pull request 3677', date: '2024-04-09' },
  async () => {
    const { manage, handle } = search()
    handle.disableLocalAuth(true)

    const { properties } = (await manage('GET', '')).body

    assert.deepEqual([properties.disableLocalAuth, properties.authOptions], [true, null])
  },
)

fact(
  'a wrong key gets 403',
  {
    repository: 'Azure/azure-sdk-for-net',
    file: 'sdk/search/Azure.Search.Documents/TROUBLESHOOTING.md',
    date: '2022-08-11',
  },
  async () => {
    const { statistics, handle } = search()

    assert.equal((await statistics(handle.keyOf('primary'))).status, 200)
    assert.equal((await statistics('no key of this service')).status, 403)
  },
)

fact(
  'an address that the firewall denies gets 403 without details, whatever its key is',
  document('service-configure-firewall', '2025'),
  async () => {
    const { cloud, statistics, handle } = search()
    cloud.faults.add(networkRule({ service: 'ai-search' }))

    const answers = [await statistics(handle.keyOf('primary')), await statistics('no key of this service')]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [403, 403],
    )
  },
)

fact(
  'a service can be set to answer 401 to what fails to authenticate',
  document('rest/api/searchmanagement, aadAuthFailureMode', '2025-05-01'),
  async () => {
    const { statistics } = search('http401WithBearerChallenge')

    const { status, headers } = await statistics('no key of this service')

    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate')!, /^Bearer/)
  },
)

test('a regenerate of an admin key goes out without a body', async () => {
  const on = opened(aiSearch)
  const bodies: string[] = []
  const listening: Fault = {
    name: 'listening',
    install: () => ({
      before: (call) => {
        if (call.url.pathname.includes('/regenerateAdminKey/')) bodies.push(call.text)
        return undefined
      },
    }),
  }
  on.cloud.faults.add(listening)

  await on.holder.regenerate('secondary', on.call)

  assert.deepEqual(bodies, [''])
  assert.ok(on.azure.sent.some(({ url }) => url.pathname.endsWith('/regenerateAdminKey/secondary')))
})

test('a key is shown to the host of its service in the configured cloud, and to no other', async () => {
  const { cloud, handle } = search()
  const key = Secret.of(handle.keyOf('primary'))
  const shown = async (name: 'public' | 'usgov' | 'china') => {
    const azure = connect(cloud, { cloud: name })
    const holder = aiSearch.open({ resource: handle.resourceId }, azure)
    const verdict = await holder.probe!('primary', { key }, new AbortController().signal)
    return [verdict, ...azure.sent.map(({ url }) => url.host)]
  }

  assert.deepEqual(await shown('public'), ['accepted', 'contoso.search.windows.net'])
  assert.deepEqual(await shown('usgov'), ['accepted', 'contoso.search.azure.us'])
  assert.deepEqual(await shown('china'), ['accepted', 'contoso.search.azure.cn'])
})

test('a wrong key is refused with 403 and with 401 alike', async () => {
  for (const mode of [undefined, 'http401WithBearerChallenge'] as const) {
    const { cloud, handle } = search(mode)
    const holder = aiSearch.open({ resource: handle.resourceId }, connect(cloud))
    const { signal } = new AbortController()
    const verdict = (key: string) => holder.probe!('primary', { key: Secret.of(key) }, signal)

    assert.deepEqual(await Promise.all([handle.keyOf('secondary'), 'wrong'].map(verdict)), ['accepted', 'refused'])
  }
})

test('behind a firewall that refuses every key, no key counts as refused: the rotation comes to its end', async () => {
  const lived = estate(aiSearch)
  lived.cloud.faults.add(networkRule({ service: 'ai-search' }))
  await lived.settle(lived.request())
  lived.cloud.clock.advance(days(3))

  await lived.settle(lived.request({ createdAfter: lived.cloud.clock.now() }))

  const { handle } = lived.member
  assert.equal(lived.regenerations(), 1)
  assert.equal(lived.cloud.vault(vaultHost).read('target-key'), handle.keyOf('secondary'))
})

test('names of search services are taken as Azure allows them', () => {
  const resource = (name: string) =>
    `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Search/searchServices/${name}`
  const taken = (name: string) => aiSearch.resource.safeParse({ resource: resource(name) }).success

  assert.deepEqual(['ab', 'contoso-search-2', 'a'.repeat(60)].map(taken), [true, true, true])
  assert.deepEqual(['a', '-ab', 'a-b', 'ab-', 'ab--c', 'Contoso', 'a'.repeat(61)].map(taken), Array(7).fill(false))
})

// Azure Batch: what only this service does, and what Azure was recorded, reported or documented to answer. The signature was computed with
// @azure/batch 10.2.0; the answers of the simulated control plane were read by @azure/arm-batch 9.1.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { Secret } from '../../src/engine/secret.ts'
import { batch, batchSharedKeyHeaders } from '../../src/providers/batch.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { replies } from './addresses.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/batch/tests/latest/recordings/test_batch_account_cmd.yaml',
  date: '2019-06-13',
}
const question: Source = { repository: 'stackoverflow.com', file: 'question 59024892', date: '2019-11-24' }

function account() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.batchAccounts.add({ name: 'clibatch01' })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2018-12-01'), body)
  const show = async (key: string) => {
    const url = new URL(
      'https://clibatch01.westeurope.batch.azure.com/applications?api-version=2024-07-01.20.0&maxresults=1',
    )
    const headers = batchSharedKeyHeaders(url, 'clibatch01', Secret.of(key), cloud.clock.now())
    const answer = await cloud.fetch(new Request(url, { headers }))
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
    return { status: answer.status, body: (await answer.json()) as any }
  }
  return { cloud, handle, post, show, holder: batch.open({ resource: handle.resourceId }, connect(cloud)) }
}

fact('a listing of a Batch account has its name and both keys, 88 characters each', recording, async () => {
  const { post, handle } = account()

  const { status, body } = await post('listKeys')

  assert.deepEqual([status, body], [200, { accountName: 'clibatch01', ...handle.keys() }])
  assert.match(body.primary, /^[\w+/]{86}==$/)
})

fact('a regenerate answers at once, with the name and both keys, one of them new', recording, async () => {
  const { post, handle } = account()
  const before = handle.keys()

  const { status, body } = await post('regenerateKeys', { keyName: 'Primary' })

  assert.equal(status, 200)
  const { accountName, primary, secondary } = body
  assert.deepEqual([accountName, { primary, secondary }], ['clibatch01', handle.keys()])
  assert.notEqual(primary, before['primary'])
  assert.equal(secondary, before['secondary'])
})

fact('a wrong key gets 403 with a detail that names the MAC signature and what was signed', question, async () => {
  const { handle, show } = account()

  const good = await show(handle.keyOf('secondary'))
  const bad = await show(Buffer.alloc(64).toString('base64'))

  assert.deepEqual([good.status, bad.status, bad.body.code], [200, 403, 'AuthenticationFailed'])
  assert.deepEqual([bad.body.message.lang, bad.body.values[0].key], ['en-US', 'AuthenticationErrorDetail'])
  assert.match(bad.body.values[0].value, /^The MAC signature found in the HTTP request '.+' is not the same as any/)
})

fact(
  'an account without shared keys refuses good ones with the same status and code, and another detail',
  { repository: 'MicrosoftDocs/azure-docs', file: 'issue 51092', date: '2020' },
  async () => {
    const { handle, show } = account()
    handle.disableLocalAuth(true)

    const { status, body } = await show(handle.keyOf('primary'))

    assert.deepEqual([status, body.code], [403, 'AuthenticationFailed'])
    assert.match(body.values[0].value, /^SharedKey is not allowed/)
  },
)

test('a request to Batch is signed as the official SDK signs it', () => {
  const key = Secret.of(Buffer.from(Array.from({ length: 64 }, (_, index) => index)).toString('base64'))
  const url = new URL(
    'https://rekeytest.westeurope.batch.azure.com/applications?api-version=2020-09-01.12.0&maxresults=1',
  )

  const headers = batchSharedKeyHeaders(url, 'rekeytest', key, 1_700_000_000_000)

  assert.deepEqual(headers, {
    'ocp-date': 'Tue, 14 Nov 2023 22:13:20 GMT',
    Authorization: 'SharedKey rekeytest:49Mg4oaO7uVeFf8jaYg6wXrDWJpG16ipAhOpZSqK/SY=',
  })
})

test('a Batch account that allows no shared keys gives no verdict on one', async () => {
  const { handle, holder } = account()
  const { signal } = new AbortController()
  const { primary } = await holder.read(signal)
  handle.disableLocalAuth(true)

  assert.equal(await holder.probe!('primary', primary!, signal), 'unknown')
})

test('a key goes to no endpoint outside the hosts of Batch', async () => {
  const on = opened(batch)
  const { primary } = await on.holder.read(on.signal)
  const elsewhere = { properties: { accountEndpoint: 'render.westeurope.batch.azure.com.example' } }
  on.cloud.faults.add(replies('batch/get', (reply) => ({ ...reply, body: elsewhere })))

  assert.equal(await on.holder.probe!('primary', primary!, on.signal), 'unknown')
  assert.ok(on.azure.sent.every(({ url }) => !url.host.endsWith('.example')))
})

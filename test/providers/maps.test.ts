// Azure Maps: what only this service does, and what Azure was recorded or documented to answer. The answers of the simulated control
// plane were read by @azure/arm-maps 3.1.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { Secret } from '../../src/engine/secret.ts'
import { maps } from '../../src/providers/maps.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { anonymousCaller, arm, caller } from '../simulator/raw-caller.ts'
import { replies } from './addresses.ts'
import { opened } from './opened.ts'

const recording: Source = {
  repository: 'Azure/azure-cli',
  file: 'command_modules/maps/tests/latest/recordings/test_create_maps_account.yaml',
  date: '2021-06-18',
}
const caption: Source = {
  repository: 'Azure/azure-sdk-for-js',
  file: 'sdk/maps/maps-render-rest/recordings, map/copyright/caption/json',
  date: '2022-07-18',
}
const refusal: Source = { repository: 'Azure/reddog-code', file: 'issue 52', date: '2022-05-06' }

function account() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.mapsAccounts.add({ name: 'contoso' })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2023-06-01'), body)
  const shown = (key: string) =>
    anonymousCaller(cloud)(
      'GET',
      'https://atlas.microsoft.com/map/copyright/caption/json?api-version=2024-04-01',
      undefined,
      { 'subscription-key': key },
    )
  return { cloud, handle, post, shown }
}

fact('a listing of a Maps account has both keys, 43 characters each, and when each was made', recording, async () => {
  const { post, handle } = account()

  const { status, body } = await post('listKeys')

  assert.equal(status, 200)
  assert.deepEqual([body.primaryKey, body.secondaryKey], [handle.keyOf('primary'), handle.keyOf('secondary')])
  for (const key of [body.primaryKey, body.secondaryKey]) assert.match(key, /^[\w-]{43}$/)
  assert.match(body.primaryKeyLastUpdated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
})

fact('a regenerate of a Maps key answers both keys, and only the time of the new one moves', recording, async () => {
  const { cloud, post, handle } = account()
  const before = (await post('listKeys')).body
  cloud.clock.advance(60_000)

  const { status, body } = await post('regenerateKey', { keyType: 'secondary' })

  assert.equal(status, 200)
  assert.equal(body.secondaryKey, handle.keyOf('secondary'))
  assert.notEqual(body.secondaryKey, before.secondaryKey)
  assert.notEqual(body.secondaryKeyLastUpdated, before.secondaryKeyLastUpdated)
  assert.deepEqual([body.primaryKey, body.primaryKeyLastUpdated], [before.primaryKey, before.primaryKeyLastUpdated])
})

fact('the copyright line of a map is JSON with one sentence', caption, async () => {
  const { shown, handle } = account()

  const { status, body } = await shown(handle.keyOf('secondary'))

  assert.deepEqual([status, Object.keys(body)], [200, ['formatVersion', 'copyrightsCaption']])
})

fact('a wrong Maps key gets 401, and WWW-Authenticate says InvalidKey, with a quote missing', refusal, async () => {
  const { shown } = account()

  const { status, headers, body } = await shown('no key of any account')

  assert.deepEqual([status, body.error.code], [401, 'Unauthorized'])
  assert.equal(
    headers.get('www-authenticate'),
    'SharedKey realm="https://atlas.microsoft.com/, error="InvalidKey", error_description="The provided key was incorrect or the account resource does not exist."',
  )
})

test('a 401 about something else than the Maps key gives no verdict', async () => {
  const on = opened(maps)
  const { primary } = await on.holder.read(on.signal)
  const challenge =
    'jwt-sas realm="https://atlas.microsoft.com/, error="InvalidClientId", error_description="The provided client ID was incorrect or the account resource does not exist."'
  on.cloud.faults.add(
    replies('maps/copyrightCaption', () => ({ status: 401, headers: { 'www-authenticate': challenge } })),
  )

  assert.equal(await on.holder.probe!('primary', primary!, on.signal), 'unknown')
})

test('a Maps key is shown to the host of its cloud', async () => {
  const { cloud, handle } = account()
  const key = Secret.of(handle.keyOf('primary'))
  const shown = async (name: 'public' | 'usgov') => {
    const azure = connect(cloud, { cloud: name })
    const holder = maps.open({ resource: handle.resourceId }, azure)
    const verdict = await holder.probe!('primary', { key }, new AbortController().signal)
    return [verdict, ...azure.sent.map(({ url }) => url.host)]
  }

  assert.deepEqual(await shown('public'), ['accepted', 'atlas.microsoft.com'])
  assert.deepEqual(await shown('usgov'), ['accepted', 'atlas.azure.us'])
})

test('names of Maps accounts are taken as Azure allows them', () => {
  const resource = (name: string) =>
    `/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Maps/accounts/${name}`
  const taken = (name: string) => maps.resource.safeParse({ resource: resource(name) }).success

  assert.deepEqual(['a', 'Contoso_maps.2-b', 'a'.repeat(98)].map(taken), [true, true, true])
  assert.deepEqual(['', '.', '..', '-a', 'a b', 'a'.repeat(99)].map(taken), Array(6).fill(false))
})

// The kernel: versions, tokens, permissions, history, effects.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, ConnectionLost, CrashSignal, simulatedCloud } from '../../simulator/cloud.ts'
import { missingPermission } from '../../simulator/faults.ts'
import { anonymousCaller, arm, caller } from './raw-caller.ts'

function world(): { cloud: Cloud; account: ReturnType<Cloud['cognitiveServices']['add']> } {
  const cloud = simulatedCloud({ clock: virtualClock(Date.parse('2026-01-01T00:00:00Z')) })
  return { cloud, account: cloud.cognitiveServices.add({ name: 'vision' }) }
}

test('paths of Azure Resource Manager match without case, and api-version may be percent-encoded', async () => {
  const { cloud, account } = world()
  const url = `https://management.azure.com${account.resourceId.toUpperCase()}/LISTKEYS?api%2Dversion=2023-05-01`

  const answer = await caller(cloud)('POST', url)

  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, { key1: account.keyOf('Key1'), key2: account.keyOf('Key2') })
})

test('a missing or unknown api-version is refused', async () => {
  const { cloud, account } = world()
  const call = caller(cloud)

  const missing = await call('POST', `https://management.azure.com${account.resourceId}/listKeys`)
  const unknown = await call('POST', arm(`${account.resourceId}/listKeys`, '1999-01-01'))

  assert.deepEqual([missing.status, missing.body.error.code], [400, 'MissingApiVersionParameter'])
  assert.deepEqual([unknown.status, unknown.body.error.code], [400, 'InvalidApiVersionParameter'])
})

test('a call without a token, or with one for another audience, is 401', async () => {
  const { cloud, account } = world()
  const url = arm(`${account.resourceId}/listKeys`)
  const foreign = cloud.identity.issue('https://graph.microsoft.com/.default').token

  const bare = await anonymousCaller(cloud)('POST', url)
  const wrong = await anonymousCaller(cloud)('POST', url, undefined, { authorization: `Bearer ${foreign}` })
  const invented = await anonymousCaller(cloud)('POST', url, undefined, { authorization: 'Bearer a.b.c' })

  assert.deepEqual([bare.status, wrong.status, invented.status], [401, 401, 401])
  assert.deepEqual(
    [bare.body.error.code, wrong.body.error.code, invented.body.error.code],
    ['AuthenticationFailed', 'InvalidAuthenticationTokenAudience', 'AuthenticationFailed'],
  )
})

test('a denied action is 403 with Azure’s message, with wildcards and scopes, and changes nothing', async () => {
  const { cloud, account } = world()
  const other = cloud.cognitiveServices.add({ name: 'other' })
  const before = account.keys()
  cloud.identity.deny('Microsoft.CognitiveServices/accounts/*/action', account.resourceId)

  const denied = await caller(cloud)('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' })
  const elsewhere = await caller(cloud)('POST', arm(`${other.resourceId}/listKeys`))

  assert.deepEqual([denied.status, denied.body.error.code], [403, 'AuthorizationFailed'])
  assert.match(denied.body.error.message, /'Microsoft\.CognitiveServices\/accounts\/regenerateKey\/action'/)
  assert.equal(elsewhere.status, 200)
  assert.deepEqual(account.keys(), before)
})

test('the permissions API lists what is granted and denied, with control and data actions apart', async () => {
  const { cloud, account } = world()
  cloud.identity.deny('*')
  cloud.identity.grant('Microsoft.Authorization/permissions/read')
  cloud.identity.grant('Microsoft.CognitiveServices/*')
  cloud.identity.grant('Microsoft.KeyVault/vaults/secrets/*')
  cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/purge/action')
  cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))
  const url = arm(`${account.resourceId}/providers/Microsoft.Authorization/permissions`, '2022-04-01')

  const { body } = await caller(cloud)('GET', url)

  const find = (list: string, action: string) =>
    body.value.find((entry: Record<string, string[]>) => entry[list]?.includes(action))
  assert.deepEqual(find('actions', 'Microsoft.CognitiveServices/*').notActions, [
    'Microsoft.CognitiveServices/accounts/listKeys/action',
  ])
  assert.deepEqual(find('dataActions', 'Microsoft.KeyVault/vaults/secrets/*').notDataActions, [
    'Microsoft.KeyVault/vaults/secrets/purge/action',
  ])
  assert.equal(find('actions', 'Microsoft.KeyVault/vaults/secrets/*'), undefined)
})

test('every call is in the history, with permission, effect and caller, and no query', async () => {
  const { cloud, account } = world()

  await caller(cloud, 'worker-1')('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key2' })

  assert.deepEqual(cloud.history, [
    {
      at: Date.parse('2026-01-01T00:00:00Z'),
      host: 'management.azure.com',
      method: 'POST',
      path: `${account.resourceId}/regenerateKey`,
      operation: 'cognitive-services/regenerateKey',
      status: 200,
      permission: 'Microsoft.CognitiveServices/accounts/regenerateKey/action',
      effect: true,
      caller: 'worker-1',
    },
  ])
})

test('a host that is not Azure’s gets no answer', async () => {
  const { cloud } = world()

  const call = anonymousCaller(cloud)('GET', 'https://example.com/')

  await assert.rejects(call, ConnectionLost)
})

test('listeners hear of each effect before and after; refused calls count as no effect', async () => {
  const { cloud, account } = world()
  const heard: string[] = []
  const stop = cloud.onEffect(({ n, operation, when }) => heard.push(`${when} ${n} ${operation}`))
  const url = arm(`${account.resourceId}/regenerateKey`)

  await anonymousCaller(cloud)('POST', url, { keyName: 'Key1' })
  await caller(cloud)('POST', url, { keyName: 'Key1' })
  stop()
  await caller(cloud)('POST', url, { keyName: 'Key2' })

  assert.deepEqual(heard, ['before 1 cognitive-services/regenerateKey', 'after 1 cognitive-services/regenerateKey'])
})

test('a caller that crashed before an effect did not cause it, and is not answered until it is revived', async () => {
  const { cloud, account } = world()
  const before = account.keys()
  const stop = cloud.onEffect(({ when }) => {
    if (when === 'before') throw new CrashSignal()
  })
  const dying = caller(cloud, 'worker-1')
  const next = caller(cloud, 'worker-2')
  const list = arm(`${account.resourceId}/listKeys`)

  await assert.rejects(dying('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' }), CrashSignal)
  stop()

  assert.deepEqual(account.keys(), before)
  await assert.rejects(dying('POST', list), ConnectionLost)
  assert.equal((await next('POST', list)).status, 200)
  cloud.revive('worker-1')
  assert.equal((await dying('POST', list)).status, 200)
})

test('every key and token ever made is known to the leak test', async () => {
  const { cloud, account } = world()
  const old = account.keyOf('Key1')

  account.regenerateByHand('Key1')
  const { token } = cloud.identity.issue('https://vault.azure.net/.default')

  for (const secret of [old, account.keyOf('Key1'), token, cloud.topic('t.westeurope-1.eventgrid.azure.net').key]) {
    assert.ok(cloud.minted.has(secret))
  }
})

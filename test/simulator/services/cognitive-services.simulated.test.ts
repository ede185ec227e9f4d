// Cognitive Services: keys at the control plane, checked at the data plane.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { anonymousCaller, arm, caller } from '../raw-caller.ts'

test('regenerating changes the named key only, answers both, and the data plane follows', async () => {
  const cloud = simulatedCloud({ clock: virtualClock(0) })
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const before = account.keys()
  const probe = async (key: string) =>
    (
      await anonymousCaller(cloud)('GET', 'https://vision.cognitiveservices.azure.com/any', undefined, {
        'ocp-apim-subscription-key': key,
      })
    ).status

  const { body } = await caller(cloud)('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' })

  assert.notEqual(body.key1, before['Key1'])
  assert.equal(body.key2, before['Key2'])
  assert.equal(await probe(body.key1), 404)
  assert.equal(await probe(body.key2), 404)
  assert.equal(await probe(before['Key1']!), 401)
  assert.deepEqual([account.accepts(body.key1), account.accepts(before['Key1']!)], [true, false])
})

test('with local authentication disabled, keys are neither listed, nor regenerated, nor accepted', async () => {
  const cloud = simulatedCloud()
  const account = cloud.cognitiveServices.add({ name: 'vision', disableLocalAuth: true })
  const call = caller(cloud)

  const listed = await call('POST', arm(`${account.resourceId}/listKeys`))
  const regenerated = await call('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'Key1' })
  const described = await call('GET', arm(account.resourceId))
  const probed = await anonymousCaller(cloud)('GET', account.endpoint, undefined, { 'api-key': account.keyOf('Key1') })

  assert.deepEqual(
    [listed.status, listed.body.error.message],
    [400, 'Failed to list key. disableLocalAuth is set to be true'],
  )
  assert.equal(regenerated.status, 400)
  assert.equal(described.body.properties.disableLocalAuth, true)
  assert.equal(probed.status, 403)
  assert.equal(account.accepts(account.keyOf('Key1')), false)
})

test('a key name that is neither Key1 nor Key2, or an account that is not there, is refused', async () => {
  const cloud = simulatedCloud()
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const before = account.keys()
  const call = caller(cloud)

  const badSlot = await call('POST', arm(`${account.resourceId}/regenerateKey`), { keyName: 'key1' })
  const nowhere = await call('POST', arm(`${account.resourceId}x/listKeys`))

  assert.equal(badSlot.status, 400)
  assert.deepEqual([nowhere.status, nowhere.body.error.code], [404, 'ResourceNotFound'])
  assert.deepEqual(account.keys(), before)
})

test('madeAt returns the time at which a key was made', () => {
  const clock = virtualClock(1000)
  const cloud = simulatedCloud({ clock })
  const account = cloud.cognitiveServices.add({ name: 'vision' })

  clock.advance(5000)
  account.regenerateByHand('Key2')

  assert.equal(account.madeAt(account.keyOf('Key1')), 1000)
  assert.equal(account.madeAt(account.keyOf('Key2')), 6000)
  assert.throws(() => account.madeAt('never'), TypeError)
})

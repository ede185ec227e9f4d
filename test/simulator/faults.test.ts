// Each fault does what its name says, and seeded runs replay.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { virtualClock } from '../../simulator/clock.ts'
import { ConnectionLost, CrashSignal, type Fault, simulatedCloud } from '../../simulator/cloud.ts'
import {
  crash,
  failingOperation,
  gatewayCaches,
  lingeringKeys,
  lostAnswer,
  missingPermission,
  serverError,
  slowAnswers,
  slowOperation,
  slowPropagation,
  staleReads,
  throttle,
  truncatedBody,
} from '../../simulator/faults.ts'
import { anonymousCaller, arm, caller } from './raw-caller.ts'

function world(...faults: Fault[]) {
  const clock = virtualClock(0)
  const cloud = simulatedCloud({ clock, faults })
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const call = caller(cloud)
  return {
    clock,
    cloud,
    account,
    list: () => call('POST', arm(`${account.resourceId}/listKeys`)),
    regenerate: (keyName = 'Key1') => call('POST', arm(`${account.resourceId}/regenerateKey`), { keyName }),
  }
}

test('the fault throttle empties its bucket, states how long to wait, and refills with the clock', async () => {
  const { list, clock, cloud } = world(throttle({ capacity: 2, perSecond: 0.5 }))

  const statuses = [(await list()).status, (await list()).status]
  const third = await list()
  clock.advance(2000)
  const later = await list()

  assert.deepEqual(statuses, [200, 200])
  assert.equal(third.status, 429)
  assert.equal(third.headers.get('retry-after'), '2')
  assert.equal(later.status, 200)
  assert.equal(cloud.history[2]!.fault, 'throttle')
})

test('the fault throttle sends a given Retry-After unchanged', async () => {
  const { list } = world(throttle({ capacity: 0, perSecond: 1, retryAfter: 17 }))

  const answer = await list()

  assert.equal(answer.headers.get('retry-after'), '17')
})

test('the fault serverError answers 5xx before or after the effect', async () => {
  const before = world(serverError({ operation: 'cognitive-services/regenerateKey', when: 'before', times: 1 }))
  const after = world(serverError({ when: 'after', status: 503, times: 1 }))
  const [keysBefore, keysAfter] = [before.account.keys(), after.account.keys()]

  const failedBefore = await before.regenerate()
  const failedAfter = await after.regenerate()

  assert.deepEqual([failedBefore.status, failedAfter.status], [500, 503])
  assert.deepEqual(before.account.keys(), keysBefore)
  assert.notEqual(after.account.keyOf('Key1'), keysAfter['Key1'])
  assert.equal(after.cloud.history[0]!.effect, true)
  assert.equal((await before.regenerate()).status, 200)
})

test('the fault serverError can answer as a gateway does: without a body, or with HTML', async () => {
  const empty = await world(serverError({ when: 'before', body: 'empty', status: 502 })).list()
  const html = await world(serverError({ when: 'before', body: 'html' })).list()

  assert.deepEqual([empty.status, empty.text], [502, ''])
  assert.match(html.text, /^<html>/)
})

test('the fault lostAnswer loses the answer of an effect that happened', async () => {
  const { regenerate, account, cloud } = world(lostAnswer({ operation: 'cognitive-services/regenerateKey', times: 1 }))
  const old = account.keyOf('Key1')

  await assert.rejects(regenerate(), ConnectionLost)

  assert.notEqual(account.keyOf('Key1'), old)
  const { status, effect, fault } = cloud.history[0]!
  assert.deepEqual({ status, effect, fault }, { status: 0, effect: true, fault: 'lostAnswer' })
  assert.equal((await regenerate('Key2')).status, 200)
})

test('the fault truncatedBody answers an effect with a body that does not parse and still contains the new key', async () => {
  const { regenerate, account } = world(truncatedBody({ operation: 'cognitive-services' }))

  const answer = await regenerate()

  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'unreadable')
  assert.ok(answer.text.includes(account.keyOf('Key1')))
})

test('the fault staleReads delays listings but not the data plane', async () => {
  const { list, regenerate, account, clock } = world(staleReads({ ms: 60_000 }))
  const old = account.keyOf('Key1')
  clock.advance(120_000)
  await regenerate()

  const early = await list()
  clock.advance(60_000)
  const late = await list()

  assert.equal(early.body.key1, old)
  assert.equal(late.body.key1, account.keyOf('Key1'))
  assert.equal(account.accepts(old), false)
})

test('the fault slowPropagation delays the acceptance of a new key, but not of the first keys', async () => {
  const { regenerate, account, clock } = world(slowPropagation({ ms: 30_000 }))
  await regenerate()
  const fresh = account.keyOf('Key1')

  const early = account.accepts(fresh)
  const first = account.accepts(account.keyOf('Key2'))
  clock.advance(30_000)
  const late = account.accepts(fresh)

  assert.deepEqual([early, first, late], [false, true, true])
})

test('the fault lingeringKeys lets a replaced key be accepted for a while', async () => {
  const { regenerate, account, clock } = world(lingeringKeys({ ms: 30_000 }))
  const old = account.keyOf('Key1')
  await regenerate()

  const early = account.accepts(old)
  clock.advance(30_000)
  const late = account.accepts(old)

  assert.deepEqual([early, late], [true, false])
})

test('the fault gatewayCaches refuses a new key and accepts the replaced one for a time that requests do not change', async () => {
  const minutes = 60_000
  const { regenerate, account, clock } = world(gatewayCaches({ ms: 3 * minutes }))
  const old = account.keyOf('Key1')
  await regenerate()
  const fresh = account.keyOf('Key1')

  const early = [account.accepts(fresh), account.accepts(old)]
  const again = [account.accepts(fresh), account.accepts(old)]
  clock.advance(3 * minutes)
  const late = [account.accepts(fresh), account.accepts(old)]

  assert.deepEqual(early, [false, true])
  assert.deepEqual(again, early)
  assert.deepEqual(late, [true, false])
})

test('the faults slowOperation and failingOperation apply to long-running operations', () => {
  const cloud = simulatedCloud({ faults: [slowOperation({ ms: 5000 }), failingOperation({ times: 1 })] })

  assert.deepEqual(cloud.faults.names, ['slowOperation', 'failingOperation'])
})

test('the fault missingPermission causes 403 while it lasts', async () => {
  const { list, cloud } = world(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))

  const during = await list()
  cloud.faults.clear()
  const after = await list()

  assert.deepEqual([during.status, after.status], [403, 200])
})

for (const when of ['before', 'after'] as const) {
  test(`crash ${when} the second effect: the first is answered, the second ${when === 'before' ? 'never happens' : 'happens'}, no answer comes`, async () => {
    const { regenerate, account, list } = world(crash({ atEffect: 2, when }))
    const old = account.keyOf('Key2')

    const first = await regenerate('Key1')
    await assert.rejects(regenerate('Key2'), CrashSignal)

    assert.equal(first.status, 200)
    assert.equal(account.keyOf('Key2') === old, when === 'before')
    await assert.rejects(list(), ConnectionLost)
  })
}

test('faults skip tokens and telemetry unless they name them', async () => {
  const fault = serverError({ when: 'before' })
  const named = serverError({ when: 'before', operation: 'application-insights' })
  const track = 'https://dc.services.visualstudio.com/v2/track'

  const spared = await anonymousCaller(simulatedCloud({ faults: [fault] }))('POST', track, [])
  const struck = await anonymousCaller(simulatedCloud({ faults: [named] }))('POST', track, [])

  assert.deepEqual([spared.status, struck.status], [200, 500])
})

test('the same seed and calls give the same answers, keys and history; another seed does not', async () => {
  const run = async (seed: number, steps: readonly number[]) => {
    const cloud = simulatedCloud({
      seed,
      clock: virtualClock(0),
      faults: [
        serverError({ when: 'after', probability: 0.3 }),
        lostAnswer({ probability: 0.2 }),
        staleReads({ ms: 3000, probability: 0.5 }),
        throttle({ capacity: 3, perSecond: 1 }),
      ],
    })
    const account = cloud.cognitiveServices.add({ name: 'vision' })
    const vault = cloud.vault('kv.vault.azure.net')
    const call = caller(cloud)
    const seen: unknown[] = []
    for (const step of steps) {
      const [path, body] = step % 2 === 0 ? ['listKeys', undefined] : ['regenerateKey', { keyName: 'Key1' }]
      const answer = call('POST', arm(`${account.resourceId}/${path}`), body)
      seen.push(
        await answer.then(
          ({ status, text }) => [status, text],
          (error: Error) => error.message,
        ),
      )
      vault.set('a', account.keyOf('Key1'))
      cloud.clock.advance(step)
    }
    return JSON.stringify({
      seen,
      history: cloud.history,
      versions: vault.versions('a'),
      tenant: cloud.identity.tenant,
    })
  }
  const steps = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 20 })

  await fc.assert(
    fc.asyncProperty(fc.nat(), steps, async (seed, list) => {
      assert.equal(await run(seed, list), await run(seed, list))
      assert.notEqual(await run(seed, list), await run(seed + 1, list))
    }),
    { numRuns: 20 },
  )
})

test('the fault slowAnswers delays answers by the clock of the cloud', async () => {
  const { list, clock } = world(slowAnswers({ ms: 1500, operation: 'cognitive-services' }))

  const answer = await list()

  assert.deepEqual([answer.status, clock.now()], [200, 1500])
})

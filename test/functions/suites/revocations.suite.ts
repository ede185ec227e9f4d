// The revokes of many targets: first a dry run that counts, then one list, of which no member is ever dropped.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missingPermission } from '../../../simulator/faults.ts'
import { startRevocations } from '../../../src/functions/http/commands/start-revocations.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { listOperations } from '../../../src/functions/http/status/list-operations.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { mostDeliveries, rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import {
  account,
  days,
  follow,
  stored,
  usualProvider,
  vaultHost,
  vaultUrl,
  type World,
  world,
} from '../functions-world.ts'

const queue = 'rekey-revocations'
const minute = 60_000
const otherVault = 'https://kv-other.vault.azure.net'
const repeatable = (made: World) => ({
  'Repeatability-Request-ID': '0b7c7c3e-58a1-4f0c-8d0a-2f0a4f6d9c11',
  'Repeatability-First-Sent': new Date(made.cloud.clock.now()).toUTCString(),
})

/** Accounts t0, t1 …, each with its Key1 in the vault. */
async function leakedWorld(count = 4) {
  const made = await world()
  const accounts = Array.from({ length: count }, (_, n) => account(made.cloud, `t${n}`))
  const targets = accounts.map(({ target }) => target)
  await made.writeTargets(targets)
  for (const { target, handle } of accounts) stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  const leaked = accounts.map(({ handle }) => [handle.keyOf('Key1'), handle.keyOf('Key2')])
  /** The targets whose leaked keys are all dead, and whose secret works. */
  const revoked = () =>
    accounts.flatMap(({ target, handle }, n) => {
      const value = made.cloud.vault(vaultHost).read(`${target.name}-key`)
      const isOver = leaked[n]!.every((key) => !handle.accepts(key)) && value !== undefined && handle.accepts(value)
      return isOver ? [target.name] : []
    })
  const ask = (body: object, headers = {}) =>
    made.http(startRevocations, { body: { note: 'the vault leaked', ...body }, headers })
  return { made, targets, revoked, ask }
}

const regenerates = ({ cloud }: World) =>
  cloud.history.filter(({ operation, effect }) => effect && operation.endsWith('/regenerateKey')).length

/** Handles the messages of the list as the function of revokes does, and gives what it queued. */
async function fanOut(made: World): Promise<Record<string, unknown>[]> {
  for (const message of await made.messages(queue)) {
    await rotateMessage(message, made.context('revoke'), made.compose, queue)
  }
  return made.sends.map(({ request }) => ({ ...request }))
}

/** What was sent last to a target, delivered now: Azurite's clock is not the simulated one. */
async function deliver(made: World, target: string): Promise<void> {
  const { request, delay } = made.sends.findLast((sent) => sent.request.target === target)!
  made.cloud.clock.advance(delay)
  const { createdAfter: _, revokeBefore, expiresAt, ...plain } = request
  const iso = (at: number) => new Date(at).toISOString()
  const message = { v: 1, ...plain, revokeBefore: iso(revokeBefore!), expiresAt: iso(expiresAt) }
  await rotateMessage(message, made.context('revoke'), made.compose, queue)
}

describe('The operation of a list', () => {
  test('A list is not said to have failed for good by an instance that does not know its targets yet', async () => {
    const { made, targets, ask } = await leakedWorld(2)
    const { body } = await ask({ targets: ['t0'], count: 1 })
    const poll = async () => (await made.http(showOperation, { params: { id: body.id } })).body.status
    await made.writeTargets([targets[1]!])
    made.cloud.clock.advance(1.5 * minute)
    const unknown = await poll()
    await made.writeTargets(targets)
    made.cloud.clock.advance(1.5 * minute)
    const known = await poll()
    await made.writeTargets([targets[1]!])
    made.cloud.clock.advance(1.5 * minute)

    assert.deepEqual([unknown, known, await poll()], ['NotStarted', 'NotStarted', 'Failed'])
    await made.close()
  })
})

describe('The dry run of revocations', () => {
  test('A dry run counts and names what a vault’s revocation would revoke, what it leaves out and why, and changes nothing', async () => {
    const { made, targets } = await leakedWorld(3)
    const reminder = { name: 'partner', provider: 'reminder', secrets: { partner: 'value' } }
    await made.writeTargets([
      targets[0]!,
      { ...targets[1], enabled: false },
      { ...targets[2], vault: otherVault },
      { name: 'wrong', provider: usualProvider, resource: 'no id', secrets: { wrong: 'key' } },
      { ...reminder, owner: 'ops' },
    ])
    const body = { vault: `${vaultUrl.toUpperCase()}/`, dryRun: true }

    const { status, body: answer } = await made.http(startRevocations, { body })

    assert.equal(status, 200)
    assert.deepEqual([answer.count, answer.targets], [1, ['t0']])
    assert.deepEqual(answer.disabled, { count: 1, targets: ['t1'] })
    assert.deepEqual(answer.notApplied.targets.includes('wrong'), true)
    assert.deepEqual([await made.depth(queue), await made.depth(), regenerates(made)], [0, 0, 0])
    const { body: listed } = await made.http(listOperations)
    assert.deepEqual(listed.value, [])
    await made.close()
  })

  test('A revocation whose count is missing, or differs from what it names, is refused, and nothing is queued', async () => {
    const { made, ask } = await leakedWorld(2)

    const missing = await ask({ targets: 'all' })
    const differs = await ask({ targets: 'all', count: 3 })
    const withoutNote = await made.http(startRevocations, { body: { targets: 'all', count: 2 } })

    assert.deepEqual([missing.status, missing.body.code], [400, 'BadRequest'])
    assert.deepEqual([differs.status, differs.body.code, differs.body.count], [409, 'CountDiffers', 2])
    assert.ok(differs.body.detail.includes('3') && differs.body.detail.includes('2'))
    assert.deepEqual([withoutNote.status, withoutNote.body.code], [400, 'BadRequest'])
    assert.equal(await made.depth(queue), 0)
    await made.close()
  })

  test('Targets are named by a list, all, a vault, a subscription or a provider: by one of them, and by what is there', async () => {
    const { made, targets } = await leakedWorld(2)
    const [, , subscription] = String(targets[0]!.resource).split('/')
    const dryRun = async (body: object) => (await made.http(startRevocations, { body: { dryRun: true, ...body } })).body

    const counts = []
    for (const body of [
      { targets: ['t1', 't0', 't1'] },
      { targets: 'all' },
      { vault: vaultUrl },
      { subscription: subscription!.toUpperCase() },
      { provider: usualProvider },
    ]) {
      counts.push((await dryRun(body)).count)
    }
    const refusals = []
    for (const body of [
      {},
      { targets: 'all', vault: vaultUrl },
      { vault: otherVault },
      { vault: 'kv-prod' },
      { subscription: '11111111-2222-4333-8444-000000000000' },
      { provider: 'cognitive-service' },
      { targets: ['t0', 'tO'] },
    ]) {
      refusals.push((await dryRun(body)).code)
    }

    assert.deepEqual(counts, [2, 2, 2, 2, 2])
    assert.deepEqual(refusals, [
      'BadRequest',
      'BadRequest',
      'UnknownTarget',
      'UnknownTarget',
      'UnknownTarget',
      'UnknownTarget',
      'UnknownTarget',
    ])
    await made.close()
  })

  test('A rotation of many takes the same selectors, and leaves out what is disabled', async () => {
    const { made, targets } = await leakedWorld(2)
    await made.writeTargets([targets[0]!, { ...targets[1], enabled: false }])

    const { status, body } = await made.http(startRotations, { body: { vault: vaultUrl } })

    assert.deepEqual([status, body.kind, body.targets, body.disabled.targets], [202, 'rotations', ['t0'], ['t1']])
    await made.close()
  })
})

describe('A revocation of many targets', () => {
  test('Each target gets a revoke of its own, through the queue of revokes alone, in the order listed', async () => {
    const { made, ask, revoked } = await leakedWorld(4)
    const order = ['t2', 't0', 't3', 't1']

    const accepted = await ask({ targets: order, count: 4 })
    const before = await follow(made, accepted)
    const sent = await fanOut(made)
    for (const name of order) await deliver(made, name)
    const { body } = await follow(made, accepted)

    assert.deepEqual([accepted.status, accepted.body.kind, accepted.body.counts.total], [202, 'revocations', 4])
    assert.deepEqual(accepted.body.targets, order)
    assert.equal(await made.depth(), 0, 'nothing travels through the queue of other requests')
    assert.deepEqual(
      sent.map(({ target }) => target),
      order,
    )
    assert.deepEqual([before.body.status, body.status], ['NotStarted', 'Succeeded'])
    assert.deepEqual(body.counts, { total: 4, succeeded: 4, failed: 0, running: 0, waiting: 0 })
    assert.deepEqual([revoked().length, regenerates(made)], [4, 8])
    await made.close()
  })

  test('A member that an operator must help is waiting, not failed, and the operation succeeds once it is helped', async () => {
    const { made, ask, revoked } = await leakedWorld(3)
    const accepted = await ask({ targets: 'all', count: 3 })
    await fanOut(made)
    const listKeys = missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' })
    await deliver(made, 't0')
    made.cloud.faults.add(listKeys)
    await deliver(made, 't1')
    made.cloud.faults.clear()
    made.cloud.vault(vaultHost).delete('t2-key')
    await deliver(made, 't2')
    await deliver(made, 't2')

    const waiting = await follow(made, accepted)
    await deliver(made, 't1')
    const { counts } = (await follow(made, accepted)).body
    made.cloud.vault(vaultHost).recover('t2-key')
    made.cloud.clock.advance(minute)
    await deliver(made, 't2')
    const { body } = await follow(made, accepted)

    assert.deepEqual(waiting.body.counts, { total: 3, succeeded: 1, failed: 0, running: 2, waiting: 2 })
    assert.deepEqual(waiting.body.waiting, [
      { target: 't1', code: 'PermissionDenied' },
      { target: 't2', code: 'SecretDeleted' },
    ])
    assert.equal(waiting.body.status, 'Running')
    assert.deepEqual([counts.succeeded, counts.waiting], [2, 1])
    assert.deepEqual([body.status, body.counts.succeeded, revoked().length], ['Succeeded', 3, 3])
    await made.close()
  })

  test('A list whose queue refuses for good is never given up: the part waits in the queue, or for an operator', async () => {
    const { made, ask, revoked } = await leakedWorld(3)
    const accepted = await ask({ targets: 'all', count: 3 })
    const [list] = await made.messages(queue)
    const last = made.context('revoke')
    Object.assign(last, { triggerMetadata: { dequeueCount: mostDeliveries } })
    made.trouble.queueTakes = 1
    await assert.rejects(rotateMessage(list, last, made.compose, queue), { code: 'ServiceBusy' })
    const meanwhile = await follow(made, accepted)
    made.trouble.queueTakes = 100
    // Put back from the poison queue.
    await rotateMessage(list, made.context('revoke'), made.compose, queue)
    for (const name of ['t0', 't1', 't2']) await deliver(made, name)

    const { body } = await follow(made, accepted)

    assert.deepEqual([meanwhile.body.counts.failed, meanwhile.body.counts.running], [0, 3])
    assert.deepEqual([body.status, revoked().length], ['Succeeded', 3])
    await made.close()
  })

  test('While everything is stopped, a list of revokes waits in its own queue', async () => {
    const { made, ask, revoked } = await leakedWorld(1)
    await ask({ targets: 'all', count: 1 })
    const [list] = await made.messages(queue)
    made.env['ROTATION_STOPPED'] = 'true'
    made.restart()
    const refused = await ask({ targets: 'all', count: 1 })

    await rotateMessage(list, made.context('revoke'), made.compose, queue)
    const waiting = [await made.depth(queue), await made.depth()]
    made.env['ROTATION_STOPPED'] = 'false'
    made.restart()
    await rotateMessage(list, made.context('revoke'), made.compose, queue)
    await deliver(made, 't0')

    assert.deepEqual([refused.status, refused.body.code], [409, 'Stopped'])
    assert.deepEqual([waiting, revoked()], [[1, 0], ['t0']])
    await made.close()
  })

  test('A revocation that the queue does not take is 503 and in no list; sent again it is carried out', async () => {
    const { made, ask } = await leakedWorld(1)
    const headers = repeatable(made)
    made.trouble.queueTakes = 0

    const refused = await ask({ targets: 'all', count: 1 }, headers)
    const { body: none } = await made.http(listOperations)
    made.trouble.queueTakes = 100
    const accepted = await ask({ targets: 'all', count: 1 }, headers)
    const { body: one } = await made.http(listOperations)

    assert.deepEqual([refused.status, refused.body.accepted, none.value], [503, false, []])
    assert.deepEqual([accepted.status, one.value.length, await made.depth(queue)], [202, 1, 1])
    await made.close()
  })

  test('The same revocation sent again is one list, also when what it names has changed meanwhile', async () => {
    const { made, targets, ask } = await leakedWorld(3)
    const headers = repeatable(made)
    const named = { targets: ['t0', 't1', 't2'], count: 3 }
    const first = await ask(named, headers)
    await made.writeTargets(targets.slice(0, 2))
    made.cloud.clock.advance(2 * minute)

    const again = await ask(named, headers)

    assert.deepEqual([again.status, again.body.id, again.body.counts.total], [202, first.body.id, 3])
    const { body } = await made.http(listOperations)
    assert.equal(body.value.length, 1)
    await made.close()
  })
})

describe('The list of operations', () => {
  test('The lists of the last two weeks are there, newest first, with who asked and why, and how those ended that have', async () => {
    const { made, ask } = await leakedWorld(2)
    await made.http(startRotations, { body: { targets: ['t1'], note: 'drill' } })
    made.cloud.clock.advance(minute)
    const accepted = await ask({ targets: ['t0'], count: 1 })
    await fanOut(made)
    await deliver(made, 't0')
    await follow(made, accepted)

    const { status, body } = await made.http(listOperations)
    made.cloud.clock.advance(14 * days + minute)
    const later = await made.http(listOperations)

    assert.equal(status, 200)
    const [newest, oldest] = body.value
    assert.deepEqual([newest.id, newest.kind, newest.status], [accepted.body.id, 'revocations', 'Succeeded'])
    assert.deepEqual([newest.note, newest.actor, newest.counts.succeeded], ['the vault leaked', 'http', 1])
    assert.deepEqual([oldest.kind, oldest.note, oldest.status, oldest.total], ['rotations', 'drill', undefined, 1])
    assert.deepEqual([body.nextLink, later.body.value], [undefined, []])
    await made.close()
  })

  test('More lists than fit on a page are on the next ones, each once', async () => {
    const { made } = await leakedWorld(1)
    for (let n = 0; n < 52; n++) {
      await made.http(startRotations, { body: { targets: ['t0'] } })
      made.cloud.clock.advance(n % 2 ? 1000 : 0)
    }

    const first = await made.http(listOperations)
    const skipToken = new URL(first.body.nextLink).searchParams.get('skipToken')!
    const second = await made.http(listOperations, { query: { skipToken } })
    const wrong = await made.http(listOperations, { query: { skipToken: '../lists/x' } })

    const ids = [...first.body.value, ...second.body.value].map(({ id }: { id: string }) => id)
    assert.deepEqual([first.body.value.length, new Set(ids).size, second.body.nextLink], [50, 52, undefined])
    assert.equal(wrong.status, 400)
    await made.close()
  })
})

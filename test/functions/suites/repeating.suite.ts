// Commands sent again because the caller got no answer: one request, one new key.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Handler } from '../../../src/functions/http/answer-request.ts'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRevocations } from '../../../src/functions/http/commands/start-revocations.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { repeatedKeyIn } from '../../../src/functions/http/repeated-key.ts'
import { kinds } from '../../providers/all-providers.ts'
import { fleet } from '../../providers/provider-fleet.ts'
import { account, asOfNow, days, follow, vaultHost, visionWorld, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }
const second = 1000

async function deviceWorld() {
  const made = await world()
  const { fields, handle } = fleet[kinds.swapped.id]!(made.cloud)
  await made.writeTargets([{ name: 'vision', provider: kinds.swapped.id, ...fields, secrets: { 'vision-key': 'key' } }])
  await made.tick()
  await made.drain()
  return { made, handle }
}

function repeatable(made: World, ago = 0) {
  return {
    'Repeatability-Request-ID': randomUUID(),
    'Repeatability-First-Sent': new Date(made.cloud.clock.now() - ago).toUTCString(),
  }
}

function regenerations(made: World): number {
  return made.cloud.history.filter(({ operation }) => /regenerate/i.test(operation)).length
}

describe('A command that is sent again', () => {
  const commands: readonly (readonly [name: string, handler: Handler, body: object, keys: number])[] = [
    ['rotate', rotate, {}, 1],
    ['forced rotate', rotate, { force: true }, 1],
    ['revoke', revoke, { note: 'leaked' }, 2],
  ]
  for (const [name, handler, body, keys] of commands) {
    test(`The same ${name} sent again makes as many new keys as one does, and is answered`, async () => {
      const { made, handle } = await visionWorld()
      const headers = repeatable(made)
      made.cloud.clock.advance(2 * second)
      const first = await made.http(handler, { params, body, headers })
      made.cloud.clock.advance(20 * second)
      const again = await made.http(handler, { params, body, headers })
      made.cloud.clock.advance(20 * 60 * second)
      await made.drain()

      assert.deepEqual(
        [first, again].map(({ headers }) => headers['repeatability-result']),
        ['accepted', 'accepted'],
      )
      assert.ok(first.status < 300 && again.status < 300, `${first.status}, ${again.status}`)
      assert.equal(regenerations(made), keys)
      assert.ok(handle.accepts(made.cloud.vault(vaultHost).read('vision-key')!))
      await made.close()
    })
  }

  test('A command sent again while its first copy still waits in the queue is the same operation', async () => {
    const { made } = await visionWorld()
    const headers = { ...repeatable(made), prefer: 'respond-async' }
    const first = await made.http(rotate, { params, headers })
    made.cloud.clock.advance(20 * second)
    const again = await made.http(rotate, { params, headers })
    await made.drain()

    const { body } = await follow(made, again)

    assert.deepEqual([again.body.id, again.body.request], [first.body.id, headers['Repeatability-Request-ID']])
    assert.deepEqual([body.status, regenerations(made)], ['Succeeded', 1])
    await made.close()
  })

  test('A promote sent again does not go forward again', async () => {
    const { made, handle } = await visionWorld()
    const [headers, body] = [repeatable(made), asOfNow(made)]
    const first = await made.http(promote, { params, body, headers })
    made.cloud.clock.advance(20 * second)

    const again = await made.http(promote, { params, body, headers })

    assert.deepEqual([first.status, again.status, again.body.slot], [200, 200, 'Key2'])
    assert.equal(made.cloud.vault(vaultHost).read('vision-key'), handle.keyOf('Key2'))
    await made.close()
  })

  test('A swap sent again does not go back, though a swap leaves the version as it is', async () => {
    const { made, handle } = await deviceWorld()
    // Past the overlap: a swap that is several changes waits for it.
    made.cloud.clock.advance(3 * 24 * 3600 * second)
    const [headers, body] = [repeatable(made), asOfNow(made)]
    const first = await made.http(swap, { params, body, headers })
    const keys = handle.keys()
    made.cloud.clock.advance(20 * second)

    const again = await made.http(swap, { params, body, headers })
    made.cloud.clock.advance(20 * 60 * second)
    await made.drain()

    assert.deepEqual([first.status, again.status], [200, 200])
    assert.deepEqual(handle.keys(), keys)
    await made.close()
  })

  test('A list of other targets with the id of a list is 412, sent later or at the same time, and changes no list', async () => {
    for (const start of [startRotations, startRevocations]) {
      const made = await world()
      const targets = ['one', 'two'].map((name) => account(made.cloud, name).target)
      await made.writeTargets(targets)
      const headers = repeatable(made)
      const more = start === startRevocations ? { note: 'leaked', count: 1 } : {}
      const ask = (name: string) => made.http(start, { body: { targets: [name], ...more }, headers })

      const answers = await Promise.all([ask('one'), ask('two')])
      const accepted = answers.findIndex(({ status }) => status === 202)
      const later = await ask(['two', 'one'][accepted]!)
      const again = await ask(['one', 'two'][accepted]!)

      assert.deepEqual([answers[1 - accepted]!.status, later.status, again.status], [412, 412, 202])
      assert.equal(later.body.code, 'NotRepeatable')
      assert.equal(later.headers['repeatability-result'], 'rejected')
      await made.close()
    }
  })

  test('A repeat of an accepted list of rotations is accepted although its target has left targets.json meanwhile', async () => {
    const made = await world()
    const [one, two] = ['one', 'two'].map((name) => account(made.cloud, name).target)
    await made.writeTargets([one!, two!])
    const headers = repeatable(made)
    const first = await made.http(startRotations, { body: { targets: ['one', 'two'] }, headers })
    await made.writeTargets([two!])
    made.cloud.clock.advance(120 * second)

    const again = await made.http(startRotations, { body: { targets: ['one', 'two'] }, headers })

    assert.deepEqual([first.status, again.status, again.body.id], [202, 202, first.body.id])
    await made.close()
  })

  test('Two copies of a list sent at the same time are one list', async () => {
    const made = await world()
    const targets = ['one', 'two'].map((name) => account(made.cloud, name).target)
    await made.writeTargets(targets)
    const headers = repeatable(made)

    const names = targets.map(({ name }) => name)
    const answers = await Promise.all(
      [1, 2].map(() => made.http(startRotations, { body: { targets: names }, headers })),
    )
    await made.fanOut()

    const lists = answers.map(({ body }) => body.targets)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202],
    )
    assert.deepEqual(lists[0], lists[1])
    assert.deepEqual([...new Set(made.sends.map(({ request }) => request.target))], lists[0])
    await made.close()
  })

  test('A revoke of many with the id of a rotation of many is 412, instead of passing for it', async () => {
    const { made } = await visionWorld()
    const headers = repeatable(made)
    const rotated = await made.http(startRotations, { body: { targets: ['vision'] }, headers })

    const revoked = await made.http(startRevocations, {
      body: { targets: ['vision'], note: 'leaked', count: 1 },
      headers,
    })

    assert.equal(rotated.status, 202)
    assert.deepEqual([revoked.status, revoked.body.code], [412, 'NotRepeatable'])
    assert.equal(revoked.headers['repeatability-result'], 'rejected')
    await made.close()
  })

  test('A command sent again without the repeatability headers is another request', async () => {
    const { made } = await visionWorld()
    await made.http(rotate, { params })
    made.cloud.clock.advance(20 * second)

    const another = await made.http(rotate, { params, body: { force: true } })

    assert.deepEqual([another.status, another.headers['repeatability-result']], [200, undefined])
    assert.equal(regenerations(made), 2)
    await made.close()
  })
})

describe('The headers of a request that may be repeated', () => {
  test('Repeatability-First-Sent is accepted from five minutes ago to a minute ahead; otherwise it is 412 and nothing is done', async () => {
    const { made } = await visionWorld()
    const answers = []
    for (const ago of [300, 301, -60, -61]) {
      const headers = { ...repeatable(made, ago * second), prefer: 'respond-async' }
      answers.push(await made.http(rotate, { params, headers }))
    }

    assert.deepEqual(
      answers.map(({ status, headers, body }) => [status, headers['repeatability-result'], body.code]),
      [
        [202, 'accepted', undefined],
        [412, 'rejected', 'NotRepeatable'],
        [202, 'accepted', undefined],
        [412, 'rejected', 'NotRepeatable'],
      ],
    )
    assert.equal(await made.depth(), 2)
    await made.close()
  })

  test('One repeatability header without the other, or one that is not valid, is 400 and nothing is done', async () => {
    const { made } = await visionWorld()
    const good = repeatable(made)
    const id = good['Repeatability-Request-ID']
    const sent = good['Repeatability-First-Sent']
    for (const headers of [
      { 'Repeatability-Request-ID': id },
      { 'Repeatability-First-Sent': sent },
      { ...good, 'Repeatability-Request-ID': '' },
      { ...good, 'Repeatability-Request-ID': 'x' },
      { ...good, 'Repeatability-Request-ID': `${id}/../../x` },
      { ...good, 'Repeatability-Request-ID': `${id}, ${id}` },
      { ...good, 'Repeatability-First-Sent': '' },
      { ...good, 'Repeatability-First-Sent': 'yesterday' },
      { ...good, 'Repeatability-First-Sent': new Date(made.cloud.clock.now()).toISOString() },
      { ...good, 'Repeatability-First-Sent': sent.replace('Mon', 'Tue') },
      { ...good, 'Repeatability-First-Sent': `${sent}, ${sent}` },
    ]) {
      const answer = await made.http(rotate, { params, headers })
      assert.deepEqual(
        [answer.status, answer.body.code, answer.headers['repeatability-result']],
        [400, 'BadRequest', 'rejected'],
        JSON.stringify(headers),
      )
    }
    assert.equal(await made.depth(), 0)
    await made.close()
  })
})

describe('The version that a promote or a swap is asked at', () => {
  test('A promote or a swap without the version that it is asked at is 400, and the answer says where to find it', async () => {
    const { made } = await visionWorld()

    for (const body of [{}, { from: 7 }, { from: '' }, { from: '../x' }, { from: '0'.repeat(65) }]) {
      const answer = await made.http(promote, { params, body })
      assert.deepEqual([answer.status, answer.body.code], [400, 'BadRequest'])
      assert.match(answer.body.detail, /\$\.from: .*"version" in GET \/api\/targets\/\{name\}/)
    }
    await made.close()
  })

  test('A promote or a swap asked at a version that another change has followed, or that never existed, is 409 Superseded', async () => {
    const { made } = await visionWorld()
    const before = asOfNow(made)
    await made.http(rotate, { params })
    made.cloud.clock.advance(3 * days)

    for (const body of [before, { from: '0123456789abcdef0123456789abcdef' }]) {
      const answer = await made.http(promote, { params, body })
      assert.deepEqual([answer.status, answer.body.code], [409, 'Superseded'])
    }
    await made.close()
  })
})

test('A key twice in one object of a JSON text is found, one in each of two objects is not a duplicate', () => {
  assert.equal(repeatedKeyIn('{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}],"d":"\\"a\\":{}"}'), undefined)
  assert.equal(repeatedKeyIn('{"a":{"b":1,"c":2,"b":3}}'), 'b')
  assert.equal(repeatedKeyIn('[{"a":1},{"a":1,"\\u0061":2}]'), 'a')
  assert.equal(repeatedKeyIn('{"__proto__":1,"constructor":2}'), undefined)
  assert.equal(repeatedKeyIn('"a"'), undefined)
})

// Requests that cannot be carried out end, or wait once: nothing piles up in the queues.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { attemptOf } from '../../../src/functions/operations/operation-record.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { atMost } from '../../../src/functions/shared/at-most.ts'
import { account, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const minute = 60_000
const iso = (at: number) => new Date(at).toISOString()

/** What `rotations` would have queued, some time ago. */
function message(made: World, target: string, fields: object = {}) {
  const now = made.cloud.clock.now()
  const base = { v: 1, id: `r-${target}`, target, actor: 'ada', createdAfter: iso(now - 3 * minute) }
  return { ...base, expiresAt: iso(now + 9 * days), ...fields }
}

const deliver = (made: World, sent: unknown) => rotateMessage(sent, made.context('rotate'), made.compose)
const failures = (made: World) =>
  made.reported.flatMap(([call, outcome]) => {
    const { target, error } = (outcome ?? {}) as { target?: string; error?: { code: string } }
    return call === 'rotation' && error ? [[target, error.code]] : []
  })

/** What is recorded for whoever follows the request's operation. */
async function endOf(made: World, target: string): Promise<unknown> {
  const composed = await made.compose()
  assert.ok('app' in composed)
  const attempt = await attemptOf(composed.app, `r-${target}`, target)
  return [attempt?.status, attempt?.error.code]
}

describe('Requests for a target that is no longer in targets.json', () => {
  test('A request for a target that was removed ends with its first delivery: one log line, one failure, nothing queued', async () => {
    const made = await world([])

    await deliver(made, message(made, 'gone'))

    assert.deepEqual(
      made.lines.map(({ level, text }) => [level, text]),
      [['error', 'message dropped {"target":"gone","request":"r-gone","actor":"ada","why":"not in targets.json"}']],
    )
    assert.deepEqual(failures(made), [['gone', 'UnknownTarget']])
    assert.deepEqual(await endOf(made, 'gone'), ['Failed', 'UnknownTarget'])
    assert.equal(await made.depth(), 0)
    await made.close()
  })

  test('A request made a moment ago waits: this instance may not have read the targets.json that has its target', async () => {
    const made = await world([])
    await deliver(made, message(made, 'vision', { createdAfter: iso(made.cloud.clock.now()) }))
    const { handle, target } = account(made.cloud, 'vision')
    await made.writeTargets([target])
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    const { request, delay } = made.sends[0]!
    made.cloud.clock.advance(delay)

    const later = { createdAfter: iso(request.createdAfter!), expiresAt: iso(request.expiresAt) }
    await deliver(made, { v: 1, ...request, ...later })

    assert.equal(made.cloud.vault(vaultHost).read('vision-key'), handle.keyOf('Key2'))
    await made.close()
  })

  test('A revoke waits behind nothing, though 1,006 messages of removed targets are in the other queue', async () => {
    const made = await world()
    const { handle, target } = account(made.cloud, 'vision')
    await made.writeTargets([target])
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { queue } = composed.app
    const gone = Array.from({ length: 1006 }, (_, n) => `gone${n}`)
    const asked = made.cloud.clock.now() - 3 * minute
    const rest = { actor: 'ada', createdAfter: asked, expiresAt: asked + 9 * days }
    await atMost(16, gone, (name) => queue.send({ id: name, target: name, ...rest }, 0))

    const prefer = { prefer: 'respond-async' }
    await made.http(revoke, { params: { name: 'vision' }, body: { note: 'leaked' }, headers: prefer })
    const [first, ...others] = await made.messages('rekey-revocations')

    assert.deepEqual([first?.['target'], others], ['vision', []])
    await atMost(16, gone, (name) => deliver(made, message(made, name)))
    assert.equal(failures(made).length, 1006, 'each ended with its first delivery, and none was thrown back')
    await made.close()
  })
})

describe('Requests for a paused target', () => {
  async function pausedWorld(names = ['vision']) {
    const made = await world()
    const accounts = names.map((name) => account(made.cloud, name))
    await made.writeTargets(accounts.map(({ target }) => target))
    for (const { handle, target } of accounts) stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
    for (const name of names) made.cloud.vault(vaultHost).disable(`${name}-key`)
    return { made, accounts }
  }

  /** Delivers everything that was sent since, and what that sends, until `rounds` times ten minutes have passed. */
  async function deliverAll(made: World, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const waiting = made.sends.splice(0)
      made.cloud.clock.advance(10 * minute)
      for (const { request } of waiting) {
        const times = { createdAfter: iso(request.createdAfter!), expiresAt: iso(request.expiresAt) }
        await deliver(made, { v: 1, ...request, ...times })
      }
    }
  }

  test('Ten rotations of all targets leave one waiting message for each paused target', async () => {
    const names = ['one', 'two', 'six']
    const { made } = await pausedWorld(names)
    for (let times = 0; times < 10; times++) {
      made.cloud.clock.advance(1000)
      await made.http(startRotations, { body: { targets: 'all' } })
    }
    await made.fanOut()
    assert.equal(made.sends.length, 30)

    await deliverAll(made, 3)

    const waiting = made.sends.map(({ request }) => request)
    assert.deepEqual(waiting.map(({ target }) => target).toSorted(), names.toSorted())
    assert.equal(new Set(waiting.map(({ createdAfter }) => createdAfter)).size, 1)
    await made.close()
  })

  test('The message that waits for a paused target asks for the newest key, and is carried out when the secret is enabled', async () => {
    const { made, accounts } = await pausedWorld()
    const { handle } = accounts[0]!
    for (let times = 0; times < 3; times++) {
      made.cloud.clock.advance(1000)
      await made.http(startRotations, { body: { targets: 'all' } })
    }
    await made.fanOut()
    const newest = Math.max(...made.sends.map(({ request }) => request.createdAfter!))

    await deliverAll(made, 3)
    const [last, ...others] = made.sends
    made.cloud.vault(vaultHost).enable('vision-key')
    await deliverAll(made, 1)

    assert.deepEqual([last?.request.createdAfter, others], [newest, []])
    assert.equal(made.cloud.vault(vaultHost).read('vision-key'), handle.keyOf('Key2'))
    await made.close()
  })

  test('A forced request is not superseded by one that would wait out the overlap', async () => {
    const { made } = await pausedWorld()
    const now = made.cloud.clock.now()

    await deliver(made, message(made, 'vision', { id: 'later', createdAfter: iso(now - minute) }))
    await deliver(made, message(made, 'vision', { id: 'forced', force: true }))

    assert.deepEqual(
      made.sends.map(({ request }) => request.id),
      ['later', 'forced'],
    )
    await made.close()
  })

  test('A waiting request that was lost no longer keeps others from waiting', async () => {
    const { made } = await pausedWorld()
    await deliver(made, message(made, 'vision', { id: 'lost', createdAfter: iso(made.cloud.clock.now()) }))
    made.sends.splice(0)
    made.cloud.clock.advance(40 * minute)

    await deliver(
      made,
      message(made, 'vision', { id: 'earlier', createdAfter: iso(made.cloud.clock.now() - 60 * minute) }),
    )

    assert.deepEqual(
      made.sends.map(({ request }) => request.id),
      ['earlier'],
    )
    await made.close()
  })
})

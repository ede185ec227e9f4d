// One setting stops everything that changes anything, and what is queued waits.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { planTarget } from '../../../src/functions/http/status/plan-target.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { account, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }
const iso = (at: number) => new Date(at).toISOString()

/** A target that is overdue, in an app that is stopped from the start: a changed setting restarts the app. */
async function stoppedWorld(setting = 'true') {
  const made = await world()
  made.env['ROTATION_STOPPED'] = setting
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  const version = stored(made, target, handle.keyOf('Key1'), { age: 70 * days })
  return { made, handle, version }
}

const changes = (made: World) => made.cloud.history.filter(({ effect }) => effect)
const message = (made: World, fields: object) => {
  const now = made.cloud.clock.now()
  return { v: 1, id: 'r1', target: 'vision', actor: 'ada', expiresAt: iso(now + days), ...fields }
}

describe('The app while ROTATION_STOPPED is true', () => {
  test('A stopped app refuses every command, a revoke too, as Stopped, and says that it is not queued', async () => {
    const { made } = await stoppedWorld('True')

    const answers = [
      await made.http(rotate, { params }),
      await made.http(rotate, { params, headers: { prefer: 'respond-async' } }),
      await made.http(promote, { params }),
      await made.http(swap, { params }),
      await made.http(repair, { params }),
      await made.http(revoke, { params, body: { note: 'leaked' } }),
      await made.http(startRotations, { body: { targets: 'all' } }),
    ]

    for (const { status, body } of answers) {
      assert.deepEqual([status, body.code, body.accepted], [409, 'Stopped', false])
      assert.match(body.remedy, /ROTATION_STOPPED to false/)
    }
    assert.deepEqual([made.sends, changes(made)], [[], []])
    await made.close()
  })

  test('In a stopped app a queued request waits as a new message, revokes too: nothing is changed, lost, or counted as failed', async () => {
    const { made } = await stoppedWorld()
    const now = iso(made.cloud.clock.now())
    const deliver = (fields: object) => rotateMessage(message(made, fields), made.context('rotate'), made.compose)

    await deliver({ createdAfter: now })
    await deliver({ id: 'r2', revokeBefore: now })
    await deliver({ id: 'r3' })

    assert.deepEqual(
      made.sends.map(({ request }) => request.id),
      ['r1', 'r2', 'r3'],
    )
    assert.ok(made.sends.every(({ delay }) => delay >= 5 * 60_000 && delay <= 10 * 60_000))
    assert.deepEqual([await made.depth(), await made.depth('rekey-revocations')], [2, 1])
    assert.deepEqual(changes(made), [])
    assert.equal(made.lines.filter(({ level }) => level === 'error').length, 0)
    await made.close()
  })

  test('In a stopped app the schedule queues nothing, and still reports what is overdue', async () => {
    const { made } = await stoppedWorld()

    await made.tick()

    assert.deepEqual(made.sends, [])
    assert.equal(
      made.reported.some(([call, what]) => call === 'overdue' && (what as unknown[]).length === 1),
      true,
    )
    assert.ok(made.lines.some(({ text }) => text.startsWith('schedule finished') && text.includes('"stopped":true')))
    await made.close()
  })

  test('In a stopped app health fails and names the setting, and plans can still be read', async () => {
    const { made } = await stoppedWorld()

    const { status, body } = await made.http(health)
    const planned = await made.http(planTarget, { params: { name: 'vision' } })

    const check = (body.checks as { check: string; status: string; error?: { code: string }; place: string }[]).find(
      ({ place }) => place === 'ROTATION_STOPPED',
    )
    assert.deepEqual([status, check?.status, check?.error?.code], [503, 'failed', 'Stopped'])
    assert.equal(planned.status, 200)
    await made.close()
  })
})

test('A stopped app that is started again carries out what waited', async () => {
  const { made, handle } = await stoppedWorld()
  const asked = message(made, { createdAfter: iso(made.cloud.clock.now()) })
  await rotateMessage(asked, made.context('rotate'), made.compose)
  const { request } = made.sends[0]!
  const composed = await made.compose()
  assert.ok('app' in composed)
  const started = async () => {
    const settings = { ...composed.app.settings, stopped: false }
    return { app: { ...composed.app, settings } }
  }

  const again = { createdAfter: iso(request.createdAfter!), expiresAt: iso(request.expiresAt) }
  await rotateMessage({ v: 1, ...request, ...again }, made.context('rotate'), started)

  assert.equal(made.cloud.vault(vaultHost).read('vision-key'), handle.keyOf('Key2'))
  await made.close()
})

test('A setting that is neither true nor false stops everything as a bad configuration does', async () => {
  const { made } = await stoppedWorld('treu')

  const { status, body } = await made.http(rotate, { params })

  assert.deepEqual([status, body.code, body.problems[0].path], [503, 'BadConfiguration', 'ROTATION_STOPPED'])
  assert.equal(body.accepted, false)
  assert.deepEqual(changes(made), [])
  await made.close()
})

// What each trigger does while something is wrong with targets.json.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { listTargets } from '../../../src/functions/http/status/list-targets.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { account, days, follow, stored, vaultHost, world } from '../functions-world.ts'

const wrong = { rotateEvery: 'often' }

/** Two accounts with their targets, both in the vault and in force, and recorded by a tick. */
async function twoTargets() {
  const made = await world()
  const vision = account(made.cloud, 'vision')
  const speech = account(made.cloud, 'speech')
  await made.writeTargets([vision.target, speech.target])
  for (const { handle, target } of [vision, speech]) stored(made, target, handle.keyOf('Key1'), { age: 10 * days })
  await made.tick()
  await made.messages()
  return { made, vision, speech }
}

describe('One target that is not valid in targets.json', () => {
  test('A misspelt target stops no revoke of another one, and its own is carried out by its last valid definition', async () => {
    const { made, vision, speech } = await twoTargets()
    await made.writeTargets([{ ...vision.target, ...wrong }, speech.target])

    for (const { handle, target } of [speech, vision]) {
      const [leaked, other] = [handle.keyOf('Key1'), handle.keyOf('Key2')]
      const done = await made.http(revoke, { params: { name: target.name }, body: { note: 'leaked' } })

      assert.equal(done.status, 200, JSON.stringify(done.body))
      const kept = made.cloud.vault(vaultHost).read(`${target.name}-key`)
      assert.ok(kept && ![leaked, other].includes(kept))
      assert.ok([handle.keyOf('Key1'), handle.keyOf('Key2')].includes(kept))
    }
    await made.close()
  })

  test('A misspelt target stops no revoke after a restart either', async () => {
    const { made, vision, speech } = await twoTargets()
    await made.writeTargets([{ ...vision.target, ...wrong }, speech.target])
    made.restart()

    for (const { handle, target } of [speech, vision]) {
      const leaked = handle.keyOf('Key1')
      const request = {
        v: 1,
        id: `revoke-${target.name}`,
        target: target.name,
        actor: 'an operator',
        revokeBefore: new Date(made.cloud.clock.now()).toISOString(),
        expiresAt: new Date(made.cloud.clock.now() + days).toISOString(),
      }
      await rotateMessage(request, made.context(), made.compose)

      assert.notEqual(handle.keyOf('Key1'), leaked)
      assert.notEqual(made.cloud.vault(vaultHost).read(`${target.name}-key`), leaked)
    }
    await made.close()
  })

  test('Health names a misspelt target with its state, its line and the version in force, and so does the tick at its end', async () => {
    const { made, vision, speech } = await twoTargets()
    const before = await made.http(health)
    await made.writeTargets([
      { ...vision.target, ...wrong },
      speech.target,
      { ...account(made.cloud, 'new').target, ...wrong },
    ])
    made.cloud.clock.advance(60_000)

    const { status, body } = await made.http(health)

    assert.equal(before.status, 200)
    assert.match(before.body.configuration.version, /^sha256:/)
    assert.equal(status, 503)
    assert.deepEqual(
      body.problems.map(({ path, target, line }: { path: string; target: string; line: number }) => [
        path,
        target,
        line,
      ]),
      [
        ['$.targets[0].rotateEvery', 'vision', 1],
        ['$.targets[2].rotateEvery', 'new', 1],
      ],
    )
    const { version, appliedAt, targets, kept, suspended, off } = body.configuration
    assert.deepEqual({ targets, kept, suspended, off }, { targets: 2, kept: ['vision'], suspended: [], off: ['new'] })
    assert.notEqual(version, before.body.configuration.version)
    assert.ok(Date.parse(appliedAt) >= Date.parse(before.body.configuration.appliedAt))
    assert.ok(
      body.checks.some(({ check }: { check: string }) => check === 'vault: list secrets'),
      'the rest is checked',
    )
    await assert.rejects(made.tick(), { code: 'BadConfiguration', message: /target "vision", line 1/ })
    await made.close()
  })

  test('Every command refuses a misspelt target that has no valid definition yet, and its queued requests wait', async () => {
    const { made, vision, speech } = await twoTargets()
    const fresh = account(made.cloud, 'fresh')
    await made.writeTargets([vision.target, speech.target, { ...fresh.target, ...wrong }])

    const refused = await made.http(rotate, { params: { name: 'fresh' } })
    const many = await made.http(startRotations, { body: { targets: ['vision', 'fresh'] } })
    const request = {
      v: 1,
      id: 'one',
      target: 'fresh',
      actor: 'an operator',
      createdAfter: new Date(made.cloud.clock.now()).toISOString(),
      expiresAt: new Date(made.cloud.clock.now() + days).toISOString(),
    }
    await rotateMessage(request, made.context(), made.compose)

    assert.deepEqual([refused.status, refused.body.code, refused.body.target], [503, 'BadConfiguration', 'fresh'])
    assert.match(refused.body.detail, /rotateEvery.*line 1/)
    assert.deepEqual([many.status, many.body.code, many.body.targets], [503, 'BadConfiguration', ['fresh']])
    assert.equal(await made.depth(), 1)
    await made.close()
  })
})

test('An operation whose target is off stays Running, with the problem that delays it', async () => {
  const made = await world()
  const { target } = account(made.cloud, 'vision')
  await made.writeTargets([target, account(made.cloud, 'speech').target])
  const accepted = await made.http(rotate, {
    params: { name: 'vision' },
    headers: { prefer: 'respond-async' },
    body: {},
  })
  await made.writeTargets([{ ...target, ...wrong }, account(made.cloud, 'speech').target])
  made.restart()

  const { body } = await follow(made, accepted)

  assert.equal(accepted.status, 202)
  assert.deepEqual([body.status, body.lastError.code], ['Running', 'BadConfiguration'])
  await made.close()
})

test('A targets.json that cannot be read leaves the last valid one in force, also for an instance that starts', async () => {
  const { made, speech } = await twoTargets()
  await made.writeTargets('{ "targets": [')

  const running = await made.http(revoke, { params: { name: 'speech' }, body: { note: 'leaked' } })
  made.restart()
  const started = await made.http(listTargets)

  assert.equal(running.status, 200, JSON.stringify(running.body))
  assert.equal(started.status, 200)
  assert.deepEqual(
    started.body.value.map(({ name }: { name: string }) => name),
    [speech.target.name, 'vision'],
  )
  await made.close()
})

test('A targets.json without targets makes health fail', async () => {
  const made = await world([])

  const { status, body } = await made.http(health)

  assert.equal(status, 503)
  const check = body.checks.find(({ check }: { check: string }) => check === 'configuration')
  assert.equal(check.status, 'failed')
  assert.match(check.error.message, /no target/)
  await made.close()
})

test('A change that removes more than half of the targets takes effect and raises an alert for a day', async () => {
  const made = await world()
  const targets = ['one', 'two', 'three'].map((name) => account(made.cloud, name).target)
  await made.writeTargets(targets)
  await made.tick()
  await made.writeTargets(targets.slice(0, 1))

  await made.tick()
  const warned = await made.http(health)

  const removals = () =>
    made.reported.filter(([call]) => call === 'removed').map(([, what]) => what as { removed: number; of: number })
  assert.deepEqual(
    removals().map(({ removed, of }) => [removed, of]),
    [[2, 3]],
  )
  assert.equal(warned.status, 200)
  const check = warned.body.checks.find(({ check }: { check: string }) => check === 'configuration: removed targets')
  assert.equal(check.status, 'warning')
  made.cloud.clock.advance(days)
  await made.tick()
  assert.equal(removals().length, 1)
  await made.close()
})

test('Ten thousand problems are counted, and make no answer longer than a hundred do', async () => {
  const wrongs = Array.from({ length: 10_000 }, (_, n) => ({ name: `t${n}`, nonsense: true }))
  const made = await world(wrongs)
  const answers = [await made.http(health), await made.http(listTargets)]
  await made.writeTargets([account(made.cloud, 'vision').target, ...wrongs])
  answers.push(await made.http(health))

  for (const { body } of answers) {
    assert.equal(body.problems.length, 100)
    assert.ok(body.problemCount >= 10_000)
    assert.ok(JSON.stringify(body).length < 100_000)
  }
  await made.close()
})

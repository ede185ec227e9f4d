// Routes that read: what they return, and that they change nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { listProviders } from '../../../src/functions/http/status/list-providers.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { planTarget } from '../../../src/functions/http/status/plan-target.ts'
import { listPlan } from '../../../src/functions/http/status/show-plan.ts'
import { targetHistory } from '../../../src/functions/http/status/target-history.ts'
import { providers } from '../../providers/all-providers.ts'
import { account, days, stored, vaultHost, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }

async function visionWorld(age = 61 * days, stamps = {}) {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  const version = stored(made, target, handle.keyOf('Key1'), { age, stamps })
  return { made, handle, target, version }
}

function effects(made: World) {
  return made.cloud.history.filter((entry) => entry.effect)
}

describe('The providers over HTTP', () => {
  test('Every provider is listed with what a target of it needs, also while targets.json cannot be read', async () => {
    const made = await world('{')

    const { status, body } = await made.http(listProviders)

    assert.equal(status, 200)
    assert.deepEqual(
      body.value.map(({ id }: { id: string }) => id),
      providers.map(({ id }) => id),
    )
    for (const [index, { resource, actions, optional = [], can }] of providers.entries()) {
      const { id, fields, rights, proof, outputs } = body.value[index]
      assert.deepEqual(
        fields.map(({ name }: { name: string }) => name),
        Object.keys(resource.shape),
      )
      const written = fields.filter(({ required }: { required: boolean }) => required)
      assert.ok(
        written.every(({ description, example }: Record<string, string>) => description && example),
        id,
      )
      // What is required is enough: so the schema says.
      const least = Object.fromEntries(written.map(({ name, example }: Record<string, string>) => [name, example]))
      assert.ok(resource.safeParse(least).success, id)
      assert.deepEqual([rights.length, proof], [actions.length + optional.length, can.probe ? 'probe' : 'none'])
      assert.ok(outputs.length > 0)
    }
    await made.close()
  })

  test('A query parameter that the list of providers does not know is 400', async () => {
    const made = await world()

    assert.equal((await made.http(listProviders, { query: { skipToken: '2' } })).status, 400)
    await made.close()
  })
})

describe('The plan over HTTP', () => {
  test('The plan of one target says what a run would do and why, and changes nothing', async () => {
    const { made, version } = await visionWorld()

    const { status, body } = await made.http(planTarget, { params })

    assert.equal(status, 200)
    assert.deepEqual([body.reason, body.slot, body.version], ['due', 'Key1', version])
    assert.deepEqual(body.steps.slice(0, 2), ['regenerate Key2', 'publish Key2'])
    assert.deepEqual(effects(made), [])
    await made.close()
  })

  test('The plan of one target finds drift, which tags do not show', async () => {
    const { made, handle } = await visionWorld(10 * days)
    handle.regenerateByHand('Key1')

    const one = await made.http(planTarget, { params })
    const all = await made.http(listPlan)

    assert.equal(one.body.reason, 'drifted')
    assert.equal(all.body.value[0].status, 'current')
    assert.deepEqual(effects(made), [])
    await made.close()
  })
})

describe('The targets over HTTP', () => {
  test('The targets are listed with status, due date and last failure, without a value', async () => {
    const failed = { code: 'PermissionDenied', at: '2026-03-01T10:00:00.000Z' }
    const { made, handle } = await visionWorld(10 * days, { failed })

    const { status, body } = await made.http(listTargets)

    assert.equal(status, 200)
    const [only] = body.value
    assert.deepEqual(
      [only.name, only.provider, only.status, only.slot],
      ['vision', 'cognitive-services', 'failed', 'Key1'],
    )
    const { remedy } = only.lastError
    assert.deepEqual(only.lastError, { ...failed, message: 'A permission is missing', remedy })
    assert.deepEqual(only.secrets, [{ name: 'vision-key', output: 'key' }])
    assert.ok(Date.parse(only.dueAt) > made.cloud.clock.now())
    assert.ok(!JSON.stringify(body).includes(handle.keyOf('Key1')))
    await made.close()
  })

  test('One target has its settings, and until when the key before the current one must stay valid', async () => {
    const made = await world()
    const window = { days: ['Mon', 'Sun'], start: '02:05', length: 'PT4H', timeZone: 'Europe/Zurich' }
    const { handle, target } = account(made.cloud, 'vision', { window, retireAfter: 'P5D', overlap: 'P3D' })
    await made.writeTargets([target])
    stored(made, target, handle.keyOf('Key1'), { age: 61 * days })
    const { body: before } = await made.http(showTarget, { params })
    await made.http(rotate, { params, body: { note: 'before the audit' } })

    const { body } = await made.http(showTarget, { params })

    const published = Date.parse(body.publishedAt)
    const after = (ms: number) => new Date(published + ms).toISOString()
    assert.equal(published, made.cloud.clock.now())
    assert.deepEqual(
      [body.slots, body.overlap, body.rotateEvery, body.enabled],
      [['Key1', 'Key2'], 'P3D', 'P60D', true],
    )
    assert.deepEqual([body.window, body.note], [window, 'before the audit'])
    assert.deepEqual([body.previousKeyValidUntil, body.retiresAt], [after(3 * days), after(5 * days)])
    assert.equal(before.retiresAt, undefined, 'no publish has moved slots yet')
    // Due on a Sunday of May, at a moment when the window is closed: it opens at 02:05 of summer time.
    assert.ok(body.nextRotationAt >= body.dueAt)
    assert.match(body.nextRotationAt, /T00:05:00\.000Z$/)
    await made.close()
  })

  test('After a revoke there is no key that must stay valid beside the current one', async () => {
    const { made } = await visionWorld(10 * days)
    await made.http(revoke, { params, body: { note: 'leaked' } })
    await made.drain()

    const { body } = await made.http(showTarget, { params })

    assert.deepEqual([body.reason, body.previousKeyValidUntil], ['revoked', undefined])
    await made.close()
  })

  test('A target that cannot be read does not hide the others', async () => {
    const { made, target } = await visionWorld()
    const away = account(made.cloud, 'away', { vault: 'https://kv-away.vault.azure.net' }).target
    await made.writeTargets([away, target])

    const { status, body } = await made.http(listTargets)

    assert.equal(status, 200)
    assert.deepEqual(
      body.value.map((each: { status: string }) => each.status),
      ['unreadable', 'overdue'],
    )
    assert.equal(body.value[0].lastError.code, 'ServiceUnavailable')
    await made.close()
  })

  test('A target has its state in one word', async () => {
    const states: [number | undefined, object, object, string][] = [
      [undefined, {}, {}, 'new'],
      [10 * days, {}, {}, 'current'],
      [60.5 * days, {}, {}, 'due'],
      [70 * days, {}, {}, 'overdue'],
      [10 * days, {}, { pending: { state: 'created', since: '2026-03-02T09:00:00.000Z' } }, 'unfinished'],
      [10 * days, { enabled: false }, {}, 'disabled'],
    ]
    for (const [age, fields, stamps, word] of states) {
      const made = await world()
      const { handle, target } = account(made.cloud, 'vision', fields)
      await made.writeTargets([target])
      if (age !== undefined) stored(made, target, handle.keyOf('Key1'), { age, stamps })

      const { body } = await made.http(showTarget, { params })

      assert.equal(body.status, word)
      await made.close()
    }
  })

  test('The plan of a target that failed says what the list says, and what the next tick does anyway', async () => {
    const made = await world()
    const { handle, target } = account(made.cloud, 'vision')
    await made.writeTargets([target])
    const failed = { code: 'PermissionDenied', at: '2026-03-01T09:00:00.000Z' }
    stored(made, target, handle.keyOf('Key1'), { age: 10 * days, stamps: { failed } })

    const shown = await made.http(showTarget, { params })
    const all = await made.http(listPlan)
    const one = await made.http(planTarget, { params })

    const [planned] = all.body.value
    assert.deepEqual([shown.body.status, planned.status], ['failed', 'failed'])
    assert.deepEqual([shown.body.lastError.code, one.body.lastError.code], ['PermissionDenied', 'PermissionDenied'])
    assert.equal(planned.does, 'nothing until it is due')
    await made.close()
  })

  test('A secret without our tag, or with another target’s, is shown differently from one that does not exist', async () => {
    const { made, target } = await visionWorld()
    const shown = async (tags: Record<string, string>) => {
      made.cloud.vault(vaultHost).set('vision-key', 'whatever it is', { tags })
      const [one, all] = [await made.http(showTarget, { params }), await made.http(listPlan)]
      return [one.body.status, all.body.value[0].status]
    }

    assert.deepEqual(await shown({}), ['untagged', 'untagged'])
    assert.deepEqual(await shown({ rekey: '{"target":"another"}' }), ['unmanaged', 'unmanaged'])
    const stamps = {
      target: 'another',
      createdAfter: '2030-01-01T00:00:00Z',
      standbyCreatedAfter: '2030-01-01T00:00:00Z',
      reason: 'due',
    }
    made.cloud
      .vault(vaultHost)
      .set('vision-key', 'x', { tags: { CredentialId: 'Key1', rekey: JSON.stringify(stamps) } })
    const another = await made.http(showTarget, { params })
    assert.deepEqual([another.body.status, another.body.reason], ['unmanaged', undefined])
    await made.writeTargets([{ ...target, adopt: true }])
    made.cloud.clock.advance(2 * 60_000)
    assert.deepEqual(await shown({}), ['new', 'new'])
    await made.close()
  })

  test('The plan of one target, the plan of all, and the target name the same due date, by the secret that expires first', async () => {
    const { made, target } = await visionWorld(10 * days)
    await made.writeTargets([{ ...target, secrets: { 'vision-key': 'key', 'vision-copy': 'key' } }])
    const expires = made.cloud.clock.now() + 5 * days
    const tags = { CredentialId: 'Key1', rekey: '{"target":"vision","announced":true}' }
    made.cloud.vault(vaultHost).set('vision-copy', 'its key', { expires, tags })

    const one = await made.http(planTarget, { params })
    const all = await made.http(listPlan)
    const shown = await made.http(showTarget, { params })

    const dueAt = new Date(expires - 30 * days).toISOString()
    assert.deepEqual([one.body.dueAt, all.body.value[0].dueAt, shown.body.dueAt], [dueAt, dueAt, dueAt])
    assert.deepEqual([all.body.value[0].status, shown.body.status], ['due', 'due'])
    await made.close()
  })

  test('A target is paused when an operator disabled any of its secrets, also one that is not the lead', async () => {
    const { made, handle, target } = await visionWorld(10 * days)
    await made.writeTargets([{ ...target, secrets: { 'vision-key': 'key', 'vision-copy': 'key' } }])
    made.cloud.vault(vaultHost).set('vision-copy', handle.keyOf('Key1'), { enabled: false })

    const { body } = await made.http(showTarget, { params })

    assert.equal(body.status, 'paused')
    await made.close()
  })

  test('A paused target is shown as paused before anything else, because an operator has to act', async () => {
    const failed = { code: 'PermissionDenied', at: '2026-03-01T10:00:00.000Z' }
    const { made } = await visionWorld(200 * days, { failed })
    made.cloud.vault(vaultHost).disable('vision-key')

    const { body } = await made.http(showTarget, { params })

    assert.deepEqual([body.status, body.lastError.code, body.lastError.at], ['paused', failed.code, failed.at])
    await made.close()
  })
})

test('The history shows the versions with date, reason and actor, newest first, without a value', async () => {
  const { made, handle, version } = await visionWorld()
  const value = handle.keyOf('Key1')
  const rotated = await made.http(rotate, { params })

  const { body } = await made.http(targetHistory, { params })

  assert.deepEqual([...new Set(body.value.map(({ secret }: { secret: string }) => secret))], ['vision-key'])
  assert.deepEqual(
    body.value.map((each: { version: string; reason: string; actor: string; slot: string }) => [
      each.version,
      each.reason,
      each.actor,
      each.slot,
    ]),
    [
      [rotated.body.secrets[0].version, 'requested', 'http', 'Key2'],
      [version, 'due', 'schedule', 'Key1'],
    ],
  )
  assert.ok(!JSON.stringify(body).includes(value))
  await made.close()
})

test('The history has the note of the caller whose request made the version', async () => {
  const { made } = await visionWorld()
  await made.http(rotate, { params, body: { note: 'before the audit' } })

  const { body } = await made.http(targetHistory, { params })

  const [newest, older] = body.value
  assert.deepEqual([newest.actor, newest.note, older.note], ['http', 'before the audit', undefined])
  await made.close()
})

test('The history shows the hundred newest versions', async () => {
  const { made } = await visionWorld()
  for (let n = 0; n < 110; n++) made.cloud.vault(vaultHost).set('vision-key', 'x', { createdAt: Date.UTC(2025, 0, n) })

  const { body } = await made.http(targetHistory, { params })

  assert.equal(body.value.length, 100)
  await made.close()
})

test('Of two versions of one second the current one comes first, whatever the order in which the vault lists them', async () => {
  // The vault lists versions by their ids, which are random: some seed would show the older one first.
  for (let round = 0; round < 8; round++) {
    const { made, handle, target } = await visionWorld()
    for (const slot of ['Key1', 'Key2', 'Key1']) stored(made, target, handle.keyOf(slot), { age: 1000 })
    const current = made.cloud.vault(vaultHost).versions('vision-key')[0]!.id

    const { body } = await made.http(targetHistory, { params })

    assert.equal(body.value[0].version, current)
    await made.close()
  }
})

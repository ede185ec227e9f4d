// Reminders: secrets that an operator must renew are announced, shown, and never written.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverError } from '../../../simulator/faults.ts'
import { nearExpiryEvent } from '../../../src/functions/event-grid/near-expiry-event.ts'
import { promote, swap } from '../../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { listPlan } from '../../../src/functions/http/status/show-plan.ts'
import { account, days, topicHost, vaultHost, type World, world } from '../functions-world.ts'

const reminder = {
  name: 'partner',
  provider: 'reminder',
  renewal: 'https://partner.example/keys',
  secrets: { 'partner-token': 'value' },
  rotateEvery: 'P90D',
}

/** A world with one reminder, whose secret was made `age` days ago by an operator. */
async function partnerWorld(age: number, fields: object = {}, expires?: number) {
  const made = await world([{ ...reminder, ...fields }])
  return { made, version: renew(made, age, expires) }
}

function renew(made: World, age = 0, expires?: number): string {
  const now = made.cloud.clock.now()
  const times = { createdAt: now - age * days, ...(expires === undefined ? {} : { expires: now + expires * days }) }
  return made.cloud.vault(vaultHost).set('partner-token', 'of the partner', { ...times, tags: { owner: 'finance' } })
}

const announced = (made: World) => made.cloud.topic(topicHost).events.map(({ type, id }) => [type, id])
const effects = (made: World) =>
  made.cloud.history.filter(({ effect, host }) => effect && host !== topicHost).map(({ operation }) => operation)

describe('A reminder', () => {
  test('A renewal is announced once when it is due and once when it is overdue, and nothing of the secret is written', async () => {
    const { made, version } = await partnerWorld(50)
    await made.tick()
    const early = announced(made)
    made.cloud.clock.advance(11 * days)
    await made.tick()
    made.restart()
    await made.tick()
    const due = announced(made)
    made.cloud.clock.advance(30 * days)
    await made.tick()
    await made.tick()

    assert.deepEqual(early, [])
    assert.deepEqual(due, [['Rekey.RotationDue', `${version}/due`]])
    assert.deepEqual(announced(made), [...due, ['Rekey.RotationOverdue', `${version}/overdue`]])
    assert.deepEqual([effects(made), await made.depth()], [[], 0])
    const [{ data }] = made.cloud.topic(topicHost).events as unknown as [{ data: Record<string, unknown> }]
    assert.deepEqual([data['provider'], data['resource']], ['reminder', 'https://partner.example/keys'])
    assert.deepEqual(data['secrets'], [{ name: 'partner-token', version }])
    assert.ok(!JSON.stringify(made.cloud.topic(topicHost).events).includes('of the partner'))
    await made.close()
  })

  test('An expiry of the secret goes before its age, and a new version ends what was due', async () => {
    const { made, version } = await partnerWorld(200, {}, 20)
    await made.tick()
    const next = renew(made, 0, 300)
    await made.tick()
    made.cloud.clock.advance(290 * days)
    await made.tick()

    assert.deepEqual(
      announced(made).map(([, id]) => id),
      [`${version}/due`, `${next}/due`],
    )
    await made.close()
  })

  test('When what was announced is lost, it is announced again with the same id', async () => {
    const { made, version } = await partnerWorld(70)
    await made.tick()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { reminderState } = composed.app
    await reminderState.write('not json', (await reminderState.read())!.etag)

    await made.tick()

    assert.deepEqual(
      announced(made).map(([, id]) => id),
      [`${version}/due`, `${version}/due`],
    )
    await made.close()
  })

  test('What the topic refuses is announced with the next tick', async () => {
    const { made, version } = await partnerWorld(70)
    made.cloud.faults.add(serverError({ operation: 'event-grid', when: 'before', status: 503 }))
    await assert.rejects(made.tick())
    made.cloud.faults.clear()

    await made.tick()

    assert.deepEqual(announced(made), [['Rekey.RotationDue', `${version}/due`]])
    await made.close()
  })

  test('An overdue reminder is among the overdue targets that the alert counts', async () => {
    const { made } = await partnerWorld(100)

    await made.tick()

    const [, targets] = made.reported.find(([call]) => call === 'overdue')!
    assert.deepEqual(
      (targets as { target: string; provider: string }[]).map(({ target, provider }) => [target, provider]),
      [['partner', 'reminder']],
    )
    await made.close()
  })

  test('Targets, plan and health show a reminder, and how it stands', async () => {
    const { made, version } = await partnerWorld(70)

    const { body: all } = await made.http(listTargets)
    const { body: one } = await made.http(showTarget, { params: { name: 'partner' } })
    const { body: planned } = await made.http(listPlan)
    const { body: healthy } = await made.http(health)

    assert.deepEqual([all.value.length, all.value[0].status, one.status], [1, 'due', 'due'])
    assert.deepEqual([one.version, one.resource], [version, 'https://partner.example/keys'])
    assert.deepEqual([planned.value[0].status, planned.value[0].nextRotationAt], ['due', undefined])
    const { detail } = healthy.checks.find(({ check }: { check: string }) => check === 'configuration')
    assert.match(detail, /1 reminder/)
    await made.close()
  })

  test('Health warns of a reminder whose secret is missing or disabled, because it would never be announced', async () => {
    const { made } = await partnerWorld(10)
    const remindersIn = async () => {
      const { status, body } = await made.http(health)
      const found = body.checks.find(({ check }: { check: string }) => check === 'reminders')
      return [status, found?.status, found?.targets]
    }
    const watched = await remindersIn()
    made.cloud.vault(vaultHost).disable('partner-token')
    const disabled = await remindersIn()
    await made.writeTargets([{ ...reminder, secrets: { 'partner-tokn': 'value' } }])
    const missing = await remindersIn()
    await made.writeTargets([{ ...reminder, secrets: { 'partner-tokn': 'value' }, enabled: false }])
    const off = await remindersIn()

    assert.deepEqual(watched.slice(1), ['ok', undefined])
    assert.deepEqual(disabled.slice(1), ['warning', ['partner']])
    assert.deepEqual(missing.slice(1), ['warning', ['partner']])
    assert.deepEqual(off.slice(1), [undefined, undefined])
    assert.deepEqual([disabled[0], missing[0]], [watched[0], watched[0]])
    await made.close()
  })

  test('Every command refuses a reminder as NotSupported, with what to do, and nothing is queued', async () => {
    const { made } = await partnerWorld(70)
    const params = { name: 'partner' }
    const answers = [
      await made.http(rotate, { params }),
      await made.http(promote, { params, body: { from: 'x' } }),
      await made.http(swap, { params, body: { from: 'x' } }),
      await made.http(revoke, { params, body: { note: 'leaked' } }),
      await made.http(repair, { params }),
      await made.http(startRotations, { body: { targets: ['partner'] } }),
    ]

    for (const { status, body } of answers) {
      assert.deepEqual([status, body.code, body.accepted], [answers[0]!.status, 'NotSupported', false])
      assert.match(body.remedy, /renew/i)
    }
    assert.deepEqual([await made.depth(), effects(made)], [0, []])
    await made.close()
  })

  test('Rotations of all targets leave reminders out, and so does an event of Key Vault about their secrets', async () => {
    const { made } = await partnerWorld(70)
    const vision = account(made.cloud, 'vision').target
    await made.writeTargets([vision, reminder])
    const source = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv-prod'
    const data = { VaultName: 'kv-prod', ObjectName: 'partner-token', Version: '0' }
    await nearExpiryEvent({ type: 'Microsoft.KeyVault.SecretNearExpiry', source, data }, made.context(), made.compose)

    const { body } = await made.http(startRotations, { body: { targets: 'all' } })

    assert.deepEqual([body.targets, made.sends], [['vision'], []])
    await made.close()
  })

  for (const [field, value] of [
    ['overlap', 'P1D'],
    ['adopt', true],
    ['validFor', 'P300D'],
    ['remindBefore', 'PT1H'],
    ['renewal', ''],
    ['secrets', { one: 'value', two: 'value' }],
  ] as const) {
    test(`A reminder whose ${field} means nothing is a problem with targets.json`, async () => {
      const made = await world([{ ...reminder, [field]: value }])

      const { status, body } = await made.http(listTargets)

      assert.deepEqual([status, body.problems[0].path], [503, `$.targets[0].${field}`])
      await made.close()
    })
  }
})

// Rotating on demand: at once, through the queue, or not now.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverError, slowAnswers, throttle } from '../../../simulator/faults.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRotations } from '../../../src/functions/http/commands/start-rotations.ts'
import { showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { kinds } from '../../providers/all-providers.ts'
import { fleet } from '../../providers/provider-fleet.ts'
import {
  account,
  days,
  follow,
  stored,
  topicHost,
  usualProvider,
  vaultHost,
  type World,
  world,
} from '../functions-world.ts'

const params = { name: 'vision' }
const minute = 60_000

async function visionWorld(age = 10 * days) {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision')
  await made.writeTargets([target])
  const version = stored(made, target, handle.keyOf('Key1'), { age })
  const inVault = () => made.cloud.vault(vaultHost).read('vision-key')
  return { made, handle, target, version, inVault }
}

async function hubWorld(): Promise<World> {
  const made = await world()
  const { fields } = fleet[kinds.swappedSlowly.id]!(made.cloud)
  await made.writeTargets([
    { name: 'vision', provider: kinds.swappedSlowly.id, ...fields, secrets: { 'vision-key': 'key' } },
  ])
  await made.tick()
  await made.drain()
  made.cloud.clock.advance(3 * days)
  return made
}

describe('Rotating one target over HTTP', () => {
  test('A rotation answers 200 with the outcome, and the key in the vault works', async () => {
    const { made, handle, inVault } = await visionWorld()

    const answer = await made.http(rotate, { params, body: { note: 'quarterly' } })

    assert.equal(answer.status, 200)
    assert.deepEqual([answer.body.status, answer.body.reason, answer.body.slot], ['changed', 'requested', 'Key2'])
    assert.equal(answer.body.overlap, 'P2D')
    assert.equal(answer.body.secrets[0].version, answer.body.eventId)
    assert.equal(inVault(), handle.keyOf('Key2'))
    const event = made.cloud.topic(topicHost).events[0] as { type: string; data: { actor: string; note: string } }
    assert.deepEqual([event.type, event.data.actor, event.data.note], ['Rekey.KeyRotated', 'http', 'quarterly'])
    await made.close()
  })

  test('A second rotation right after the first is 409 Cooling with the moment it can run, and queues nothing', async () => {
    const { made, inVault } = await visionWorld()
    await made.http(rotate, { params })
    const [depth, value] = [await made.depth(), inVault()]
    made.cloud.clock.advance(minute)

    const answer = await made.http(rotate, { params })
    const async = await made.http(rotate, { params, headers: { prefer: 'respond-async' } })

    for (const refused of [answer, async]) {
      assert.deepEqual([refused.status, refused.body.code], [409, 'Cooling'])
      assert.ok(Date.parse(refused.body.until) > made.cloud.clock.now() + days)
    }
    assert.deepEqual([await made.depth(), inVault()], [depth, value])
    await made.close()
  })

  test('A rotation with force does not wait for the overlap of the one before', async () => {
    const { made, handle, inVault } = await visionWorld()
    await made.http(rotate, { params })
    made.cloud.clock.advance(minute)

    const answer = await made.http(rotate, { params, body: { force: true } })

    assert.equal(answer.status, 200)
    assert.equal(inVault(), handle.keyOf('Key1'))
    await made.close()
  })

  test('A rotation is 409 Busy while another worker holds the lease, and nothing is queued', async () => {
    const { made, version } = await visionWorld()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const { leases } = composed.app.ports(() => {})
    const lease = await leases.acquire(composed.app.targets[0]!.lease, AbortSignal.timeout(5000))

    const answer = await made.http(rotate, { params })

    await lease!.release(AbortSignal.timeout(5000))
    assert.deepEqual([answer.status, answer.body.code], [409, 'Busy'])
    assert.equal(answer.headers['retry-after'], '60')
    assert.equal(await made.depth(), 0)
    assert.equal(made.cloud.vault(vaultHost).versions('vision-key')[0]?.id, version)
    await made.close()
  })

  test('A rotation of a disabled target is 409 Disabled, of one whose secret an operator disabled 409 Paused', async () => {
    const { made, target } = await visionWorld()
    made.cloud.vault(vaultHost).disable('vision-key')

    const paused = await made.http(rotate, { params })
    await made.writeTargets([{ ...target, enabled: false }])
    const disabled = await made.http(rotate, { params })

    assert.deepEqual([paused.status, paused.body.code], [409, 'Paused'])
    assert.match(paused.body.remedy, /az keyvault secret set-attributes --id \S+\/secrets\/vision-key --enabled true/)
    assert.deepEqual([disabled.status, disabled.body.code], [409, 'Disabled'])
    await made.close()
  })

  test('A rotation with respond-async answers 202 with an operation that ends when the new key is in the vault', async () => {
    const { made, handle, inVault } = await visionWorld()

    const answer = await made.http(rotate, { params, headers: { prefer: 'wait=5, respond-async' } })
    const before = await follow(made, answer)
    await made.drain()
    const after = await follow(made, answer)

    assert.deepEqual([answer.status, answer.headers['retry-after'], answer.body.status], [202, '30', 'NotStarted'])
    assert.equal(answer.headers['operation-location'], `http://127.0.0.1/api/operations/${answer.body.id}`)
    assert.deepEqual([before.body.status, before.headers['retry-after']], ['NotStarted', '30'])
    assert.deepEqual(
      [after.body.status, after.headers['retry-after'], after.body.id],
      ['Succeeded', undefined, answer.body.id],
    )
    assert.deepEqual([after.body.result.name, after.body.result.slot], ['vision', 'Key2'])
    assert.equal(inVault(), handle.keyOf('Key2'))
    await made.close()
  })

  test('A rotation by a provider whose operations take minutes is queued, even without respond-async', async () => {
    const made = await hubWorld()

    const answer = await made.http(rotate, { params })

    assert.equal(answer.status, 202)
    assert.equal((await made.messages()).length, 1)
    await made.close()
  })

  test('A queued rotation expires a week after the overlap that it may have to wait out', async () => {
    const { made } = await visionWorld()

    await made.http(rotate, { params })

    assert.deepEqual(
      made.sends.map(({ request }) => (request.expiresAt - made.cloud.clock.now()) / days),
      [9],
    )
    await made.close()
  })

  test('A rotation that has used up the caller’s time before its first effect goes on in the queue: 202', async () => {
    const { made, version } = await visionWorld()
    made.cloud.faults.add(slowAnswers({ ms: 2 * minute, operation: 'cognitive-services/listKeys' }))

    const answer = await made.http(rotate, { params })

    assert.deepEqual([answer.status, answer.body.lastError?.code], [202, 'OutOfTime'])
    assert.equal(made.cloud.vault(vaultHost).versions('vision-key')[0]?.id, version)
    assert.equal(made.sends.length, 1)
    await made.close()
  })

  test('Telemetry counts a rotation with the time that it took', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(slowAnswers({ ms: 7000, operation: 'cognitive-services/regenerateKey' }))

    await made.http(rotate, { params })

    const [[call, outcome, duration] = [], [flush] = []] = made.reported
    assert.deepEqual([call, (outcome as { status?: string }).status, flush], ['rotation', 'changed', 'flush'])
    assert.ok(duration! >= 7000 && duration! < 20_000, `${duration} ms`)
    await made.close()
  })

  test('A rotation whose answer from the service was lost is finished by the queue: 202', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(serverError({ operation: 'key-vault/setSecret', when: 'after', times: 1 }))

    const answer = await made.http(rotate, { params })

    assert.equal(answer.status, 202)
    assert.ok(answer.body.lastError.code)
    assert.equal(await made.depth(), 2, 'the request that every command queues first, and the rest')
    assert.equal(made.sends[1]?.delay, Date.parse(answer.body.soFar.nextTryAt) - made.cloud.clock.now())
    assert.ok(made.sends[1]!.delay >= 150_000, 'an unanswered write may still land')
    await made.close()
  })

  test('A rotation over HTTP queues the same request before its first effect, because no host delivers a call again', async () => {
    const { made } = await visionWorld()

    await made.http(rotate, { params })

    assert.equal(await made.depth(), 1)
    assert.deepEqual(await made.messages(), [], 'not visible before the caller has its answer')
    await made.close()
  })

  test('A rotation throttled before its first effect is queued: 202 with the last error and the time of the next try', async () => {
    const { made, version } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))

    const answer = await made.http(rotate, { params })

    assert.deepEqual([answer.status, answer.body.lastError.code], [202, 'Throttled'])
    assert.ok(Date.parse(answer.body.soFar.nextTryAt) >= made.cloud.clock.now() + minute)
    assert.equal(await made.depth(), 1)
    assert.equal(made.cloud.vault(vaultHost).versions('vision-key')[0]?.id, version)
    await made.close()
  })

  test('A throttled rotation with respond-async is queued too, and the queue waits for the service', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))

    const answer = await made.http(rotate, { params, headers: { prefer: 'respond-async' } })

    assert.equal(answer.status, 202)
    assert.equal((await made.messages()).length, 1)
    await made.close()
  })

  test('A command that is refused says that it is not queued, whatever it is refused for', async () => {
    const { made, target } = await visionWorld()
    await made.http(rotate, { params })
    const waiting = await made.depth()
    made.cloud.clock.advance(minute)

    const cooling = await made.http(rotate, { params })
    const mistaken = await made.http(rotate, { params, body: { burn: true } })
    const unknown = await made.http(rotate, { params: { name: 'unknown' } })
    made.cloud.identity.deny('Microsoft.CognitiveServices/accounts/listKeys/action')
    const forbidden = await made.http(rotate, { params, body: { force: true } })
    await made.writeTargets([{ ...target, enabled: false }])
    const disabled = await made.http(rotate, { params })

    for (const { body } of [cooling, mistaken, unknown, forbidden, disabled]) {
      assert.equal(body.accepted, false, body.code)
      assert.match(body.detail, /; nothing is queued$/, body.code)
    }
    assert.deepEqual(
      [cooling, mistaken, unknown, forbidden, disabled].map(({ body }) => body.code),
      ['Cooling', 'BadRequest', 'UnknownTarget', 'PermissionDenied', 'Disabled'],
    )
    assert.equal(await made.depth(), waiting)
    await made.close()
  })

  test('Where the queue cannot be reached either, a throttled command is a problem that says it is not queued', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))
    made.trouble.queueTakes = 0

    const answer = await made.http(rotate, { params })

    assert.deepEqual([answer.status, answer.body.accepted], [503, false])
    assert.doesNotMatch(answer.body.remedy ?? '', /tried again/)
    await made.close()
  })

  test('A rotation that lacks a permission is 502 with the permission and a remedy', async () => {
    const { made } = await visionWorld()
    made.cloud.identity.deny('Microsoft.CognitiveServices/accounts/regenerateKey/action')

    const answer = await made.http(rotate, { params })

    assert.deepEqual([answer.status, answer.body.code], [502, 'PermissionDenied'])
    assert.ok(answer.body.remedy)
    await made.close()
  })
})

describe('The actor of a request', () => {
  async function actorAfter(headers: Record<string, string>): Promise<string> {
    const { made } = await visionWorld()
    const answer = await made.http(rotate, { params, headers })
    assert.equal(answer.status, 200)
    const { body } = await made.http(showTarget, { params, headers })
    await made.close()
    return body.actor
  }

  test('The actor is the name from the platform’s sign-in', async (t) => {
    process.env['WEBSITE_AUTH_ENABLED'] = 'True'
    t.after(() => delete process.env['WEBSITE_AUTH_ENABLED'])

    const claims = ['Rekey.Read', 'Rekey.Rotate'].map((val) => ({ typ: 'roles', val }))
    const principal = Buffer.from(JSON.stringify({ claims })).toString('base64')
    const headers = { 'x-ms-client-principal-name': 'ada@example.com', 'x-ms-client-principal': principal }
    assert.equal(await actorAfter(headers), 'ada@example.com')
  })

  test('Where the sign-in is off the actor is marked as unverified, because any client can write the header', async () => {
    assert.equal(await actorAfter({ 'x-ms-client-principal-name': 'ada@example.com' }), 'ada@example.com (unverified)')
    const long = await actorAfter({ 'x-ms-client-principal-name': 'a'.repeat(200) })
    assert.equal(long.length, 64)
  })

  test('The actor is http when the request has only a function key', async () => {
    assert.equal(await actorAfter({ 'x-functions-key': 'k' }), 'http')
  })

  test('A signed-in caller needs the app role of the route', async (t) => {
    process.env['WEBSITE_AUTH_ENABLED'] = 'True'
    t.after(() => delete process.env['WEBSITE_AUTH_ENABLED'])
    const { made } = await visionWorld()
    const as = (...roles: string[]) => {
      const claims = roles.map((val) => ({ typ: 'roles', val }))
      return { 'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64') }
    }

    const reader = await made.http(rotate, { params, headers: as('Rekey.Read') })
    const shown = await made.http(showTarget, { params, headers: as('Rekey.Read') })
    const rotator = await made.http(revoke, { params, headers: as('Rekey.Rotate'), body: { note: 'leaked' } })
    const withoutRoles = await made.http(showTarget, { params, headers: as() })
    const allowed = await made.http(rotate, { params, headers: as('Rekey.Rotate') })

    assert.deepEqual([reader.status, reader.body.code], [403, 'Forbidden'])
    assert.deepEqual([shown.status, rotator.status, withoutRoles.status, allowed.status], [200, 403, 403, 200])
    await made.close()
  })
})

describe('The header with the signed-in principal', () => {
  const principal = (claims: unknown) => ({
    'x-ms-client-principal': Buffer.from(JSON.stringify(claims)).toString('base64'),
  })
  const forged = { 'x-ms-client-principal': Buffer.from('no JSON').toString('base64') }

  test('Where the sign-in is off, the principal header is not read and keeps no caller out', async () => {
    const { made } = await visionWorld()

    const answers = [
      await made.http(showTarget, { params, headers: principal({ claims: [] }) }),
      await made.http(showTarget, { params, headers: forged }),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    await made.close()
  })

  test('Where the sign-in is on, the principal header is required, and a caller without roles or with an unreadable header is refused', async (t) => {
    process.env['WEBSITE_AUTH_ENABLED'] = 'True'
    t.after(() => delete process.env['WEBSITE_AUTH_ENABLED'])
    const { made } = await visionWorld()

    const answers = [
      await made.http(showTarget, { params }),
      await made.http(showTarget, { params, headers: principal({}) }),
      await made.http(showTarget, { params, headers: principal({ claims: 'Rekey.Read' }) }),
      await made.http(showTarget, { params, headers: forged }),
    ]

    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.code]),
      [
        [403, 'Forbidden'],
        [403, 'Forbidden'],
        [403, 'Forbidden'],
        [400, 'BadRequest'],
      ],
    )
    await made.close()
  })
})

describe('Revoking over HTTP', () => {
  test('A revoke is queued without respond-async where the service takes minutes', async () => {
    const made = await hubWorld()

    const answer = await made.http(revoke, { params, body: { note: 'leaked' } })

    assert.deepEqual([answer.status, answer.body.soFar], [202, undefined])
    assert.equal(made.sends.at(-1)?.delay, 0)
    await made.close()
  })

  test('A revoke replaces the keys of every slot, through the queue where the service needs time', async () => {
    const { made, handle } = await visionWorld()
    const old = [handle.keyOf('Key1'), handle.keyOf('Key2')]

    const answer = await made.http(revoke, { params, body: { note: 'leaked' } })

    assert.ok([200, 202].includes(answer.status))
    assert.ok(!old.includes(made.cloud.vault(vaultHost).read('vision-key')!))
    assert.ok(handle.accepts(made.cloud.vault(vaultHost).read('vision-key')!))
    await made.close()
  })

  test('A revoke needs a reason, and accepts atOnce only where the service can do it', async () => {
    const { made } = await visionWorld()

    const silent = await made.http(revoke, { params, body: {} })
    const [body, headers] = [{ note: 'leaked', atOnce: true }, { prefer: 'respond-async' }]
    const atOnce = await made.http(revoke, { params, body, headers })

    assert.deepEqual([silent.status, silent.body.code], [400, 'BadRequest'])
    assert.match(silent.body.detail, /\$\.note/)
    assert.deepEqual([atOnce.status, atOnce.body.code], [400, 'NotSupported'])
    await made.close()
  })
})

describe('Rotating many targets over HTTP', () => {
  test('A rotation of all queues every enabled target, each with the same createdAfter and a request of its own', async () => {
    const made = await world()
    const targets = ['one', 'two', 'six'].map((name) => account(made.cloud, name).target)
    await made.writeTargets([...targets, account(made.cloud, 'off', { enabled: false }).target])

    const answer = await made.http(startRotations, { body: { targets: 'all', note: 'drill' } })
    await made.fanOut()

    const messages = await made.messages()
    assert.equal(answer.status, 202)
    assert.deepEqual(answer.body.targets, ['one', 'two', 'six'])
    assert.deepEqual(answer.body.disabled, { count: 1, targets: ['off'] })
    assert.deepEqual(messages.map(({ target }) => target).sort(), ['one', 'six', 'two'])
    assert.equal(new Set(messages.map(({ id }) => id)).size, 3)
    assert.deepEqual(new Set(messages.map(({ createdAfter }) => createdAfter)), new Set([answer.body.createdAt]))
    await made.close()
  })

  test('A rotation of many that names a disabled target is 409, and nothing is queued', async () => {
    const made = await world()
    await made.writeTargets([account(made.cloud, 'one').target, account(made.cloud, 'off', { enabled: false }).target])

    const answer = await made.http(startRotations, { body: { targets: ['one', 'off'] } })

    assert.deepEqual([answer.status, answer.body.code], [409, 'Disabled'])
    assert.deepEqual(answer.body.targets, ['off'])
    assert.equal(answer.body.accepted, false)
    assert.deepEqual(await made.messages(), [])
    await made.close()
  })

  test('Messages already in the queue count against the first period, and what exceeds one period goes into the next', async () => {
    const made = await world()
    const of = { provider: 'iot-hub-device', resource: undefined, hub: 'hub1.azure-devices.net' }
    const targets = Array.from(
      { length: 380 },
      (_, n) => account(made.cloud, `t${n}`, { ...of, device: `d${n}` }).target,
    )
    await made.writeTargets(targets)
    const names = targets.map(({ name }) => name)
    await made.http(startRotations, { body: { targets: names.slice(0, 3) } })
    await made.fanOut()
    made.sends.length = 0

    await made.http(startRotations, { body: { targets: 'all' } })
    const lists = (await made.messages()).filter((message) => 'list' in message)
    for (const message of lists) await rotateMessage(message, made.context('rotate'), made.compose)

    const stretches = Map.groupBy(made.sends, ({ delay }) => Math.floor(delay / (15 * minute)))
    const atOnce = (stretch: number) =>
      stretches.get(stretch)!.filter(({ delay }) => delay === stretch * 15 * minute).length
    assert.deepEqual([...stretches.keys()].sort(), [0, 1])
    // Ten writes at once, two for each device; three messages that wait are taken to need two each.
    assert.deepEqual([atOnce(0), atOnce(1)], [2, 5])
    await made.close()
  })

  test('The rotations of a large fleet in one subscription are spread over time', async () => {
    const made = await world()
    const targets = Array.from({ length: 30 }, (_, n) => account(made.cloud, `one${n}`).target)
    await made.writeTargets(targets)

    const answer = await made.http(startRotations, { body: { targets: 'all' } })

    await made.fanOut()
    assert.equal(answer.body.targets.length, 30)
    assert.equal(await made.depth(), 30)
    const visible = (await made.messages()).length
    assert.ok(visible > 0 && visible < 30, `${visible} visible at once`)
    await made.close()
  })
})

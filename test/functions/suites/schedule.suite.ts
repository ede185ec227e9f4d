// A tick queues the targets that are due, and says what it did.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serverError } from '../../../simulator/faults.ts'
import { badDay, emptyFirstPages } from '../../../simulator/wire-faults.ts'
import { turn } from '../../../src/engine/due.ts'
import type { RekeyError } from '../../../src/engine/rekey-error.ts'
import { tickLimits } from '../../../src/functions/timer/tick.ts'
import { account, days, stored, topicHost, vaultHost, vaultUrl, type World, world } from '../functions-world.ts'

const minute = 60_000

async function queuedBy(made: World): Promise<string[]> {
  await made.tick()
  return (await made.messages()).map(({ target }) => String(target)).sort()
}

function finished(made: World): Record<string, number> {
  const line = made.lines.findLast(({ text }) => text.startsWith('schedule finished '))
  return JSON.parse(line!.text.slice('schedule finished '.length))
}

async function tickAndCount(made: World, last: string): Promise<number> {
  await made.tick({ last, next: new Date(made.cloud.clock.now()).toISOString() })
  return (await made.messages()).length
}

function codesSkipped(made: World): Set<string> {
  const skipped = made.lines.filter(({ text }) => text.startsWith('schedule: skipped '))
  return new Set(skipped.map(({ text }) => JSON.parse(text.slice('schedule: skipped '.length)).code))
}

/** A name whose turn does not come in the quarter of an hour before `now`, or one whose turn does. */
function nameWith(turns: boolean, now: number, prefix: string): string {
  const names = Array.from({ length: 5000 }, (_, n) => `${prefix}${n}`)
  return names.find((name) => turn(name, now - 15 * minute, now) === turns)!
}

function fleetOf(made: World) {
  const now = made.cloud.clock.now()
  const add = (prefix: string, age: number | undefined, fields: object = {}, turns = false, stamps: object = {}) => {
    const { handle, target } = account(made.cloud, nameWith(turns, now, prefix), fields)
    if (age !== undefined) stored(made, target, handle.keyOf('Key1'), { age, stamps })
    return target
  }
  return { add, now }
}

describe('A tick of the schedule', () => {
  test('A tick queues the targets that are due, unfinished, never seen, or in the slice of the day, and no other', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const due = add('due', 61 * days)
    const fresh = add('fresh', 10 * days)
    const slice = add('slice', 10 * days, {}, true)
    const unseen = add('unseen', undefined)
    const pending = add('pending', 10 * days, {}, false, {
      pending: { state: 'requested', since: '2026-03-02T09:00:00.000Z' },
    })
    const unannounced = add('unannounced', 10 * days, {}, false, { announced: undefined })
    const retiring = add('retiring', 10 * days, { retireAfter: 'P7D' }, false, { retire: true })
    const kept = add('kept', 5 * days, { retireAfter: 'P7D' }, false, { retire: true })
    const off = add('off', 61 * days, { enabled: false })
    await made.writeTargets([due, fresh, slice, unseen, pending, unannounced, retiring, kept, off])

    const queued = await queuedBy(made)

    assert.deepEqual(queued, [due, slice, unseen, pending, unannounced, retiring].map(({ name }) => name).sort())
    const counts = finished(made)
    assert.deepEqual([counts['targets'], counts['seen'], counts['queued'], counts['failures']], [9, 8, 6, 0])
    await made.close()
  })

  test('A scheduled request has the day in its id, so that a failure is announced once a day', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const due = add('due', 61 * days)
    await made.writeTargets([due])

    await made.tick()
    const [first] = await made.messages()
    made.cloud.clock.advance(15 * minute)
    await made.tick()
    const [second] = await made.messages()

    assert.equal(first?.['id'], `schedule/${due.name}/2026-03-02`)
    assert.equal(second?.['id'], first?.['id'])
    assert.equal(first?.['actor'], 'schedule')
    await made.close()
  })

  test('A scheduled rotation expires with the next tick, a resync an hour after it is read', async () => {
    const made = await world()
    const { add, now } = fleetOf(made)
    const due = Array.from({ length: 30 }, (_, n) => add(`due${n}x`, 61 * days))
    const slice = add('slice', 10 * days, {}, true)
    await made.writeTargets([...due, slice])

    await made.tick({ next: new Date(now + 20 * minute).toISOString() })

    const lives = Map.groupBy(made.sends, ({ request, delay }) => request.expiresAt - delay - now)
    assert.deepEqual([...lives].map(([life, { length }]) => [life / minute, length]).sort(), [
      [20, 30],
      [60, 1],
    ])
    assert.ok(made.sends.some(({ delay }) => delay > 0))
    await made.close()
  })

  test('A scheduled rotation lives a quarter of an hour even where ticks come more often: a batch may take that long', async () => {
    const made = await world()
    const { add, now } = fleetOf(made)
    await made.writeTargets([add('due', 61 * days)])

    await made.tick({ next: new Date(now + minute).toISOString() })

    assert.equal(made.sends[0]!.request.expiresAt, now + 15 * minute)
    await made.close()
  })

  test('A tick queues by urgency: expired, unfinished, longest due, due, never seen, and then the resyncs', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const asked = { pending: { state: 'requested', since: '2026-03-02T09:00:00.000Z' } }
    const inOrder = [
      add('expired', 91 * days),
      add('pending', 10 * days, {}, false, asked),
      add('older', 65 * days),
      add('old', 61 * days),
      add('unseen', undefined),
      add('slice', 10 * days, {}, true),
    ]
    // More than may go at once, so that it shows who goes first.
    const resyncs = Array.from({ length: 30 }, (_, n) => add(`resync${n}x`, 10 * days, {}, true))
    await made.writeTargets([...resyncs, ...inOrder.toReversed()])
    made.trouble.queueTakes = 5

    await assert.rejects(made.tick(), { code: 'ServiceBusy' })

    assert.deepEqual(
      made.sends.map(({ request }) => request.target),
      inOrder.slice(0, 5).map(({ name }) => name),
    )
    await made.close()
  })

  for (const [what, age, turns, most] of [
    ['a rotation, which needs two writes', 61 * days, false, 5],
    ['a resync, which needs one', 10 * days, true, 10],
  ] as const) {
    test(`A tick counts the writes of ${what}: ${most} may go to one registry at once`, async () => {
      const made = await world()
      const { add } = fleetOf(made)
      const of = { provider: 'iot-hub-device', resource: undefined, hub: 'hub1.azure-devices.net' }
      const devices = Array.from({ length: 12 }, (_, n) => add(`t${n}x`, age, { ...of, device: `device${n}` }, turns))
      await made.writeTargets(devices)

      await made.tick()

      assert.equal(made.sends.length, 12)
      assert.equal(made.sends.filter(({ delay }) => delay === 0).length, most)
      await made.close()
    })
  }

  for (const [what, age, turns, most] of [
    ['a rotation writes each of its secrets', 61 * days, false, 2],
    ['a resync writes none', 10 * days, true, 5],
  ] as const) {
    test(`A tick counts the secrets that a vault is to take: ${what}`, async () => {
      const made = await world()
      const { add } = fleetOf(made)
      // Each of a subscription of its own, so that only the vault is short.
      const targets = Array.from({ length: 5 }, (_, n) => {
        const target = add(`t${n}x`, age, {}, turns)
        const copies = Array.from({ length: 8 }, (_, copy) => [`${target.name}-${copy}`, 'key'])
        const resource = target.resource.replace(/[0-9a-f]{8}-/, `0000000${n}-`)
        return { ...target, resource, secrets: { [`${target.name}-key`]: 'key', ...Object.fromEntries(copies) } }
      })
      await made.writeTargets(targets)

      await made.tick()

      assert.equal(made.sends.length, 5)
      assert.equal(made.sends.filter(({ delay }) => delay === 0).length, most)
      await made.close()
    })
  }

  test('Messages already in the queue count against what a tick queues', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets(Array.from({ length: 30 }, (_, n) => add(`resync${n}x`, 10 * days, {}, true)))
    const atOnce = () => made.sends.splice(0).filter(({ delay }) => delay === 0).length

    await made.tick()
    const first = atOnce()
    await made.tick()
    const second = atOnce()

    assert.ok(first >= 20, `${first} at once`)
    assert.equal(second, 0)
    await made.close()
  })

  test('Telemetry gets the overdue targets at each tick, and every target at its turn', async () => {
    const made = await world()
    const { add, now } = fleetOf(made)
    const late = add('late', 70 * days)
    const slice = add('slice', 10 * days, {}, true)
    await made.writeTargets([late, slice])

    await made.tick()

    const [overdue, seen, flush] = made.reported as [string, Record<string, string>[]][]
    assert.deepEqual([overdue?.[0], seen?.[0], flush?.[0], made.reported.length], ['overdue', 'seen', 'flush', 3])
    assert.deepEqual(
      overdue![1].map(({ target, provider }) => [target, provider]),
      [[late.name, 'cognitive-services']],
    )
    assert.ok(Date.parse(overdue![1][0]!['dueAt']!) < now - 9 * days)
    assert.deepEqual(
      seen![1].map(({ target, status, rotatedAt }) => [target, status, rotatedAt]),
      [[slice.name, 'current', new Date(now - 10 * days).toISOString()]],
    )
    await made.close()
  })

  test('A target that is due outside its window waits for it, unless it has expired', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const window = { days: ['Sat'], start: '02:00', length: 'PT4H', timeZone: 'Europe/Zurich' }
    const closed = add('closed', 61 * days, { window })
    const expired = add('expired', 91 * days, { window })
    await made.writeTargets([closed, expired])

    await made.tick()
    const messages = await made.messages()

    assert.deepEqual(
      messages.map(({ target, ignoreWindow }) => [target, ignoreWindow]),
      [[expired.name, true]],
    )
    await made.close()
  })

  test('A tick queues a target whose second secret expires before the first', async () => {
    const made = await world()
    const { add, now } = fleetOf(made)
    const target = add('two', 10 * days)
    const { name } = target
    const secrets = { [`${name}-key`]: 'key', [`${name}-copy`]: 'key' }
    made.cloud.vault(vaultHost).set(`${name}-copy`, 'its key', {
      createdAt: now - 10 * days,
      expires: now + days,
      tags: { rekey: JSON.stringify({ target: name, announced: true }) },
    })
    await made.writeTargets([{ ...target, secrets }])

    const queued = await queuedBy(made)

    assert.deepEqual(queued, [name])
    await made.close()
  })

  test('A secret without our tag is resynced at once while it is new, and then once an hour', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const target = add('theirs', undefined)
    await made.writeTargets([target])
    made.cloud.vault(vaultHost).set(`${target.name}-key`, 'not a key of ours')
    const resyncs: number[] = []

    for (let hour = 0; hour < 5; hour++) {
      let ofHour = 0
      for (let quarter = 0; quarter < 4; quarter++) {
        const last = new Date(made.cloud.clock.now()).toISOString()
        made.cloud.clock.advance(15 * minute)
        ofHour += await tickAndCount(made, last)
      }
      resyncs.push(ofHour)
    }

    assert.deepEqual(resyncs, [4, 4, 1, 1, 1])
    await made.close()
  })

  test('A key that another client overwrote is repaired with the next tick', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const target = add('ours', 10 * days)
    await made.writeTargets([target])
    made.cloud.vault(vaultHost).set(`${target.name}-key`, 'overwritten by hand')

    await made.tick()
    await made.drain()

    const [current] = made.cloud.vault(vaultHost).versions(`${target.name}-key`)
    assert.equal(JSON.parse(current!.tags!['rekey']!).reason, 'drifted')
    await made.close()
  })

  test('Every target is resynced once a day', async () => {
    const made = await world()
    const targets = Array.from({ length: 12 }, (_, n) => {
      const { handle, target } = account(made.cloud, `t${n}`)
      stored(made, target, handle.keyOf('Key1'), { age: 3 * days })
      return target
    })
    await made.writeTargets(targets)
    const resyncs: string[] = []

    for (let hour = 0; hour < 24; hour++) {
      const last = new Date(made.cloud.clock.now()).toISOString()
      made.cloud.clock.advance(60 * minute)
      await made.tick({ last, next: new Date(made.cloud.clock.now()).toISOString() })
      resyncs.push(...(await made.messages()).map(({ target }) => String(target)))
    }

    assert.deepEqual(resyncs.sort(), targets.map(({ name }) => name).sort())
    await made.close()
  })

  test('An overdue target is announced at its turn, once a day', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const late = add('late', 70 * days, {}, true)
    const alsoLate = add('also', 70 * days)
    await made.writeTargets([late, alsoLate])

    await made.tick()

    const events = made.cloud.topic(topicHost).events as { id: string; type: string; subject: string }[]
    const version = made.cloud.vault(vaultHost).versions(`${late.name}-key`)[0]?.id
    assert.deepEqual(
      events.map(({ id, type, subject }) => [id, type, subject]),
      [[`${version}/overdue/2026-03-02`, 'Rekey.RotationOverdue', `/targets/${late.name}`]],
    )
    assert.equal(finished(made)['overdue'], 2)
    await made.close()
  })

  test('A secret that an operator disabled and left until it expired is announced', async () => {
    const made = await world()
    const { now } = fleetOf(made)
    const { handle, target } = account(made.cloud, nameWith(true, now, 'paused'))
    stored(made, target, handle.keyOf('Key1'), { age: 200 * days, enabled: false })
    await made.writeTargets([target])

    await made.tick()

    const events = made.cloud.topic(topicHost).events as { type: string }[]
    assert.deepEqual(
      events.map(({ type }) => type),
      ['Rekey.RotationOverdue'],
    )
    assert.equal(finished(made)['overdue'], 1)
    assert.deepEqual(
      made.sends.map(({ request }) => request.target),
      [target.name],
    )
    await made.close()
  })

  test('When the topic refuses one event the others are still sent, and the tick fails with each refusal named', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets([add('late', 70 * days, {}, true), add('also', 70 * days, {}, true)])
    made.cloud.identity.deny('Microsoft.EventGrid/events/send/action')

    await assert.rejects(made.tick(), (error: RekeyError) => {
      assert.equal(error.code, 'PermissionDenied')
      assert.ok(error.details.remedy)
      return true
    })

    const { queued, failures } = finished(made)
    assert.deepEqual([queued, failures], [2, 2])
    await made.close()
  })

  test('A secret that was deleted after the vault was listed is reported by the next tick', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets([add('late', 70 * days, {}, true)])
    made.cloud.faults.add(serverError({ operation: 'key-vault/getSecret', when: 'before', status: 404 }))

    await made.tick()

    assert.deepEqual(made.cloud.topic(topicHost).events, [])
    assert.equal(finished(made)['failures'], 0)
    await made.close()
  })

  test('A vault that cannot be read does not stop the others, and then the tick fails with it named', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const due = add('due', 61 * days)
    const away = add('away', undefined, { vault: 'https://kv-away.vault.azure.net' })
    await made.writeTargets([away, due])

    await assert.rejects(made.tick(), { name: 'RekeyError', message: /kv-away/ })

    assert.deepEqual(
      (await made.messages()).map(({ target }) => target),
      [due.name],
    )
    assert.equal(finished(made)['failures'], 1)
    await made.close()
  })

  test('A message that the queue refuses stops no other, and the tick reports everything, then fails', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets([
      ...['a', 'b', 'c'].map((prefix) => add(prefix, 61 * days)),
      add('late', 70 * days, {}, true),
    ])
    made.trouble.queueTakes = 2

    await assert.rejects(made.tick(), { name: 'RekeyError', code: 'ServiceBusy', message: /2 of 4 requests/ })

    assert.equal((await made.messages()).length, 2)
    const { queued, later, overdue, failures } = finished(made)
    assert.deepEqual([queued, later, overdue, failures], [2, 2, 4, 1])
    assert.equal(made.cloud.topic(topicHost).events.length, 1)
    await made.close()
  })

  test('When the queue is unavailable, overdue keys are still announced', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets([add('late', 70 * days, {}, true)])
    made.trouble.queueAway = true

    await assert.rejects(made.tick(), /GET queue/)

    const { queued, later } = finished(made)
    assert.deepEqual([queued, later], [0, 1])
    assert.equal(made.cloud.topic(topicHost).events.length, 1)
    await made.close()
  })

  test('A queue that never answers uses up its own time, and no other’s', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    await made.writeTargets([add('late', 70 * days, {}, true)])
    made.trouble.queueStuck = true

    await assert.rejects(made.tick({}, { ...tickLimits, queueing: 50 }), /POST message/)

    assert.equal(made.cloud.topic(topicHost).events.length, 1)
    await made.close()
  })

  test('Vaults that use up the time for reading leave the time for queueing what was read', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const due = add('due', 61 * days)
    const vault = 'https://kv-silent.vault.azure.net'
    const silent = add('silent', undefined, { vault }, true)
    made.trouble.silent = [vault]
    await made.writeTargets([silent, due])

    await assert.rejects(made.tick({}, { ...tickLimits, reading: 50 }), /kv-silent/)

    const queued = (await made.messages()).map(({ target }) => target)
    assert.deepEqual(queued.sort(), [due.name, silent.name])
    await made.close()
  })

  test('A vault for which no time is left is reported as that, not as a defect of ours', async () => {
    const made = await world()
    const vaults = Array.from({ length: 20 }, (_, n) => `https://kv-silent${n}.vault.azure.net`)
    made.trouble.silent = vaults
    await made.writeTargets(vaults.map((vault, n) => account(made.cloud, `t${n}`, { vault }).target))

    await assert.rejects(made.tick({}, { ...tickLimits, reading: 50 }), /kv-silent/)

    assert.deepEqual(codesSkipped(made), new Set(['ServiceUnavailable', 'OutOfTime']))
    await made.close()
  })

  test('Each tick reads the vaults in another order, so that a lack of time does not always hit the same ones', async () => {
    const made = await world()
    const vaults = Array.from({ length: 30 }, (_, n) => `https://kv-${n}.vault.azure.net`)
    for (const vault of vaults) made.cloud.vault(new URL(vault).host)
    await made.writeTargets(vaults.map((vault, n) => account(made.cloud, `t${n}`, { vault }).target))
    const orderOfTick = async () => {
      const before = made.azure.sent.length
      await made.tick()
      const hosts = made.azure.sent.slice(before).map(({ url }) => url.host)
      return [...new Set(hosts.filter((host) => host.startsWith('kv-')))]
    }

    const first = await orderOfTick()
    made.cloud.clock.advance(15 * minute)
    const second = await orderOfTick()

    assert.deepEqual(first.toSorted(), second.toSorted())
    assert.notDeepEqual(first, second)
    await made.close()
  })

  test('Of many failures a tick names the first twenty, and counts the rest', async () => {
    const made = await world()
    const vaults = Array.from({ length: 30 }, (_, n) => `https://kv-away${n}.vault.azure.net`)
    await made.writeTargets(vaults.map((vault, n) => account(made.cloud, `t${n}`, { vault }).target))

    const error = await made.tick().catch((thrown: Error) => thrown)

    assert.ok(error instanceof Error)
    assert.equal(error.message.match(/kv-away/g)?.length, 20)
    assert.match(error.message, /and 10 more$/)
    await made.close()
  })

  test('A tick logs a bad configuration as a count and its first twenty problems', async () => {
    const made = await world()
    await made.writeTargets(Array.from({ length: 300 }, () => ({ nonsense: true })))

    await assert.rejects(made.tick(), { code: 'BadConfiguration', message: /and \d+ more$/ })

    const line = made.lines.find(({ text }) => text.startsWith('schedule failed: bad configuration'))!.text
    const { count, first } = JSON.parse(line.slice(line.indexOf('{')))
    assert.ok(count >= 300)
    assert.equal(first.length, 20)
    await made.close()
  })

  test('Targets of a vault that cannot be read keep their turn: each is resynced, and reports its own failure', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const vault = 'https://kv-away.vault.azure.net'
    const turning = add('turning', undefined, { vault }, true)
    const other = add('other', undefined, { vault })
    const off = add('off', undefined, { vault, enabled: false }, true)
    await made.writeTargets([turning, other, off])

    await assert.rejects(made.tick(), /kv-away/)

    assert.deepEqual(
      (await made.messages()).map(({ target }) => target),
      [turning.name],
    )
    assert.equal(finished(made)['seen'], 0)
    await made.close()
  })

  test('A vault full of unmanaged secrets costs no more calls than its targets', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const targets = [add('one', 3 * days), add('two', 61 * days)]
    for (let n = 0; n < 120; n++) made.cloud.vault(vaultHost).set(`aa-other-${n}`, 'x')
    await made.writeTargets(targets)

    const queued = await queuedBy(made)

    const calls = made.azure.sent.filter(({ url }) => url.href.startsWith(vaultUrl))
    assert.deepEqual(queued, [targets[1]!.name])
    assert.ok(calls.length <= 2 + 2 + 1, `${calls.length} calls, the challenge included`)
    await made.close()
  })

  test('Empty pages at the start of a listing say nothing of the targets: none of them is read singly', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const targets = [add('one', 3 * days), add('two', 61 * days)]
    await made.writeTargets(targets)
    made.cloud.faults.add(emptyFirstPages({ pages: 3, operation: 'key-vault/listSecrets' }))

    const queued = await queuedBy(made)

    const singly = made.cloud.history.filter(({ operation }) => operation === 'key-vault/getSecret')
    assert.deepEqual([queued, singly], [[targets[1]!.name], []])
    await made.close()
  })

  test('A vault that is listed to its end is read by pages alone: a page with one of its targets has paid for itself', async () => {
    const made = await world()
    const { add } = fleetOf(made)
    const targets = ['a', 'g', 'm', 't'].map((prefix) => add(prefix, 3 * days))
    for (const prefix of ['b', 'h', 'n'])
      for (let n = 0; n < 25; n++) made.cloud.vault(vaultHost).set(`${prefix}-other-${n}`, 'x')
    await made.writeTargets([...targets, add('zz', undefined)])

    await made.tick()

    const paths = made.azure.sent.filter(({ url }) => url.host === vaultHost).map(({ url }) => url.pathname)
    assert.deepEqual(
      paths.filter((path) => !/^\/secrets\/?$/.test(path)),
      [],
    )
    await made.close()
  })

  test('A second secret is also read singly, where unmanaged secrets keep the vault from being listed to its end', async () => {
    const made = await world()
    const { add, now } = fleetOf(made)
    const target = add('two', 10 * days)
    for (let n = 0; n < 120; n++) made.cloud.vault(vaultHost).set(`aa-other-${n}`, 'x')
    const [lead, second] = [`${target.name}-key`, `${target.name}-second`]
    const tags = { rekey: JSON.stringify({ target: target.name, announced: true }) }
    made.cloud.vault(vaultHost).set(second, 'its key', { createdAt: now - 10 * days, expires: now + days, tags })
    await made.writeTargets([{ ...target, secrets: { [lead]: 'key', [second]: 'key' } }])

    const queued = await queuedBy(made)

    assert.deepEqual(queued, [target.name])
    const pages = made.azure.sent.filter(({ url }) => url.host === vaultHost && /^\/secrets\/?$/.test(url.pathname))
    assert.ok(pages.length <= 2 + 1, `${pages.length} pages, the challenge included`)
    await made.close()
  })

  test('A fleet without operators adopts, waits and rotates through a year of faults, and always has a working key', async () => {
    const made = await world()
    const { handle, target } = account(made.cloud, 'vision')
    await made.writeTargets([target])
    for (const fault of badDay({ probes: true })) made.cloud.faults.add(fault)
    const values = new Set<string>()

    for (let day = 0; day < 365; day += 3) {
      const last = new Date(made.cloud.clock.now() - 3 * days).toISOString()
      await made.tick({ last }).catch((error: RekeyError) => {
        // Throttled four times, say: the next tick goes on.
        assert.ok(error.transient, error.message)
      })
      await made.drain()
      const value = made.cloud.vault(vaultHost).read('vision-key')!
      assert.ok(handle.accepts(value), `day ${day}`)
      values.add(value)
      made.cloud.clock.advance(3 * days)
    }

    assert.ok(values.size >= 6 && values.size <= 8, `${values.size} keys in a year of 60-day periods`)
    await made.close()
  })
})

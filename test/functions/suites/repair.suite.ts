// Comparing a target with its service now, and saying when that was done last.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HttpRequest } from '@azure/functions'
import { missingPermission, staleReads, throttle } from '../../../simulator/faults.ts'
import type { LeaseNotes } from '../../../src/azure/blob-lease.ts'
import { RekeyError } from '../../../src/engine/rekey-error.ts'
import { checkCompared } from '../../../src/functions/health/resync-check.ts'
import { answer } from '../../../src/functions/http/answer-request.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { account, days, follow, stored, usualProvider, vaultHost, type World, world } from '../functions-world.ts'

const params = { name: 'vision' }
const minute = 60_000
const hour = 60 * minute

async function visionWorld(age = 10 * days, fields: object = {}) {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision', fields)
  await made.writeTargets([target])
  const version = stored(made, target, handle.keyOf('Key1'), { age })
  return { made, handle, target, version, inVault: () => made.cloud.vault(vaultHost).read('vision-key') }
}

const regenerations = ({ cloud }: World) =>
  cloud.history.filter(({ operation }) => /regenerate/i.test(operation)).length
const iso = (at: number) => new Date(at).toISOString()

/** A tick that makes up for two days: it is the turn of every target. */
async function compareAll(made: World): Promise<void> {
  await made.tick({ last: iso(made.cloud.clock.now() - 2 * days) })
  await made.drain()
}

async function checkOf(made: World) {
  const { body } = await made.http(health)
  return body.checks.find(({ check }: { check: string }) => check === 'targets: compared')
}

describe('Repairing a target over HTTP', () => {
  test('A repair finds drift that the tags do not show, and publishes a key that works, without making one', async () => {
    const { made, handle, inVault } = await visionWorld()
    handle.regenerateByHand('Key1')
    const before = await made.http(showTarget, { params })

    const { status, body } = await made.http(repair, { params, body: { note: 'consumers fail' } })

    assert.equal(before.body.status, 'current')
    assert.deepEqual([status, body.status, body.reason], [200, 'changed', 'drifted'])
    assert.ok(handle.accepts(inVault()!))
    assert.equal(regenerations(made), 0)
    await made.close()
  })

  test('A repair of a target that is in order changes nothing, says so, and queues nothing', async () => {
    const { made, version } = await visionWorld()

    const { status, body } = await made.http(repair, { params })

    assert.deepEqual([status, body.status, body.secrets[0].version], [200, 'current', version])
    assert.equal(await made.depth(), 0)
    await made.close()
  })

  test('A repair makes no key that is only due, and retires none: the schedule still does', async () => {
    for (const [age, fields, stamps] of [
      [61 * days, {}, {}],
      [10 * days, { retireAfter: 'P5D' }, { retire: true }],
    ] as const) {
      const { made, handle, target, version } = await visionWorld(age, fields)
      const now = stored(made, target, handle.keyOf('Key1'), { age, stamps })

      const { body } = await made.http(repair, { params })
      const repaired = regenerations(made)
      await made.tick()
      await made.drain()

      assert.deepEqual([body.status, body.secrets[0].version, repaired], ['current', now, 0])
      assert.notEqual(now, version)
      assert.equal(regenerations(made), 1)
      await made.close()
    }
  })

  test('A repair that must wait for the listing is an operation, which succeeds once the target has been compared', async () => {
    const { made } = await visionWorld()
    await made.http(rotate, { params })
    made.cloud.faults.add(staleReads({ ms: 4 * minute }))
    made.cloud.clock.advance(10 * 1000)
    await made.http(rotate, { params, body: { force: true } })
    made.cloud.clock.advance(10 * 1000)

    const answer = await made.http(repair, { params })
    const before = await follow(made, answer)
    made.cloud.clock.advance(10 * minute)
    await compareAll(made)
    const after = await follow(made, answer)

    assert.deepEqual([answer.status, answer.body.soFar.reason], [202, 'settling'])
    assert.deepEqual([before.body.status, after.body.status], ['NotStarted', 'Succeeded'])
    await made.close()
  })

  test('A repair with respond-async is an operation, which fails with the error that prevented it', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))

    const inline = await made.http(repair, { params })
    made.cloud.faults.clear()
    const accepted = await made.http(repair, { params, headers: { prefer: 'respond-async' } })
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))
    await made.drain()
    const { body } = await follow(made, accepted)

    assert.deepEqual([inline.status, inline.body.code], [502, 'PermissionDenied'])
    assert.deepEqual([accepted.status, body.status, body.error.code], [202, 'Failed', 'PermissionDenied'])
    await made.close()
  })

  test('A repair of a target whose secret an operator disabled is 409 Paused', async () => {
    const { made } = await visionWorld()
    made.cloud.vault(vaultHost).disable('vision-key')

    const { status, body } = await made.http(repair, { params })

    assert.deepEqual([status, body.code], [409, 'Paused'])
    await made.close()
  })
})

describe('The time when a target was last compared with its service', () => {
  test('The list and the target show when a target was last compared, and each comparison renews it, also one that finds nothing', async () => {
    const { made } = await visionWorld()
    const shown = async () => {
      const [one, all] = [await made.http(showTarget, { params }), await made.http(listTargets)]
      return [one.body.lastComparedAt, all.body.value[0].lastComparedAt]
    }
    const never = await shown()
    await made.http(repair, { params })
    const first = made.cloud.clock.now()
    const afterRepair = await shown()
    made.cloud.clock.advance(25 * hour)
    await compareAll(made)
    const second = made.cloud.clock.now()
    await made.tick()

    assert.deepEqual(never, [undefined, undefined])
    assert.deepEqual(afterRepair, [iso(first), iso(first)])
    assert.deepEqual(await shown(), [iso(second), iso(second)])
    await made.close()
  })

  test('The time of the last comparison stays what it was when the service could not be read', async () => {
    const { made } = await visionWorld()
    await made.http(repair, { params })
    const before = (await made.http(showTarget, { params })).body.lastComparedAt
    made.cloud.clock.advance(hour)
    made.cloud.faults.add(throttle({ capacity: 0, perSecond: 0, retryAfter: 60, operation: usualProvider }))

    await made.http(repair, { params })
    const after = (await made.http(showTarget, { params })).body.lastComparedAt

    assert.ok(before)
    assert.equal(after, before)
    await made.close()
  })

  test('Health fails and names the targets that were last compared more than 26 hours ago; new ones wait for the schedule', async () => {
    const { made } = await visionWorld()
    const fresh = await checkOf(made)
    await made.http(repair, { params })
    made.cloud.clock.advance(26 * hour)
    const day = await checkOf(made)
    made.cloud.clock.advance(minute)
    const stale = await checkOf(made)

    assert.deepEqual([fresh.status, day.status, stale.status], ['ok', 'ok', 'failed'])
    assert.match(fresh.detail, /1 of 1 .* new/)
    assert.deepEqual(stale.targets, ['vision'])
    assert.match(stale.detail, /: vision \(1 in all\)$/)
    await made.close()
  })

  test('Where the times of comparison cannot be read, health leaves the failure to the check of the storage account', async () => {
    const { made } = await visionWorld()
    const composed = await made.compose()
    assert.ok('app' in composed)
    const away = async () => {
      throw new RekeyError('ServiceUnavailable', { message: 'lease of a credential could not be reached' })
    }
    const app = { ...composed.app, leaseNotes: { of: away, all: away } }

    const check = await checkCompared({ app, log: () => undefined, signal: AbortSignal.timeout(5000) })

    assert.equal(check.status, 'unseen')
    await made.close()
  })

  test('Health counts from the first attempt where no comparison has ever succeeded', async () => {
    const { made } = await visionWorld()
    made.cloud.faults.add(missingPermission({ action: 'Microsoft.CognitiveServices/accounts/listKeys/action' }))
    await made.http(repair, { params })
    const before = await checkOf(made)
    made.cloud.clock.advance(27 * hour)

    const after = await checkOf(made)

    assert.deepEqual([before.status, after.status], ['ok', 'failed'])
    await made.close()
  })

  test('Reading when a fleet was compared costs one listing, not a call for each target', async () => {
    const made = await world()
    await made.writeTargets(Array.from({ length: 30 }, (_, n) => account(made.cloud, `t${n}`).target))
    const calls: string[] = []

    const { body } = await listedWith(made, {
      of: async () => void calls.push('one'),
      all: async () => {
        calls.push('all')
        return () => undefined
      },
    })

    assert.deepEqual([body.value.length, calls], [30, ['all']])
    await made.close()
  })

  test('Without the storage account the targets are still shown, and the answer says what is missing', async () => {
    const { made } = await visionWorld()
    const away = async () => {
      throw new RekeyError('ServiceUnavailable', { message: 'lease of a credential could not be reached' })
    }

    const { status, body } = await listedWith(made, { of: away, all: away })

    assert.deepEqual([status, body.value[0].status, body.value[0].lastComparedAt], [200, 'current', undefined])
    assert.deepEqual(
      body.notRead.map(({ code }: { code: string }) => code),
      ['ServiceUnavailable'],
    )
    await made.close()
  })
})

/** The list of targets, with notes of leases that Azurite would not give. */
async function listedWith(made: World, leaseNotes: LeaseNotes) {
  const composed = await made.compose()
  assert.ok('app' in composed)
  const app = { ...composed.app, leaseNotes }
  const request = new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/targets' })
  const { status, body } = await answer(listTargets, request, made.context('listTargets'), async () => ({ app }))
  return { status, body: JSON.parse(String(body)) }
}

// Histories that broke an earlier engine, each under the name it was found by. They stay.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome } from '../../src/engine/outcome.ts'
import { days, hours, minutes, rotatedStand, type Stand, seconds, stand } from './stand.ts'

/** What a finished reconcile answered. */
function outcomeOf(answer: Outcome | 'crashed'): Outcome {
  assert.notEqual(answer, 'crashed')
  return answer as Outcome
}

function activeSlot(at: Stand): string | undefined {
  return Object.entries(at.service.keys()).find(([, key]) => key === at.leadKey())?.[0]
}

describe('Histories of listings that lag', () => {
  test('A new key that was refused is not sought in a listing from before it', async () => {
    const at = await rotatedStand()
    at.slowBy(minutes(3))
    const desired = { createdAfter: at.now() }
    assert.equal(outcomeOf(await at.reconcile(desired)).reason, 'requested')
    at.staleBy(minutes(4))
    await at.wait(minutes(4) - seconds(1))

    const early = outcomeOf(await at.reconcile(desired))
    at.staleBy(0)
    await at.wait(minutes(3))
    const late = outcomeOf(await at.reconcile(desired))

    assert.deepEqual([early.status, early.reason], ['waiting', 'pending'])
    assert.deepEqual([late.status, at.works(), at.regenerated.length], ['changed', true, 2])
  })

  test('A promote waits until every listing shows what a worker did that crashed', async () => {
    const at = await rotatedStand()
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    at.fault({ on: 'regenerate', what: 'crash after' })
    assert.equal(await at.reconcile({ createdAfter: at.now() }), 'crashed')
    await at.wait(seconds(90))
    at.staleBy(minutes(2))
    const promote = { promote: { slot: standby, from: at.vault.current('lead')!.version } }

    const early = outcomeOf(await at.reconcile(promote))
    await at.wait(minutes(6))
    await at.reconcile(promote)

    assert.equal(early.reason, 'settling')
    assert.deepEqual([activeSlot(at), at.works()], [standby, true])
  })

  test('Without the record of a request, a promote after a crashed rotation publishes the dead key', async () => {
    const at = await rotatedStand({ without: ['asked'], probe: 'none' })
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    at.fault({ on: 'regenerate', what: 'crash after' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(seconds(90))
    at.staleBy(minutes(2))

    await at.reconcile({ promote: { slot: standby, from: at.vault.current('lead')!.version } })

    assert.equal(at.works(), false)
  })

  // The slot that is asked for next was made anew last: of two the one before last, of one the last.
  for (const { slots, waits, stale } of [
    { slots: 2, waits: [seconds(90), seconds(90)], stale: seconds(200) },
    { slots: 1, waits: [minutes(10), seconds(90)], stale: seconds(100) },
  ] as const) {
    test(`A read-back that shows an older key is not taken for the new one (ring of ${slots})`, async () => {
      const at = await rotatedStand({ slots, probe: 'none' })
      for (const wait of waits) {
        await at.reconcile({ createdAfter: at.now(), force: true })
        await at.wait(wait)
      }
      // The before-image is up to date; the read-back is older than the last change of the very slot that was asked for.
      at.fault({ on: 'regenerate', what: 'dropped' })
      at.fault({ on: 'read', nth: 2, what: 'paused', meanwhile: async () => at.staleBy(stale) })
      const desired = { createdAfter: at.now(), force: true }

      const outcome = outcomeOf(await at.reconcile(desired))

      assert.equal(outcome.error?.code, 'OutcomeUnknown')
      assert.equal(at.works(), true)
      at.staleBy(0)
      await at.wait(minutes(7))
      assert.equal(outcomeOf(await at.reconcile(desired)).status, 'changed')
      assert.equal(at.works(), true)
    })
  }

  test('The only key of a ring of one is not regenerated again because a listing lags', async () => {
    const at = await rotatedStand({ slots: 1, probe: 'none' })
    const before = at.regenerated.length
    const desired = { createdAfter: at.now() }
    at.fault({ on: 'put', what: 'dropped' })
    await at.reconcile(desired)
    at.staleBy(minutes(3))
    await at.wait(minutes(2))

    const early = outcomeOf(await at.reconcile(desired))
    at.staleBy(0)
    await at.wait(minutes(6))
    await at.reconcile(desired)

    assert.equal(early.reason, 'settling')
    assert.deepEqual([at.works(), at.regenerated.length - before], [true, 1])
  })

  test('A standby key that was just retired is not promoted from a listing that may be older than it', async () => {
    const at = await rotatedStand({ target: { retireAfter: days(3) }, probe: 'none' })
    assert.equal(outcomeOf(await at.reconcile()).reason, 'retiring')
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    await at.wait(minutes(1))
    at.staleBy(minutes(2))
    const promote = { promote: { slot: standby, from: at.vault.current('lead')!.version } }

    const early = outcomeOf(await at.reconcile(promote))
    await at.wait(minutes(6))
    await at.reconcile(promote)

    assert.deepEqual([early.status, early.reason], ['waiting', 'promoted'])
    assert.deepEqual([activeSlot(at), at.works()], [standby, true])
  })
})

describe('Histories of overlap', () => {
  test('A due date soon after a promote waits for the overlap of the key before', async () => {
    const at = await rotatedStand()
    await at.wait(days(53))
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    await at.reconcile({ promote: { slot: standby, from: at.vault.current('lead')!.version } })
    const before = at.regenerated.length
    await at.wait(days(1))

    const outcome = outcomeOf(await at.reconcile())
    await at.wait(days(6))
    const later = outcomeOf(await at.reconcile())

    assert.notEqual(outcome.status, 'changed')
    assert.equal(at.regenerated.length - before, 1)
    assert.equal(later.reason, 'due')
  })

  test('The overlap counts from the last publish, not from the last rotation', async () => {
    const at = await rotatedStand()
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    await at.reconcile({ promote: { slot: standby, from: at.vault.current('lead')!.version } })
    await at.wait(hours(1))

    const outcome = outcomeOf(await at.reconcile({ createdAfter: at.now() }))

    assert.equal(outcome.reason, 'cooling')
    const published = at.vault.current('lead')!.created
    assert.equal(outcome.again?.at, published + days(2) + minutes(1))
  })
})

describe('Histories of clocks and requests', () => {
  test('A promote that arrives after a rotation is ignored', async () => {
    const at = await rotatedStand()
    const standby = activeSlot(at) === 'A' ? 'B' : 'A'
    const promote = { promote: { slot: standby, from: at.vault.current('lead')!.version } }
    await at.reconcile(promote)
    await at.wait(days(3))
    await at.reconcile({ createdAfter: at.now() })
    const key = at.leadKey()
    await at.wait(days(3))

    const outcome = outcomeOf(await at.reconcile(promote))

    assert.deepEqual([outcome.status, at.leadKey()], ['current', key])
  })

  test('A request from a clock ahead of ours regenerates once', async () => {
    const at = await rotatedStand()
    const before = at.regenerated.length
    const desired = { createdAfter: at.now() + seconds(50) }

    await at.reconcile(desired)
    await at.reconcile(desired)
    await at.wait(days(3))
    await at.reconcile(desired)

    assert.equal(at.regenerated.length - before, 1)
  })

  test('A request from beyond any clock of ours is refused', async () => {
    const at = await rotatedStand()

    const outcome = outcomeOf(await at.reconcile({ createdAfter: at.now() + minutes(2) }))

    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'FromTheFuture'])
  })

  test('A key that a worker with a fast clock created before a revoke is not spared by it', async () => {
    const at = await rotatedStand()
    await at.reconcile({ createdAfter: at.now() - seconds(30) }, { skew: seconds(30) })
    const leaked = at.leadKey()
    await at.wait(seconds(20))

    await at.reconcile({ revokeBefore: at.now() - seconds(30) })
    await at.wait(minutes(7))
    await at.reconcile({ revokeBefore: at.now() - seconds(30) - minutes(7) })

    assert.equal(Object.values(at.service.keys()).includes(leaked), false)
    assert.equal(at.works(), true)
  })

  test('What was asked for while a secret was disabled is done when it is enabled', async () => {
    const at = await rotatedStand()
    at.vault.enable('lead', false)
    const desired = { createdAfter: at.now() }

    const paused = outcomeOf(await at.reconcile(desired))
    at.vault.enable('lead', true)
    await at.wait(paused.again!.after)
    const done = outcomeOf(await at.reconcile(desired))

    assert.deepEqual([paused.status, paused.again?.with], ['paused', 'request'])
    assert.deepEqual([done.status, done.reason], ['changed', 'requested'])
  })

  test('A forced request is satisfied by the key that waits to be accepted', async () => {
    const at = await rotatedStand()
    const before = at.regenerated.length
    at.slowBy(minutes(10))
    await at.reconcile({ createdAfter: at.now() })
    const forced = { createdAfter: at.now() - seconds(10), force: true }

    await at.reconcile(forced)
    await at.wait(minutes(12))
    await at.reconcile(forced)

    assert.equal(at.regenerated.length - before, 1)
    assert.equal(at.works(), true)
  })
})

describe('Histories of crashes and late effects', () => {
  test('A publish that crashed between two outputs is finished forward, never back', async () => {
    const at = await rotatedStand({ outputs: 2 })
    at.fault({ on: 'put', what: 'crash after' })
    await at.reconcile({ createdAfter: at.now(), actor: 'anna' })
    const handedOut = at.vault.current('connection')!.value!
    await at.wait(minutes(7))

    const outcome = outcomeOf(await at.reconcile())

    assert.equal(outcome.reason, 'interrupted')
    assert.equal(at.vault.current('connection')!.value!.equals(handedOut), true)
    assert.equal(handedOut.reveal(), `connection=${at.leadKey()}`)
    assert.equal(at.vault.current('lead')!.stamps?.reason, 'requested')
    assert.equal(at.vault.current('lead')!.stamps?.actor, 'anna')
  })

  test('A write without an answer keeps every worker away until it must have landed', async () => {
    const at = await rotatedStand()
    const desired = { createdAfter: at.now() }
    at.fault({ on: 'put', what: 'late' })

    const unknown = outcomeOf(await at.reconcile(desired))
    const other = outcomeOf(await at.reconcile())
    at.landLate()
    await at.wait(unknown.again!.after + minutes(5))
    const later = outcomeOf(await at.reconcile(desired))

    assert.ok(unknown.again!.after >= seconds(150))
    assert.equal(other.busy, true)
    assert.equal(later.reason, 'unannounced')
    assert.equal(at.works(), true)
  })

  test('After a lost lease the second resync comes after the longest stale listing', async () => {
    const at = await rotatedStand()
    const rotation = async () => {
      await at.wait(minutes(7))
      assert.equal(outcomeOf(await at.reconcile({ createdAfter: at.now() })).status, 'changed')
      await at.wait(minutes(7))
    }
    at.fault({ on: 'regenerate', what: 'paused', meanwhile: rotation })
    const zombie = outcomeOf(await at.reconcile({ createdAfter: at.now() }))
    assert.equal(zombie.error?.code, 'LeaseLost')
    assert.equal(at.works(), false)
    at.staleBy(minutes(4))

    await at.wait(at.queued[0]!.delay)
    const first = outcomeOf(await at.reconcile(at.queued[0]!.request))
    await at.wait(at.queued[1]!.delay - at.queued[0]!.delay)
    await at.reconcile(at.queued[1]!.request)

    assert.equal(first.status, 'current')
    assert.equal(at.works(), true)
  })

  for (const probe of ['on', 'none'] as const) {
    test(`A dead key that a suspended worker wrote a moment ago is repaired (probe ${probe})`, async () => {
      const at = await rotatedStand({ probe })
      const twoRotations = async () => {
        await at.wait(minutes(7))
        await at.reconcile({ createdAfter: at.now(), force: true })
        await at.wait(minutes(7))
        await at.reconcile({ createdAfter: at.now(), force: true })
        await at.wait(minutes(7))
      }
      at.fault({ on: 'put', what: 'paused', meanwhile: twoRotations })
      await at.reconcile({ createdAfter: at.now() })
      assert.equal(at.works(), false)

      const first = outcomeOf(await at.reconcile())
      const atOnce = at.works()
      await at.wait(minutes(6))
      await at.reconcile()

      // Only a service that can be asked tells a dead key from a listing that lags.
      assert.equal(first.reason, probe === 'on' ? 'drifted' : 'settling')
      assert.equal(atOnce, probe === 'on')
      assert.equal(at.works(), true)
    })
  }

  test('An old record that a suspended worker writes back does no harm', async () => {
    const at = await rotatedStand()
    const rotation = async () => {
      await at.wait(minutes(7))
      at.slowBy(minutes(8))
      assert.equal(outcomeOf(await at.reconcile({ createdAfter: at.now() })).reason, 'requested')
    }
    at.fault({ on: 'patch', what: 'paused', meanwhile: rotation })
    await at.reconcile({ createdAfter: at.now() })
    assert.equal(at.works(), true)
    const key = at.leadKey()

    for (let round = 0; round < 5; round++) {
      await at.wait(minutes(7))
      await at.reconcile()
      assert.equal(at.works(), true)
    }

    assert.equal(outcomeOf(await at.reconcile()).status, 'current')
    assert.ok(at.leadKey() !== '' && key !== '')
  })
})

describe('Histories of drift', () => {
  test('Of two keys the one that the service accepts is published to repair drift', async () => {
    const at = await rotatedStand()
    const active = activeSlot(at)!
    at.slowBy(minutes(30))
    at.service.regenerate(active)
    await at.wait(minutes(1))

    await at.reconcile()

    assert.notEqual(activeSlot(at), active)
    assert.equal(at.works(), true)
  })

  test('The age of a key that waits is still known after a repair', async () => {
    const at = await rotatedStand()
    at.slowBy(minutes(3))
    const desired = { createdAfter: at.now() }
    await at.reconcile(desired)
    at.slowBy(0)
    at.service.regenerate(activeSlot(at)!)
    const before = at.regenerated.length
    await at.wait(minutes(8))

    await at.reconcile(desired)
    await at.wait(minutes(8))
    await at.reconcile(desired)

    assert.equal(at.regenerated.length, before)
    assert.equal(at.works(), true)
    assert.ok(at.vault.current('lead')!.stamps!.createdAfter! >= desired.createdAfter - minutes(1))
  })

  test('A secret overwritten by hand is still ours, and as old as it was', async () => {
    const at = await rotatedStand()
    const { createdAfter, standbyCreatedAfter } = at.vault.current('lead')!.stamps!
    at.vault.put('lead', 'rubbish')
    await at.wait(minutes(1))

    const outcome = outcomeOf(await at.reconcile())

    assert.equal(outcome.reason, 'drifted')
    assert.equal(at.works(), true)
    const stamps = at.vault.current('lead')!.stamps!
    assert.deepEqual([stamps.createdAfter, stamps.standbyCreatedAfter], [createdAfter, standbyCreatedAfter])
  })

  test('An unknown value under our name, without an earlier version of ours, is unmanaged', async () => {
    const at = stand()
    at.vault.put('lead', 'rubbish')

    const outcome = outcomeOf(await at.reconcile({ createdAfter: at.now() }))

    assert.deepEqual([outcome.status, outcome.reason, outcome.error?.code], ['paused', 'unmanaged', 'Unmanaged'])
    assert.deepEqual(at.effects, ['announce'])
  })
})

// What a failure leaves behind: a record, an event, a message; and never a second key for one request.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome } from '../../src/engine/outcome.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { leaseLength } from '../../src/engine/target.ts'
import { days, minutes, rotatedStand, type Stand, seconds, stand } from './stand.ts'

async function outcomeOf(at: Stand, ...args: Parameters<Stand['reconcile']>): Promise<Outcome> {
  const outcome = await at.reconcile(...args)
  assert.notEqual(outcome, 'crashed')
  return outcome as Outcome
}

const lead = (at: Stand) => at.vault.current('lead')!
const failures = (at: Stand) => at.events.filter(({ type }) => type === 'Rekey.RotationFailed').map(({ id }) => id)

describe('A lasting failure', () => {
  test('A lasting failure is returned, logged, recorded beside the key, and announced under its request', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'refused' })

    const outcome = await outcomeOf(at, { createdAfter: at.now(), id: 'r1' })

    assert.deepEqual([outcome.status, outcome.error?.code, outcome.again], ['failed', 'PermissionDenied', undefined])
    assert.deepEqual([outcome.reason, outcome.error?.details.target], ['requested', 'target'])
    assert.deepEqual(lead(at).stamps?.failed, { code: 'PermissionDenied', at: at.now(), request: 'r1' })
    assert.deepEqual(failures(at), ['r1/failed'])
    assert.ok(at.log.some((line) => line.startsWith('error rotation failed') && line.includes('PermissionDenied')))
    assert.equal(at.works(), true)
  })

  test('A recorded failure is gone with the next success', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile({ createdAfter: at.now() })

    await at.reconcile({ createdAfter: at.now() })

    assert.equal(lead(at).stamps?.failed, undefined)
  })

  test('A recorded failure to retire a key is gone when that key is retired', async () => {
    const at = await rotatedStand({ target: { retireAfter: days(3) } })
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile()
    assert.equal(lead(at).stamps?.failed?.code, 'PermissionDenied')

    const outcome = await outcomeOf(at)

    assert.equal(outcome.reason, 'retiring')
    assert.equal(lead(at).stamps?.failed, undefined)
  })

  test('A recorded failure to swap is gone when the slots are swapped', async () => {
    const at = await rotatedStand()
    const swap = { slot: 'A', from: lead(at).version }
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile({ swap })
    assert.equal(lead(at).stamps?.failed?.code, 'PermissionDenied')

    await at.reconcile({ swap })

    assert.deepEqual([lead(at).slot, lead(at).stamps?.failed], ['A', undefined])
  })

  test('A recorded failure to announce is gone once it is announced', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'announce', what: 'refused' })
    await at.reconcile({ createdAfter: at.now() })
    assert.equal(lead(at).stamps?.failed?.code, 'PermissionDenied')

    await at.reconcile()

    assert.deepEqual([lead(at).stamps?.failed, lead(at).stamps?.announced], [undefined, true])
  })

  test('A failure to read is recorded too, and is gone with the next resync that succeeds', async () => {
    const at = await rotatedStand()
    const { failed: _, ...before } = lead(at).stamps!
    at.fault({ on: 'read', what: 'refused' })

    await at.reconcile({ id: 'r1' })
    const recorded = lead(at).stamps
    const outcome = await outcomeOf(at)

    assert.deepEqual(recorded, { ...before, failed: { code: 'PermissionDenied', at: at.now(), step: 'observe' } })
    assert.deepEqual(failures(at), ['r1/failed'])
    assert.deepEqual([outcome.status, lead(at).stamps], ['current', before])
  })

  test('A failure to carry out a request stays recorded for a day, whatever a resync finds: it was not done', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile({ createdAfter: at.now() })

    await at.reconcile()
    const soon = lead(at).stamps?.failed
    await at.wait(days(1))
    await at.reconcile()

    assert.deepEqual([soon?.code, lead(at).stamps?.failed], ['PermissionDenied', undefined])
  })

  test('A failure to read is announced where the secret cannot be read either', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'read', what: 'refused' })
    at.fault({ on: 'get', what: 'refused' })

    const outcome = await outcomeOf(at, { id: 'r1' })

    assert.deepEqual([outcome.status, failures(at), lead(at).stamps?.failed], ['failed', ['r1/failed'], undefined])
  })

  test('A failure to read leaves an unmanaged secret as it is', async () => {
    const at = stand()
    at.vault.put('lead', 'theirs', { stamps: { target: 'other' } } as Parameters<Stand['vault']['put']>[2])
    at.fault({ on: 'read', what: 'refused' })

    await at.reconcile()

    assert.deepEqual(lead(at).stamps, { target: 'other' })
  })

  test('A failure is announced even where there is no secret to record it beside, and creates none', async () => {
    const at = stand()
    at.fault({ on: 'put', what: 'refused' })

    const outcome = await outcomeOf(at, { id: 'r1' })

    assert.equal(outcome.status, 'failed')
    assert.deepEqual(failures(at), ['r1/failed'])
    assert.equal(at.vault.current('lead'), undefined)
  })

  test('A failure is never recorded in the tags of an unmanaged secret', async () => {
    const at = stand()
    const others = { stamps: { target: 'other', announced: true } } as Parameters<Stand['vault']['put']>[2]
    at.vault.put('lead', at.service.keys()['A']!, others)
    at.fault({ on: 'patch', what: 'refused' })

    const outcome = await outcomeOf(at)

    assert.equal(outcome.error?.code, 'PermissionDenied')
    assert.deepEqual(lead(at).stamps, { target: 'other', announced: true })
  })

  test('A failure to record or to announce a failure is logged, and hides nothing', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'refused' })
    at.fault({ on: 'patch', nth: 3, what: 'refused' })
    at.fault({ on: 'announce', what: 'refused' })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.equal(outcome.error?.code, 'PermissionDenied')
    assert.ok(at.log.some((line) => line.startsWith('warn could not record the failure')))
    assert.ok(at.log.some((line) => line.startsWith('warn could not announce the failure')))
  })

  test('A lasting failure releases the lease: the next worker need not wait', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile({ createdAfter: at.now() })

    const next = await outcomeOf(at)

    assert.equal(next.busy, undefined)
  })
})

test('A rotation whose tags would not fit regenerates nothing', async () => {
  let space = 'enough'
  const fits = () => {
    if (space === 'none') throw new RekeyError('TagsTooLarge', { message: 'too many tags' })
  }
  const at = await rotatedStand({ outputs: 2, fits })
  const before = at.regenerated.length
  space = 'none'

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.equal(outcome.error?.code, 'TagsTooLarge')
  assert.deepEqual([at.regenerated.length, lead(at).stamps?.pending], [before, undefined])
})

test('A lease that cannot be released is logged, and changes no outcome', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'release', what: 'refused' })

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.equal(outcome.status, 'changed')
  assert.ok(at.log.some((line) => line.startsWith('warn could not release the lease')))
})

describe('A refused regenerate', () => {
  for (const what of ['refused', 'throttled'] as const) {
    test(`After ${what} the record of the request is taken back, so that the next try need not wait`, async () => {
      const at = await rotatedStand()
      const desired = { createdAfter: at.now() }
      at.fault({ on: 'regenerate', what })

      const refused = await outcomeOf(at, desired)
      const pending = lead(at).stamps?.pending
      const next = await outcomeOf(at, desired)

      assert.equal(refused.status, 'failed')
      assert.equal(pending, undefined)
      assert.deepEqual([next.status, at.works()], ['changed', true])
    })
  }

  test('A swap that is refused leaves no record of the request either', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'throttled' })

    await at.reconcile({ swap: { slot: 'A', from: lead(at).version } })

    assert.equal(lead(at).stamps?.pending, undefined)
  })

  test('Throttling passes: the request comes back by itself, and nothing is recorded or announced', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'throttled' })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual(outcome.again, { after: seconds(20), at: at.now() + seconds(20), with: 'request', inTurn: true })
    assert.deepEqual([lead(at).stamps?.failed, failures(at)], [undefined, []])
  })
})

describe('Between a regenerate and its record', () => {
  for (const [what, status] of [
    ['throttled', 'waiting'],
    ['refused', 'failed'],
  ] as const) {
    test(`A ${what} write costs no second key: the one that was created is published when it may be`, async () => {
      const at = await rotatedStand()
      const desired = { createdAfter: at.now() }
      const before = at.regenerated.length
      at.fault({ on: 'put', what })

      const stopped = await outcomeOf(at, desired)
      await at.wait(minutes(7))
      const done = await outcomeOf(at, desired)

      assert.equal(stopped.status, 'failed')
      assert.equal(stopped.again === undefined ? 'failed' : 'waiting', status)
      assert.deepEqual([done.status, done.reason], ['changed', 'pending'])
      assert.deepEqual([at.works(), at.regenerated.length - before], [true, 1])
      assert.ok(lead(at).stamps!.createdAfter! >= desired.createdAfter)
    })
  }

  test('A refused write of the second output is finished forward', async () => {
    const at = await rotatedStand({ outputs: 2 })
    const desired = { createdAfter: at.now(), actor: 'anna' }
    const before = at.regenerated.length
    at.fault({ on: 'put', nth: 2, what: 'throttled' })
    await at.reconcile(desired)
    await at.wait(minutes(7))

    const done = await outcomeOf(at, { ...desired, actor: 'bob' })

    assert.deepEqual([done.status, done.reason], ['changed', 'interrupted'])
    assert.deepEqual([lead(at).stamps?.reason, lead(at).stamps?.actor], ['requested', 'anna'])
    assert.deepEqual([at.works(), at.regenerated.length - before], [true, 1])
    assert.equal(lead(at).stamps?.pending, undefined)
  })

  test('On a ring of one a key whose write was lost is stored at the next resync', async () => {
    const at = await rotatedStand({ slots: 1 })
    const desired = { createdAfter: at.now() }
    const before = at.regenerated.length
    at.fault({ on: 'put', what: 'throttled' })
    await at.reconcile(desired)
    await at.wait(seconds(20))

    const done = await outcomeOf(at, desired)

    assert.deepEqual([done.status, done.reason], ['changed', 'drifted'])
    assert.deepEqual([at.works(), at.regenerated.length - before], [true, 1])
  })

  test('The deadline does not stop a key that was created from being stored', async () => {
    const at = await rotatedStand()
    const desired = { createdAfter: at.now() }
    const before = at.regenerated.length
    at.fault({ on: 'regenerate', what: 'paused', meanwhile: () => at.wait(seconds(20)) })

    const outcome = await outcomeOf(at, desired, { deadline: at.now() + seconds(10) })
    const stored = at.leadKey()
    const rest = await outcomeOf(at, desired)

    assert.deepEqual([outcome.status, outcome.error?.code, outcome.again?.after], ['waiting', 'OutOfTime', 0])
    assert.deepEqual([at.regenerated.length - before, at.leadKey()], [1, stored])
    assert.deepEqual([rest.status, rest.reason, at.works()], ['changed', 'unannounced', true])
  })
})

test('A deadline between the record of the request and the regenerate takes the record back', async () => {
  const at = await rotatedStand()
  const desired = { createdAfter: at.now() }
  at.fault({ on: 'patch', what: 'paused', meanwhile: () => at.wait(seconds(20)) })

  const stopped = await outcomeOf(at, desired, { deadline: at.now() + seconds(10) })
  const pending = lead(at).stamps?.pending
  const rest = await outcomeOf(at, desired)

  assert.deepEqual([stopped.error?.code, pending, rest.status], ['OutOfTime', undefined, 'changed'])
})

describe('An unknown outcome', () => {
  test('The unknown outcome of a regenerate that happened is settled by one read-back', async () => {
    const at = await rotatedStand()
    const before = at.regenerated.length
    at.fault({ on: 'regenerate', what: 'lost' })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([outcome.status, at.regenerated.length - before, at.works()], ['changed', 1, true])
  })

  test('A regenerate that is answered with the key from before has an unknown outcome', async () => {
    const at = await rotatedStand({ answers: 'old keys', probe: 'none' })
    const key = at.leadKey()
    const before = at.regenerated.length

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([outcome.status, at.regenerated.length - before], ['changed', 1])
    assert.deepEqual([at.works(), at.leadKey() === key], [true, false])
  })

  // As a client of Event Hubs did for years, whichever key it was asked for (Azure/azure-powershell issue 16362).
  test('A service that regenerates the active slot in place of the standby has its new key published once the lease is free, and is not asked again', async () => {
    const at = stand({ regenerates: 'the first slot' })
    await outcomeOf(at)
    await at.wait(days(3))
    const desired = { createdAfter: at.now() }

    const outcome = await outcomeOf(at, desired)
    const isDead = !at.works()
    await at.wait(outcome.again!.after)
    const next = await outcomeOf(at, desired)

    assert.deepEqual([outcome.error?.code, isDead], ['OutcomeUnknown', true])
    assert.equal(outcome.again!.after, leaseLength + seconds(1))
    assert.deepEqual([next.reason, at.works(), at.regenerated], ['drifted', true, ['A']])
    assert.equal(next.again, undefined)
  })

  test('The unknown outcome of a regenerate that cannot be read back stays unknown', async () => {
    const at = await rotatedStand()
    const desired = { createdAfter: at.now() }
    at.fault({ on: 'regenerate', what: 'lost' })
    at.fault({ on: 'read', nth: 2, what: 'dropped' })

    const outcome = await outcomeOf(at, desired)
    const other = await outcomeOf(at)

    assert.deepEqual([outcome.error?.code, outcome.again?.after], ['OutcomeUnknown', minutes(5)])
    assert.equal(other.busy, true)
  })

  test('A regenerate without an answer that did not happen waits until every listing must show it, and keeps others away', async () => {
    const at = await rotatedStand()
    const desired = { createdAfter: at.now() }
    at.fault({ on: 'regenerate', what: 'dropped' })

    const outcome = await outcomeOf(at, desired)
    const other = await outcomeOf(at)
    // The record says no earlier than what was asked for, so the clock bound comes on top.
    await at.wait(outcome.again!.after + minutes(1))
    const later = await outcomeOf(at, desired)

    assert.deepEqual([outcome.error?.code, outcome.again?.after], ['OutcomeUnknown', minutes(5)])
    assert.equal(other.busy, true)
    assert.deepEqual([later.status, at.works()], ['changed', true])
    assert.deepEqual(failures(at), [])
  })

  test('A read or an announcement without an answer releases the lease, and the next try comes soon', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'read', what: 'dropped' })
    const unread = await outcomeOf(at)
    at.fault({ on: 'announce', what: 'lost' })
    const unannounced = await outcomeOf(at, { createdAfter: at.now() })

    const announced = await outcomeOf(at)

    assert.deepEqual([unread.status, unread.again?.after], ['failed', seconds(30)])
    assert.deepEqual([unannounced.status, unannounced.again?.after], ['failed', seconds(30)])
    assert.equal(announced.reason, 'unannounced')
  })

  test('A write without an answer keeps the lease, renewed, and comes back when the write must have landed', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'put', what: 'lost', meanwhile: () => at.wait(seconds(30)) })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })
    await at.wait(seconds(59))
    const early = await outcomeOf(at)
    await at.wait(seconds(1))
    const late = await outcomeOf(at)

    assert.equal(outcome.again?.after, seconds(150))
    assert.deepEqual([early.busy, late.busy], [true, undefined])
  })
})

describe('A lost lease', () => {
  test('A lost lease queues a resync now and one after the longest stale listing, and is not released', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'paused', meanwhile: () => at.wait(seconds(61)) })
    at.fault({ on: 'release', what: 'refused' })

    const outcome = await outcomeOf(at, { createdAfter: at.now(), id: 'r1' })

    assert.deepEqual([outcome.status, outcome.error?.code], ['waiting', 'LeaseLost'])
    assert.deepEqual(
      at.queued.map(({ request, delay }) => [request.id, request.actor, delay]),
      [
        ['r1/resync-1', 'resync', seconds(1)],
        ['r1/resync-2', 'resync', minutes(5) + seconds(15)],
      ],
    )
    for (const { request, delay } of at.queued) {
      assert.equal(request.createdAfter, undefined)
      assert.ok(request.expiresAt > at.now() + delay)
    }
    assert.equal(outcome.again?.with, 'request')
    assert.deepEqual(failures(at), [])
    assert.equal(
      at.log.some((line) => line.includes('release')),
      false,
    )
    assert.deepEqual(lead(at).stamps?.pending, { state: 'requested', since: at.now() - seconds(61) })
  })

  test('A lost lease is not taken back from the worker that has it now', async () => {
    const at = await rotatedStand()
    let other: Outcome | undefined
    const meanwhile = async () => {
      await at.wait(minutes(2))
      at.fault({ on: 'regenerate', what: 'dropped' })
      other = await outcomeOf(at, { createdAfter: at.now() })
    }
    at.fault({ on: 'patch', what: 'paused', meanwhile })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.equal(other?.error?.code, 'OutcomeUnknown')
    assert.equal(outcome.error?.code, 'LeaseLost')
    assert.equal((await outcomeOf(at)).busy, true)
  })
})

describe('Before the first effect', () => {
  test('A caller that waits for an answer queues the request once, and only if anything is done', async () => {
    const at = await rotatedStand()
    let queued = 0
    const beforeFirstEffect = async () => {
      queued++
    }

    await at.reconcile({}, { beforeFirstEffect })
    const idle = queued
    await at.reconcile({ createdAfter: at.now() }, { beforeFirstEffect })

    assert.deepEqual([idle, queued], [0, 1])
  })

  test('A deadline that has passed leaves everything as it was', async () => {
    const at = await rotatedStand()
    const before = at.effects.length

    const outcome = await outcomeOf(at, { createdAfter: at.now() }, { deadline: at.now() })

    assert.deepEqual([outcome.status, outcome.error?.code], ['waiting', 'OutOfTime'])
    assert.deepEqual(outcome.again, { after: 0, at: at.now(), with: 'request' })
    assert.equal(at.effects.length, before)
  })
})

test('A vault that loses every write does not keep a worker for ever', async () => {
  const at = await rotatedStand()
  at.vault.patch = () => lead(at)

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'Unsettled'])
  assert.deepEqual([outcome.again?.after, outcome.again?.with], [minutes(1), 'request'])
  assert.ok(at.effects.length < 50)
})

describe('No failure', () => {
  test('No failure shows a key', async () => {
    const at = await rotatedStand({ outputs: 2 })
    for (const what of ['refused', 'throttled', 'dropped', 'lost'] as const) {
      for (const on of ['regenerate', 'put', 'patch', 'announce', 'read'] as const) {
        at.fault({ on, what })
        const outcome = await outcomeOf(at, { createdAfter: at.now(), force: true })
        assert.doesNotMatch(JSON.stringify([outcome, outcome.error?.details]), /connection=|"k\d+"/)
        await at.wait(minutes(10))
      }
    }

    assert.doesNotMatch(JSON.stringify([at.log, at.events, at.queued]), /connection=|"k\d+"/)
  })

  test('No unforeseen error shows the text that it stumbled over', async () => {
    const at = await rotatedStand()
    const spilt = () => Promise.reject(new TypeError(`cannot read ${at.leadKey()} of undefined`))

    const outcome = await outcomeOf(at, { createdAfter: at.now() }, { beforeFirstEffect: spilt })

    assert.equal(outcome.error?.code, 'Internal')
    assert.equal(outcome.error?.message, 'something unforeseen happened (TypeError)')
    assert.equal(outcome.error?.cause, undefined)
    assert.equal(
      at.log.some((line) => line.includes(at.leadKey())),
      false,
    )
    assert.ok(at.log.some((line) => line.startsWith('error unforeseen error') && line.includes('reconcile')))
  })
})

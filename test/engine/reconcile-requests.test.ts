// Promote, swap and revoke, carried out.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome } from '../../src/engine/outcome.ts'
import { days, hours, minutes, rotatedStand, type Stand, stand } from './stand.ts'

async function outcomeOf(at: Stand, ...args: Parameters<Stand['reconcile']>): Promise<Outcome> {
  const outcome = await at.reconcile(...args)
  assert.notEqual(outcome, 'crashed')
  return outcome as Outcome
}

const lead = (at: Stand) => at.vault.current('lead')!
const two = { outputs: 2 } as const
const moveTo = (at: Stand, slot: string) => ({ slot, from: lead(at).version })

describe('Promote', () => {
  test('A promote publishes the other slot’s present key, of every output, and regenerates nothing', async () => {
    const at = await rotatedStand(two)
    const before = at.regenerated.length
    const { rotatedAt } = lead(at).stamps!

    const outcome = await outcomeOf(at, { promote: moveTo(at, 'A') })

    assert.deepEqual([outcome.status, outcome.reason, outcome.slot], ['changed', 'promoted', 'A'])
    assert.equal(at.leadKey(), at.service.keys()['A'])
    assert.equal(at.vault.current('connection')!.value!.reveal(), `connection=${at.leadKey()}`)
    assert.deepEqual([at.regenerated.length, lead(at).stamps?.rotatedAt], [before, rotatedAt])
    assert.equal(at.events.at(-1)?.type, 'Rekey.KeyPublished')
  })

  test('A promote back and forth ends where it began', async () => {
    const at = await rotatedStand()
    const key = at.leadKey()
    const { createdAfter, standbyCreatedAfter } = lead(at).stamps!

    await at.reconcile({ promote: moveTo(at, 'A') })
    await at.reconcile({ promote: moveTo(at, 'B') })

    assert.equal(at.leadKey(), key)
    assert.deepEqual(
      [lead(at).stamps?.createdAfter, lead(at).stamps?.standbyCreatedAfter],
      [createdAfter, standbyCreatedAfter],
    )
  })

  test('A promote shortly before the due date is done all the same, and does not wait for the rotation', async () => {
    const at = await rotatedStand()
    await at.wait(days(60))
    const promote = moveTo(at, 'A')
    at.fault({ on: 'regenerate', what: 'refused' })
    await at.reconcile()

    const outcome = await outcomeOf(at, { promote })

    assert.deepEqual([outcome.status, outcome.reason, outcome.again], ['changed', 'promoted', undefined])
  })

  test('A promote to a key that the service refuses leaves the one that works', async () => {
    const at = await rotatedStand()
    const key = at.leadKey()
    at.slowBy(days(9))
    at.service.regenerate('A')
    await at.wait(hours(1))

    const outcome = await outcomeOf(at, { promote: moveTo(at, 'A') })

    assert.deepEqual([outcome.status, outcome.reason], ['waiting', 'promoted'])
    assert.deepEqual(outcome.again, { after: minutes(1), at: at.now() + minutes(1), with: 'request' })
    assert.equal(at.leadKey(), key)
  })

  test('A promote to a slot that the ring does not have changes nothing', async () => {
    const at = await rotatedStand()
    const key = at.leadKey()

    const outcome = await outcomeOf(at, { promote: moveTo(at, 'tertiary') })

    assert.deepEqual([outcome.status, at.leadKey()], ['current', key])
  })
})

describe('Swap', () => {
  /** Until no listing can show the slots the other way round. */
  const settled = minutes(6)

  test('A swap keeps the key and its version, and rewrites CredentialId of every output', async () => {
    const at = await rotatedStand(two)
    const key = at.leadKey()
    const { version } = lead(at)
    const { slot: _, ...before } = lead(at)

    const outcome = await outcomeOf(at, { swap: moveTo(at, 'A') })
    await at.wait(settled)
    await at.reconcile()

    assert.deepEqual([outcome.status, outcome.reason, outcome.slot], ['changed', 'swapped', 'A'])
    assert.deepEqual([at.leadKey(), lead(at).version, at.service.keys()['A']], [key, version, key])
    assert.deepEqual([lead(at).slot, at.vault.current('connection')!.slot], ['A', 'A'])
    assert.deepEqual({ ...lead(at), slot: undefined }, { ...before, slot: undefined })
  })

  test('A swap that ends the other key for a moment is kept until the overlap has passed, and is carried out then', async () => {
    const at = await rotatedStand({ swapEndsOther: true })
    await at.reconcile({ createdAfter: at.now() })
    const key = at.leadKey()
    const swap = moveTo(at, 'B')

    const early = await outcomeOf(at, { swap })
    await at.wait(early.again!.after)
    const late = await outcomeOf(at, { swap })

    assert.deepEqual([early.status, early.reason, early.again!.with], ['waiting', 'cooling', 'request'])
    assert.deepEqual([late.status, late.reason], ['changed', 'swapped'])
    assert.deepEqual([at.leadKey(), at.service.keys()['B']], [key, key])
  })

  test('A swap that is delivered twice swaps once', async () => {
    const at = await rotatedStand()
    const swap = moveTo(at, 'A')

    await at.reconcile({ swap })
    const early = await outcomeOf(at, { swap })
    await at.wait(settled)
    const again = await outcomeOf(at, { swap })

    assert.deepEqual([early.reasons, again.reasons], [[], ['interrupted']])
    assert.equal(at.service.keys()['A'], at.leadKey())
  })

  test('A swap is followed by a rotation of the slot that the key left', async () => {
    const at = await rotatedStand()
    await at.reconcile({ swap: moveTo(at, 'A') })
    await at.wait(settled)

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([outcome.status, outcome.slot, at.regenerated.at(-1)], ['changed', 'B', 'B'])
  })

  test('Where the service cannot is refused, before anything is done', async () => {
    const at = await rotatedStand({ lacks: ['swap'] })
    const { version } = lead(at)

    const outcome = await outcomeOf(at, { swap: moveTo(at, 'A') })

    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'NotSupported'])
    assert.deepEqual([lead(at).version, lead(at).stamps?.pending], [version, undefined])
  })

  test('A swap without an answer waits until every listing shows it, and keeps the key', async () => {
    const at = await rotatedStand()
    const swap = moveTo(at, 'A')
    const key = at.leadKey()
    at.fault({ on: 'regenerate', what: 'lost' })

    const unknown = await outcomeOf(at, { swap })
    await at.wait(unknown.again!.after)
    const early = await outcomeOf(at, { swap })
    await at.wait(early.again!.after)
    await at.reconcile({ swap })

    assert.deepEqual([unknown.status, early.reason], ['failed', 'settling'])
    assert.deepEqual([at.leadKey(), at.service.keys()['A']], [key, key])
  })

  test('A swap that the deadline overtakes is recorded before it stops', async () => {
    const at = await rotatedStand()
    at.fault({ on: 'regenerate', what: 'paused', meanwhile: () => at.wait(minutes(0.5)) })

    await at.reconcile({ swap: moveTo(at, 'A') }, { deadline: at.now() + 1000 })

    assert.deepEqual([lead(at).slot, lead(at).stamps?.pending], ['A', { state: 'requested', since: at.now() }])
  })
})

describe('Revoke', () => {
  test('A revoke leaves no slot with a key from before it: the standby first, then the one that was in use', async () => {
    const at = await rotatedStand(two)
    const before = Object.values(at.service.keys())

    const outcome = await outcomeOf(at, { revokeBefore: at.now(), note: 'leaked' })

    assert.deepEqual([outcome.status, outcome.reason], ['changed', 'revoked'])
    assert.deepEqual(outcome.reasons, ['revoked', 'revoked', 'unannounced'])
    assert.deepEqual([outcome.overlap, at.works()], ['none', true])
    assert.deepEqual(at.regenerated.slice(-2), ['A', 'B'])
    for (const key of before) assert.equal(at.service.accepts(key), false)
    const announced = at.events.slice(-2).map(({ id, type }) => [id, type])
    assert.deepEqual(announced, [
      [`${lead(at).version}/retired`, 'Rekey.KeyRetired'],
      [lead(at).version, 'Rekey.KeyRotated'],
    ])
    assert.equal(at.events.at(-1)?.data.note, 'leaked')
  })

  test('A revoke that is delivered again regenerates nothing', async () => {
    const at = await rotatedStand()
    const revokeBefore = at.now()
    await at.reconcile({ revokeBefore })
    const before = at.effects.length

    const again = await outcomeOf(at, { revokeBefore })

    assert.deepEqual([again.status, at.effects.length], ['current', before])
  })

  test('A revoke publishes a standby key that is new enough, and regenerates only the other', async () => {
    const at = await rotatedStand()
    await at.reconcile({ createdAfter: at.now() })
    const leakedFrom = at.now() - minutes(2)
    await at.wait(minutes(7))
    await at.reconcile({ promote: moveTo(at, 'B') })
    const before = at.regenerated.length

    const outcome = await outcomeOf(at, { revokeBefore: leakedFrom })

    assert.deepEqual([outcome.status, at.regenerated.slice(before)], ['changed', ['B']])
    assert.deepEqual([lead(at).slot, outcome.overlap], ['A', 'none'])
    assert.ok(at.service.madeAt(at.leadKey()) >= leakedFrom)
  })

  test('A revoke on a ring of one replaces the key, once', async () => {
    const at = await rotatedStand({ slots: 1 })
    const key = at.leadKey()
    const before = at.regenerated.length

    const outcome = await outcomeOf(at, { revokeBefore: at.now() })

    assert.deepEqual([outcome.status, outcome.overlap, at.regenerated.length - before], ['changed', 'none', 1])
    assert.deepEqual([at.works(), at.service.accepts(key)], [true, false])
  })

  test('A revoke of every slot at once regenerates them in one call', async () => {
    const at = await rotatedStand(two)
    const before = at.effects.length

    const outcome = await outcomeOf(at, { revokeBefore: at.now(), atOnce: true })

    assert.deepEqual([outcome.status, outcome.reasons], ['changed', ['revoked', 'unannounced']])
    assert.equal(at.effects.slice(before).filter((effect) => effect === 'regenerate').length, 1)
    assert.equal(at.works(), true)
  })

  test('A revoke of every slot at once, where the service cannot, is refused before anything is done', async () => {
    const at = await rotatedStand({ lacks: ['regenerateAll'] })
    const before = at.regenerated.length

    const outcome = await outcomeOf(at, { revokeBefore: at.now(), atOnce: true })

    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'NotSupported'])
    assert.deepEqual([at.regenerated.length, lead(at).stamps?.pending], [before, undefined])
  })

  test('A revoke of every slot at once on a ring of one needs nothing special', async () => {
    const at = await rotatedStand({ slots: 1, lacks: ['regenerateAll'] })

    assert.equal((await outcomeOf(at, { revokeBefore: at.now(), atOnce: true })).status, 'changed')
  })

  for (const name of ['lead', 'connection']) {
    test(`A revoke goes on through a ${name} that was disabled by hand, which then has a key that works`, async () => {
      const at = await rotatedStand(two)
      const before = Object.values(at.service.keys())
      at.vault.enable(name, false)

      const outcome = await outcomeOf(at, { revokeBefore: at.now() })

      assert.equal(outcome.status, 'changed')
      for (const key of before) assert.equal(at.service.accepts(key), false)
      assert.deepEqual([at.works(), at.vault.current(name)!.enabled], [true, true])
      assert.equal(at.vault.current('connection')!.value!.reveal(), `connection=${at.leadKey()}`)
    })
  }

  test('A revoke goes on through a disabled lead though CredentialId differs in case', async () => {
    const at = await rotatedStand()
    const before = Object.values(at.service.keys())
    at.vault.patch('lead', lead(at).version, { slot: 'b' })
    at.vault.enable('lead', false)

    await at.reconcile({ revokeBefore: at.now() })

    for (const key of before) assert.equal(at.service.accepts(key), false)
    assert.equal(at.works(), true)
  })

  test('After a revoke, a promote has its overlap again', async () => {
    const at = await rotatedStand()
    await at.reconcile({ revokeBefore: at.now() })
    await at.wait(minutes(7))

    const outcome = await outcomeOf(at, { promote: moveTo(at, 'B') })

    assert.deepEqual([outcome.reason, outcome.overlap], ['promoted', days(2)])
  })
})

describe('A service that changes both keys', () => {
  test('When a service changes both keys the outcome says that there was no overlap, and the key in the vault works', async () => {
    const at = await rotatedStand({ both: true, outputs: 2, probe: 'none' })

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.deepEqual([outcome.status, outcome.overlap, at.works()], ['changed', 'none', true])
    assert.equal(at.events.at(-1)?.data.overlap, 'none')
  })

  test('When a service changed both keys and the worker crashed, the next worker announces that there was no overlap', async () => {
    const at = await rotatedStand({ both: true, probe: 'none' })
    at.fault({ on: 'announce', what: 'crash before' })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(minutes(2))

    await at.reconcile()

    assert.equal(at.events.at(-1)?.data.overlap, 'none')
  })

  test('When a service changes both keys there is nothing to retire', async () => {
    const at = await rotatedStand({ both: true, probe: 'none', target: { retireAfter: days(3) } })
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(days(4))

    assert.equal((await outcomeOf(at)).status, 'current')
  })
})

describe('Retiring', () => {
  test('Retiring kills the key before the current one, announces that once, and leaves the vault’s value alone', async () => {
    const at = await rotatedStand({ target: { retireAfter: days(3) } })
    const { version } = lead(at)
    const old = at.service.keys()['A']!

    const outcome = await outcomeOf(at)
    const again = await outcomeOf(at)

    assert.deepEqual([outcome.status, outcome.reason, outcome.eventId], ['changed', 'retiring', `${version}/retired`])
    assert.deepEqual([at.service.accepts(old), lead(at).version, at.works()], [false, version, true])
    assert.equal(lead(at).stamps?.retire, undefined)
    assert.equal(again.status, 'current')
    assert.deepEqual(at.events.at(-1)?.data.slot, 'A')
  })

  test('After an adoption there is nothing to retire: it is not known which consumer holds the other key', async () => {
    const at = stand({ target: { retireAfter: days(3) } })
    await at.reconcile()
    await at.wait(days(4))
    const before = at.regenerated.length

    await at.reconcile()

    assert.equal(at.regenerated.length, before)
  })
})

describe('A key that the service does not accept yet', () => {
  test('A key that the service does not accept yet waits, recorded, with the old one in the vault, and is published when it is accepted', async () => {
    const at = await rotatedStand()
    const key = at.leadKey()
    const since = at.now()
    at.slowBy(minutes(9))

    const made = await outcomeOf(at, { createdAfter: since })
    await at.wait(made.again!.after)
    const waiting = await outcomeOf(at)
    const meanwhile = at.leadKey()
    await at.wait(minutes(5))
    const done = await outcomeOf(at)

    assert.deepEqual([made.status, waiting.status, done.status], ['waiting', 'waiting', 'changed'])
    assert.deepEqual(made.again?.at, since + minutes(6))
    assert.deepEqual([waiting.reason, waiting.again?.after, waiting.again?.with], ['pending', minutes(1), 'resync'])
    assert.deepEqual([meanwhile, done.reason, at.works()], [key, 'pending', true])
    assert.deepEqual([lead(at).stamps?.rotatedAt, lead(at).stamps?.createdAfter], [since, since])
    assert.equal(at.events.at(-1)?.type, 'Rekey.KeyRotated')
  })

  test('A key that the service does not accept is logged as stuck after a day, and never created again', async () => {
    const at = await rotatedStand()
    const before = at.regenerated.length
    const isStuck = () => at.log.some((line) => line.startsWith('error a new key is still refused'))
    at.slowBy(days(3))
    await at.reconcile({ createdAfter: at.now() })
    await at.wait(days(1) - 1)
    await at.reconcile()
    const early = isStuck()
    await at.wait(1)

    await at.reconcile()

    assert.deepEqual([early, isStuck(), at.works()], [false, true, true])
    assert.equal(at.regenerated.length - before, 1)
  })

  test('A key is published when no probe gets an answer, as behind a private endpoint', async () => {
    const at = await rotatedStand({ probe: 'none' })
    at.slowBy(minutes(9))

    assert.equal((await outcomeOf(at, { createdAfter: at.now() })).status, 'changed')
  })

  test('A key that the service does not accept yet is published at once on a ring of one, and logged', async () => {
    const at = await rotatedStand({ slots: 1 })
    at.slowBy(minutes(9))

    const outcome = await outcomeOf(at, { createdAfter: at.now() })

    assert.equal(outcome.status, 'changed')
    assert.ok(at.log.some((line) => line.startsWith('warn published before the service accepts it')))
  })
})

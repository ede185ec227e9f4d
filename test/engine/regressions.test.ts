// Histories that broke a promise once: each was red before the engine was mended.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days, leadIn, minutes, outcomeOf, rotatedStand, type Stand, stand } from './stand.ts'

/** Delivers a request, with the waits it asks for, until it needs no more. */
async function deliver(at: Stand, desired: Partial<RotationRequest>): Promise<Outcome> {
  for (let delivery = 0; delivery < 10; delivery++) {
    const outcome = await outcomeOf(at, desired)
    if (outcome.again === undefined) return outcome
    await at.wait(outcome.again.after)
  }
  throw new Error('does not come to rest')
}

test('A listing from before a swap does not make a rotation take the active key for the standby', async () => {
  const at = await rotatedStand()
  at.staleBy(minutes(3))
  const key = at.leadKey()

  await at.reconcile({ swap: { slot: 'A', from: leadIn(at).version } })
  await at.wait(minutes(1))
  const { again } = await outcomeOf(at, { createdAfter: at.now() })

  assert.ok(again !== undefined && at.service.accepts(key))
  const rotated = await deliver(at, { createdAfter: at.now() })
  assert.deepEqual([rotated.status, rotated.slot, at.service.accepts(key)], ['changed', 'B', true])
})

test('A swap whose answer was lost is recorded, once every listing shows it', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.fault({ on: 'regenerate', what: 'lost' })

  const outcome = await deliver(at, { swap: { slot: 'A', from: leadIn(at).version } })

  assert.deepEqual([outcome.slot, leadIn(at).slot, at.vault.current('connection')!.slot], ['A', 'A', 'A'])
  assert.equal(leadIn(at).stamps?.pending, undefined)
})

test('A request that crashed and never came back leaves nothing unfinished', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'regenerate', what: 'crash before' })
  await at.reconcile({ createdAfter: at.now() })
  await at.wait(minutes(7))

  const resync = await outcomeOf(at)
  const next = await outcomeOf(at)

  assert.deepEqual([resync.reasons, next.status, leadIn(at).stamps?.pending], [['interrupted'], 'current', undefined])
})

for (const what of ['refused', 'throttled'] as const) {
  test(`A key is retired once, and that is announced when the topic takes it, though the topic ${what} it at first`, async () => {
    const at = await rotatedStand({ target: { retireAfter: days(4) } })
    await at.wait(days(2))
    const before = at.regenerated.length
    for (let tick = 0; tick < 3; tick++) {
      at.fault({ on: 'announce', what })
      await at.reconcile()
      await at.wait(minutes(15))
    }
    const announced = at.events.length

    await at.reconcile()

    assert.equal(at.regenerated.length, before + 1)
    const events = at.events.slice(announced).map(({ id, data: { slot, reason } }) => [id, slot, reason])
    assert.deepEqual(events, [[`${leadIn(at).version}/retired`, 'A', 'retiring']])
    assert.equal((await outcomeOf(at)).status, 'current')
  })

  test(`A revoke replaces each slot once, though the topic ${what} its events`, async () => {
    const at = await rotatedStand()
    const before = at.regenerated.length
    const revokeBefore = at.now()
    for (let delivery = 0; delivery < 3; delivery++) {
      at.fault({ on: 'announce', what })
      await at.reconcile({ revokeBefore })
      await at.wait(minutes(8))
    }

    const last = await outcomeOf(at, { revokeBefore })

    assert.deepEqual([last.status, at.regenerated.slice(before)], ['changed', ['A', 'B']])
    assert.deepEqual(
      at.events.slice(-2).map(({ id, data: { reason } }) => [id, reason]),
      [
        [leadIn(at).version, 'revoked'],
        [`${leadIn(at).version}/retired`, 'revoked'],
      ],
    )
  })
}

test('A revoke never writes back the key of a lead that was disabled by hand, whatever the other outputs hold', async () => {
  const at = await rotatedStand({ outputs: 2 })
  const { version } = leadIn(at)
  at.vault.enable('lead', false)
  at.vault.put('connection', 'rubbish')
  at.fault({ on: 'regenerate', what: 'refused' })

  const refused = await outcomeOf(at, { revokeBefore: at.now() })
  const after = leadIn(at)
  const revoked = await deliver(at, { revokeBefore: at.now() })

  assert.deepEqual([refused.status, after.version, after.enabled], ['failed', version, false])
  assert.deepEqual([revoked.status, at.works(), leadIn(at).enabled], ['changed', true, true])
})

test('An unmanaged secret is announced as a failure, of a request and of a resync: an operator does not read the outcome of a message', async () => {
  const at = stand()
  at.vault.put('lead', 'rubbish')

  await at.reconcile({ id: 'asked', createdAfter: at.now() })
  await at.reconcile({ id: 'resync' })

  const announced = at.events.map(({ id, type, data: { code } }) => [id, type, code])
  assert.deepEqual(announced, [
    ['asked/failed', 'Rekey.RotationFailed', 'Unmanaged'],
    ['resync/failed', 'Rekey.RotationFailed', 'Unmanaged'],
  ])
})

test('An output that the service does not give is refused before anything is written', async () => {
  const secrets = [
    { name: 'lead', output: 'password' },
    { name: 'connection', output: 'connectionString' },
  ] as const
  const at = stand({ target: { secrets } })

  const outcome = await outcomeOf(at)

  assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'UnexpectedAnswer'])
  assert.deepEqual([at.vault.current('lead'), at.vault.current('connection')], [undefined, undefined])
})

test('A topic that refuses for good does not stop rotation: that is announced as a failure, and the events when the topic takes them', async () => {
  const at = await rotatedStand()
  const announced = at.events.length
  // The events and the failure, of each run.
  for (const _ of [1, 2, 3, 4]) at.fault({ on: 'announce', what: 'refused' })
  await at.wait(days(61))
  const first = await outcomeOf(at)
  const [firstKey, firstVersion] = [at.leadKey(), leadIn(at).version]
  await at.wait(days(61))

  const second = await outcomeOf(at)
  const unheard = at.events.length - announced
  await outcomeOf(at)

  for (const { status, reason, error } of [first, second]) {
    assert.deepEqual([status, reason, error?.code], ['failed', 'due', 'PermissionDenied'])
  }
  assert.notEqual(at.leadKey(), firstKey)
  assert.equal(at.works(), true)
  assert.equal(unheard, 0)
  assert.deepEqual(
    at.events.slice(announced).map(({ id }) => id),
    [firstVersion, leadIn(at).version],
  )
})

test('A topic that refuses for good does not end a request that must wait', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'announce', what: 'refused' })
  at.fault({ on: 'announce', what: 'refused' })
  await at.reconcile({ createdAfter: at.now() })
  at.fault({ on: 'announce', what: 'refused' })
  await at.wait(minutes(10))

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.deepEqual([outcome.status, outcome.reason, outcome.again?.with], ['waiting', 'cooling', 'request'])
})

test('A resync that fails leaves the address beside a secret of another resource: it stays unmanaged', async () => {
  const at = await rotatedStand()
  const { stamps, slot } = leadIn(at)
  at.vault.put('lead', 'a key of the resource before', {
    stamps: stamps!,
    slot: slot!,
    address: '/before',
    validityDays: 90,
    expiresOn: at.now() + days(90),
    otherTags: {},
  })
  await at.wait(days(1))
  at.fault({ on: 'read', what: 'refused' })

  await outcomeOf(at)
  const outcome = await outcomeOf(at)

  assert.deepEqual([outcome.reason, at.leadKey()], ['unmanaged', 'a key of the resource before'])
})

test('A new lead beside an output that the listing does not show yet waits: an old key must not be published over it', async () => {
  const at = stand({ slots: 1, probe: 'none' })
  const connection = { name: 'connection', output: 'connectionString' }
  const target = at.target as { secrets: Stand['target']['secrets'] }
  target.secrets = [connection]
  await outcomeOf(at)
  await at.wait(days(3))
  await outcomeOf(at, { createdAfter: at.now() })
  target.secrets = [{ name: 'lead', output: 'key' }, connection]
  at.staleBy(minutes(3))
  await at.wait(minutes(1))

  const outcome = await outcomeOf(at)
  at.staleBy(0)
  await at.wait(outcome.again!.after)
  await outcomeOf(at)

  assert.equal(outcome.reason, 'settling')
  assert.equal(at.works(), true)
})

test('The record of a failure that gets no answer keeps the lease: landing late, it would erase what a later run wrote', async () => {
  const at = await rotatedStand()
  at.slowBy(minutes(3))
  at.fault({ on: 'read', what: 'refused' })
  at.fault({ on: 'patch', what: 'late' })
  await outcomeOf(at)
  const desired = { createdAfter: at.now(), id: 'r' }
  const before = at.regenerated.length

  const early = await outcomeOf(at, desired)
  at.landLate()
  await at.wait(minutes(2))
  await deliver(at, desired)

  assert.equal(early.busy, true)
  assert.equal(at.regenerated.length - before, 1)
})

test('The record of a failure that outlasts the lease is checked again', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'read', what: 'refused' })
  at.fault({ on: 'patch', what: 'paused', meanwhile: () => at.wait(minutes(2)) })

  await outcomeOf(at)

  assert.equal(at.queued.length, 2)
})

test('The record of a failure leaves nothing unfinished: a request that failed does not get its key later', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'read', what: 'refused' })
  let begun = 0

  const outcome = await at.reconcile({ createdAfter: at.now() }, { beforeFirstEffect: async () => void begun++ })

  assert.notEqual(outcome, 'crashed')
  assert.deepEqual([begun, leadIn(at).stamps?.failed?.code], [0, 'PermissionDenied'])
})

test('A resync that fails does not shorten the day for which an earlier failure is shown', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'regenerate', what: 'refused' })
  await outcomeOf(at, { createdAfter: at.now() })
  at.fault({ on: 'read', what: 'refused' })

  await outcomeOf(at)
  await outcomeOf(at)

  assert.deepEqual(leadIn(at).stamps?.failed?.step, undefined)
  assert.equal(leadIn(at).stamps?.failed?.code, 'PermissionDenied')
})

test('A copy of a swap that is done waits for nothing: kept alive, it would undo a later one', async () => {
  const at = await rotatedStand()
  const { version, slot } = leadIn(at)
  const other = slot === 'A' ? 'B' : 'A'
  const there = { swap: { slot: other, from: version } }
  await outcomeOf(at, there)
  await at.wait(minutes(1))

  const copy = await outcomeOf(at, there)

  assert.deepEqual([copy.status, copy.again], ['current', undefined])
})

test('After a swap a topic that refuses is reported as a failure all the same', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'announce', what: 'refused' })
  at.fault({ on: 'announce', what: 'refused' })
  await outcomeOf(at, { createdAfter: at.now() })
  await at.wait(minutes(10))
  at.fault({ on: 'announce', what: 'refused' })
  const { version, slot } = leadIn(at)

  const outcome = await outcomeOf(at, { swap: { slot: slot === 'A' ? 'B' : 'A', from: version } })

  assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'PermissionDenied'])
  assert.notEqual(leadIn(at).slot, slot)
})

test('A record of a request makes no key young that was not created: a leaked key that another client overwrote is still revoked', async () => {
  for (const slots of [2, 1] as const) {
    const at = await rotatedStand({ slots })
    const leaked = at.leadKey()
    const desired = { revokeBefore: at.now() }
    at.fault({ on: 'regenerate', what: 'dropped' })
    await outcomeOf(at, desired)
    at.vault.put('lead', 'rubbish')

    for (let delivery = 0; delivery < 5; delivery++) {
      await at.wait(minutes(6))
      await outcomeOf(at, desired)
    }

    assert.deepEqual([at.service.accepts(leaked), at.works()], [false, true])
  }
})

test('Of two slots with one key the first is taken for the active one, and a rotation makes them differ', async () => {
  const at = stand()
  const keys = at.service.keys()
  Object.assign(keys, { B: keys['A'] })

  const adopted = await outcomeOf(at)
  await at.wait(days(3))
  const rotated = await outcomeOf(at, { createdAfter: at.now() })

  assert.deepEqual([adopted.status, adopted.slot, rotated.status, rotated.slot], ['changed', 'A', 'changed', 'B'])
  assert.equal(at.works(), true)
})

test('A lead that was overwritten and disabled is revoked without bringing its key back', async () => {
  const at = await rotatedStand()
  const leaked = at.leadKey()
  at.vault.put('lead', leaked)
  at.vault.enable('lead', false)
  at.fault({ on: 'regenerate', what: 'refused' })

  await outcomeOf(at, { revokeBefore: at.now() })

  assert.equal(at.vault.current('lead')?.enabled, false)
})

test('A lead that was overwritten and disabled by hand is revoked', async () => {
  const at = await rotatedStand({ outputs: 2 })
  const leaked = at.leadKey()
  at.vault.put('lead', leaked)
  at.vault.enable('lead', false)

  const outcome = await deliver(at, { revokeBefore: at.now() })

  assert.deepEqual([outcome.status, at.service.accepts(leaked), at.works()], ['changed', false, true])
})

test('Keys of another resource have no known age, though the secret is adopted', async () => {
  const before = await rotatedStand()
  const { value: _, name: __, version: ___, created: ____, ...tags } = leadIn(before)
  const at = stand({ target: { address: '/stand/new', adopt: true } })
  at.vault.put('lead', 'a key of the resource before', {
    ...tags,
    expiresOn: at.now() + days(90),
    validityDays: 90,
  } as never)
  await at.wait(days(7))

  await outcomeOf(at)

  assert.deepEqual(
    [at.works(), leadIn(at).stamps?.createdAfter, leadIn(at).stamps?.rotatedAt],
    [true, undefined, at.now()],
  )
})

test('An output that is not ours does not lead: added to a target, it follows', async () => {
  const at = await rotatedStand()
  const { A, B } = at.service.keys()
  const active = at.leadKey()
  const target = at.target as { secrets: Stand['target']['secrets'] }
  at.vault.put('connection', `connection=${active === A ? B : A}`)
  target.secrets = [...target.secrets, { name: 'connection', output: 'connectionString' }]

  await deliver(at, {})

  assert.equal(at.leadKey(), active)
})

test('An expired secret ignores the window, and nothing else does that says so', async () => {
  const window = { days: [6], start: 120, length: days(1) / 24, timeZone: 'UTC' }
  const at = await rotatedStand({ target: { window } })
  await at.wait(days(58))

  const announced = await outcomeOf(at, { ignoreWindow: true })
  await at.wait(days(30))
  const expired = await outcomeOf(at, { ignoreWindow: true })

  assert.deepEqual([announced.status, expired.reason], ['current', 'due'])
})

test('A key is due by the output that expires first, and once', async () => {
  const at = await rotatedStand({ outputs: 2 })
  const connection = at.vault.current('connection')!
  at.vault.patch('connection', connection.version, { expiresOn: at.now() + days(20) })

  const outcome = await outcomeOf(at)
  await at.wait(days(3))
  const later = await outcomeOf(at)

  assert.deepEqual([outcome.status, outcome.reason, later.status], ['changed', 'due', 'current'])
})

test('A request whose new key waits does not create another one after a revoke crashed over it', async () => {
  const at = await rotatedStand()
  const desired = { createdAfter: at.now(), id: 'fresh' }
  at.slowBy(minutes(30))
  await outcomeOf(at, desired)
  await at.wait(minutes(7))
  const before = at.regenerated.length
  at.fault({ on: 'regenerate', what: 'crash before' })
  await at.reconcile({ revokeBefore: at.now() })
  await at.wait(minutes(7))

  await outcomeOf(at, desired)

  assert.equal(at.regenerated.length, before)
})

test('An older output that a suspended worker writes late does not take the lead back to its key', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.slowBy(minutes(3))
  await outcomeOf(at, { createdAfter: at.now() })
  at.slowBy(0)
  await at.wait(minutes(7))
  at.fault({ on: 'put', what: 'late' })
  await outcomeOf(at)
  await at.wait(minutes(3))
  await deliver(at, {})
  const forced = { createdAfter: at.now(), force: true }
  await outcomeOf(at, forced)
  const [key, made] = [at.leadKey(), at.regenerated.length]
  await at.wait(minutes(1))
  at.landLate()

  await deliver(at, forced)

  assert.deepEqual([at.leadKey(), at.regenerated.length], [key, made])
  assert.equal(at.vault.current('connection')?.value?.reveal(), `connection=${key}`)
})

test('Two probes lost in a row publish no key that its service does not accept yet', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.slowBy(minutes(12))
  const desired = { createdAfter: at.now() }
  at.fault({ on: 'patch', nth: 2, what: 'crash before' })
  await at.reconcile(desired)
  await at.wait(minutes(7))
  await outcomeOf(at, desired)
  await at.wait(minutes(6))
  at.fault({ on: 'probe', what: 'lost' })
  at.fault({ on: 'probe', what: 'lost' })

  const outcome = await outcomeOf(at, desired)

  assert.deepEqual([outcome.status, at.works()], ['waiting', true])
})

test('After a revoke, too, two probes lost in a row publish no key that its service does not accept yet', async () => {
  const at = await rotatedStand()
  await deliver(at, { revokeBefore: at.now() })
  await at.wait(days(60))
  at.slowBy(minutes(12))
  await outcomeOf(at)
  await at.wait(minutes(6))
  at.fault({ on: 'probe', what: 'lost' })
  at.fault({ on: 'probe', what: 'lost' })

  const outcome = await outcomeOf(at)

  assert.deepEqual([outcome.reason, outcome.status, at.works()], ['pending', 'waiting', true])
})

test('A version that is superseded before it was announced is announced all the same, before the one that covers it', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.fault({ on: 'patch', nth: 3, what: 'crash after' })
  await at.reconcile({ revokeBefore: at.now() })
  const superseded = leadIn(at).version
  await at.wait(minutes(2))
  at.slowBy(minutes(9))

  await deliver(at, { revokeBefore: at.now() })

  const ids = at.events.map(({ id }) => id)
  assert.notEqual(leadIn(at).version, superseded)
  assert.deepEqual(
    ids.filter((id) => [superseded, leadIn(at).version].includes(id)),
    [superseded, leadIn(at).version],
  )
  assert.deepEqual([leadIn(at).stamps?.announced, leadIn(at).stamps?.behind], [true, undefined])
})

test('Two quick revokes are one: each slot is regenerated once, and the key that was just published lives', async () => {
  for (const gap of [70, 5000]) {
    const at = await rotatedStand()
    const old = Object.values(at.service.keys())
    const [first, made] = [at.now(), at.regenerated.length]
    await outcomeOf(at, { revokeBefore: first })
    const key = at.leadKey()
    await at.wait(gap)

    const second = await outcomeOf(at, { revokeBefore: at.now() })

    assert.deepEqual([second.status, at.leadKey(), at.regenerated.length - made], ['current', key, 2])
    assert.equal(
      old.some((each) => at.service.accepts(each)),
      false,
    )
  }
})

test('A revoke that crashed between its two slots is finished by another that follows at once', async () => {
  const at = await rotatedStand()
  const [leaked, made] = [at.leadKey(), at.regenerated.length]
  at.fault({ on: 'put', what: 'crash after' })
  await at.reconcile({ revokeBefore: at.now() })

  await deliver(at, { revokeBefore: at.now() + 30_000 })

  assert.deepEqual([at.service.accepts(leaked), at.works(), at.regenerated.length - made], [false, true, 2])
})

test('A revoke is exact where no revoke created the key, and where it comes more than a minute after the last', async () => {
  const at = await rotatedStand()
  await outcomeOf(at, { createdAfter: at.now() })
  const rotated = at.leadKey()
  await at.wait(minutes(0.6))
  await deliver(at, { revokeBefore: at.now() })
  const revoked = at.leadKey()
  await at.wait(minutes(7))

  await deliver(at, { revokeBefore: at.now() })

  assert.deepEqual([at.service.accepts(rotated), at.service.accepts(revoked), at.works()], [false, false, true])
})

test('A forced rotation that is delivered twice is one, and keeps the key before it for its overlap', async () => {
  for (const slow of [0, 9]) {
    const at = await rotatedStand()
    const [before, made] = [at.leadKey(), at.regenerated.length]
    const forced = { createdAfter: at.now(), force: true }
    at.slowBy(minutes(slow))
    await outcomeOf(at, forced)
    await deliver(at, forced)

    const again = await outcomeOf(at, forced)

    assert.deepEqual([again.status, at.regenerated.length - made, at.service.accepts(before)], ['current', 1, true])
  }
})

test('A key that was created for a rotation and still waits is not spared by a revoke because an older revoke published the active one', async () => {
  const at = await rotatedStand()
  await deliver(at, { revokeBefore: at.now() })
  await at.wait(minutes(30))
  at.slowBy(minutes(3))
  await outcomeOf(at, { createdAfter: at.now(), force: true })
  const waiting = Object.values(at.service.keys()).find((key) => key !== at.leadKey())!
  await at.wait(minutes(0.4))
  at.slowBy(0)

  await deliver(at, { revokeBefore: at.now() })

  assert.deepEqual([at.service.accepts(waiting), Object.values(at.service.keys()).includes(waiting)], [false, false])
  assert.equal(at.works(), true)
})

for (const what of ['dropped', 'lost', 'late'] as const) {
  test(`A key whose version is ${what} without an answer is recorded, and not created again`, async () => {
    const at = await rotatedStand({ outputs: 2 })
    const desired = { createdAfter: at.now() }
    const before = at.regenerated.length
    at.fault({ on: 'put', what })

    const first = await outcomeOf(at, desired)
    await at.wait(first.again!.after)
    at.landLate()
    await deliver(at, desired)

    assert.equal(at.regenerated.length - before, 1)
    assert.ok(at.works())
    const { version, stamps } = leadIn(at)
    assert.equal(stamps?.announced, true)
    assert.ok(at.events.some(({ id }) => id === version))
  })
}

test('The record of a new key whose version got no answer, and that outlasts the lease, is read back', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'put', what: 'dropped' })
  at.fault({ on: 'patch', nth: 2, what: 'paused', meanwhile: () => at.wait(minutes(2)) })

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.equal(outcome.error?.code, 'LeaseLost')
  assert.equal(at.queued.length, 2)
})

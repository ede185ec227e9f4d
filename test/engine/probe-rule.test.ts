// A key that is to replace a live one, and a data plane that gives no answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Evidence, permit, type Waiting } from '../../src/engine/probe.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days, hours, leadIn, minutes, outcomeOf, rotatedStand, type Stand, stand } from './stand.ts'

/** Delivers a request until the key is published or `limit` has passed; answers the delays it was given, in minutes. */
async function delays(at: Stand, desired: Partial<RotationRequest>, limit: number): Promise<readonly number[]> {
  const end = at.now() + limit
  const given: number[] = []
  while (at.now() < end) {
    const { again } = await outcomeOf(at, desired)
    if (!again) break
    given.push(again.after / minutes(1))
    await at.wait(again.after)
  }
  return given
}

test('A key without a verdict waits when this target’s probes were answered before, and is tried after 1, 2, 4, … 15 minutes', async () => {
  const at = await rotatedStand()
  const key = at.leadKey()
  const desired = { createdAfter: at.now() }
  at.probesAre('dark')

  const given = await delays(at, desired, minutes(50))

  assert.deepEqual(given, [6, 1, 2, 4, 8, 15, 15])
  assert.equal(at.leadKey(), key)
  at.probesAre('answered')
  const outcome = await outcomeOf(at, desired)
  assert.deepEqual([outcome.status, outcome.proven, at.works()], ['changed', undefined, true])
  assert.deepEqual([leadIn(at).stamps?.proven, leadIn(at).stamps?.pending], [true, undefined])
})

test('A key that waited a day without a verdict is published, which its event says, and probes count as never answered from then on', async () => {
  const at = await rotatedStand()
  const since = at.now()
  at.probesAre('dark')

  await delays(at, { createdAfter: since }, days(2))

  assert.ok(at.now() >= since + days(1) && at.now() < since + days(1) + minutes(20))
  const last = at.events.at(-1)!
  assert.deepEqual([last.type, last.data.proven, leadIn(at).stamps?.proven], ['Rekey.KeyRotated', false, false])
  await at.wait(days(3))
  assert.deepEqual(await delays(at, { createdAfter: at.now() }, days(2)), [6])
})

test('The run that publishes a key without a verdict says so in its outcome', async () => {
  const at = await rotatedStand()
  const desired = { createdAfter: at.now() }
  at.probesAre('dark')
  await outcomeOf(at, desired)
  await at.wait(days(1) + minutes(1))

  const outcome = await outcomeOf(at, desired)

  assert.deepEqual([outcome.status, outcome.proven], ['changed', false])
})

test('A revoke waits ten minutes for a verdict, not a day', async () => {
  const at = await rotatedStand()
  const [leaked, since] = [at.leadKey(), at.now()]
  at.probesAre('dark')

  const given = await delays(at, { revokeBefore: since }, days(1))

  assert.deepEqual(given, [6, 1, 2, 1])
  assert.equal(at.service.accepts(leaked), false)
  assert.equal(leadIn(at).stamps?.proven, false)
})

test('Where no probe was ever answered, a second attempt decides, six minutes after the first', async () => {
  const at = stand()
  at.probesAre('dark')
  await outcomeOf(at)
  await at.wait(days(3))

  const given = await delays(at, { createdAfter: at.now() }, days(1))

  assert.deepEqual(given, [6])
  assert.deepEqual([leadIn(at).stamps?.reason, leadIn(at).stamps?.proven], ['pending', false])
})

test('A key that its service refuses is not published for a lost answer after a day', async () => {
  const at = await rotatedStand()
  const key = at.leadKey()
  at.slowBy(days(9))
  await delays(at, { createdAfter: at.now() }, days(1))
  at.probesAre('dark')

  await delays(at, {}, hours(2))

  assert.deepEqual([at.leadKey(), at.works()], [key, true])
})

test('That a key waits is announced after an hour, once, with the same id when the answer is lost', async () => {
  const at = await rotatedStand()
  const id = `${leadIn(at).version}/pending`
  const since = at.now()
  at.probesAre('dark')
  await delays(at, { createdAfter: since }, minutes(59))
  const early = at.events.some(({ type }) => type === 'Rekey.KeyPending')
  at.fault({ on: 'patch', what: 'lost' })

  await delays(at, { createdAfter: since }, hours(5))

  const sent = at.events.filter(({ type }) => type === 'Rekey.KeyPending')
  assert.equal(early, false)
  assert.deepEqual(new Set(sent.map((event) => event.id)), new Set([id]))
  assert.equal(sent[0]!.time, since + hours(1))
  assert.deepEqual([sent[0]!.data.slot, sent[0]!.data.verdict], ['A', 'unknown'])
  assert.ok(sent.length <= 2)
})

test('A topic that refuses to say that a key waits does not keep the key back', async () => {
  const at = await rotatedStand()
  const desired = { createdAfter: at.now() }
  at.slowBy(hours(2))
  for (const _ of [1, 2, 3]) at.fault({ on: 'announce', what: 'refused' })

  const given = await delays(at, desired, hours(4))

  assert.deepEqual([leadIn(at).stamps?.reason, at.works()], ['pending', true])
  assert.ok(Math.min(...given) >= 1, given.join(' '))
})

test('A promote without a verdict waits, and is done after a day', async () => {
  const at = await rotatedStand()
  const { version, stamps } = leadIn(at)
  const since = at.now()
  at.probesAre('dark')

  const given = await delays(at, { promote: { slot: 'A', from: version } }, days(2))

  assert.deepEqual(given.slice(0, 5), [1, 2, 4, 8, 15])
  assert.ok(at.now() >= since + days(1) && at.now() < since + days(1) + minutes(20))
  assert.deepEqual([leadIn(at).slot, leadIn(at).stamps?.rotatedAt], ['A', stamps?.rotatedAt])
})

test('A promote whose request is gone leaves nothing unfinished', async () => {
  const at = await rotatedStand()
  at.probesAre('dark')
  await outcomeOf(at, { promote: { slot: 'A', from: leadIn(at).version } })
  await at.wait(days(1))
  await outcomeOf(at)
  const kept = leadIn(at).stamps?.pending
  await at.wait(hours(2))

  await outcomeOf(at)

  assert.deepEqual([kept !== undefined, leadIn(at).stamps?.pending, leadIn(at).slot], [true, undefined, 'B'])
})

test('A promote that waits leaves the record of a regenerate that crashed to the check that ends it', async () => {
  const at = await rotatedStand()
  const { version } = leadIn(at)
  at.fault({ on: 'regenerate', what: 'crash before' })
  await at.reconcile({ createdAfter: at.now() })
  await at.wait(minutes(7))
  const promote = { promote: { slot: 'A', from: version } }
  at.slowBy(minutes(1))
  at.probesAre('dark')
  await outcomeOf(at, promote)
  const kept = leadIn(at).stamps?.pending
  await outcomeOf(at)

  await outcomeOf(at, promote)

  assert.equal(kept?.state, 'requested')
  assert.equal(leadIn(at).stamps?.pending?.state, 'unanswered')
})

test('Adopting a live key asks its service once, and every version carries the answer on', async () => {
  const at = stand()
  at.vault.put('lead', at.service.keys()['B']!)
  await outcomeOf(at)
  const adopted = leadIn(at).stamps?.proven
  await at.wait(days(3))
  at.service.regenerate('B')
  at.probesAre('dark')

  await at.wait(minutes(6))
  await outcomeOf(at)

  assert.deepEqual([adopted, leadIn(at).stamps?.reason, leadIn(at).stamps?.proven], [true, 'drifted', true])
})

test('Nothing waits for a verdict where no live key is in the vault, nor where outputs are brought in line', async () => {
  const dark = async (options: Parameters<typeof stand>[0]) => {
    const at = await rotatedStand(options)
    at.probesAre('dark')
    return at
  }
  const [one, both, two] = [await dark({ slots: 1 }), await dark({ both: true }), await dark({ outputs: 2 })]
  two.vault.put('connection', 'rubbish')

  const outcomes = [
    await outcomeOf(one, { createdAfter: one.now() }),
    await outcomeOf(both, { createdAfter: both.now() }),
    await outcomeOf(two),
  ]

  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['changed', 'changed', 'changed'],
  )
})

const noon = Date.UTC(2026, 5, 1, 12)
const waiting = (fields: Partial<Waiting>): Waiting => ({
  now: noon,
  proven: true,
  unanswered: undefined,
  tried: noon,
  kind: 'rotation',
  ...fields,
})

test('A key may be published at once where there is no probe, or where it is accepted', () => {
  assert.deepEqual(permit('no probe', waiting({})), { publish: true })
  assert.deepEqual(permit('accepted', waiting({ proven: false })), { publish: true, proven: true })
})

test('A refusal starts the wait for a verdict anew', () => {
  const { publish, ...rest } = permit('refused', waiting({ unanswered: noon - days(2) }))

  assert.deepEqual([publish, 'unanswered' in rest], [false, false])
})

test('One probe that is answered and one that is not decide nothing before the limit', () => {
  const unclear = (unanswered: number, evidence: Evidence = 'unclear') =>
    permit(evidence, waiting({ proven: false, unanswered })).publish

  assert.deepEqual([unclear(noon - hours(23)), unclear(noon - days(1))], [false, true])
  assert.deepEqual(
    [unclear(noon - minutes(6), 'says nothing'), unclear(noon - minutes(6) + 1, 'says nothing')],
    [true, false],
  )
})

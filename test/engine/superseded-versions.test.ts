// Versions that were replaced before they were announced, and what a version says of who asked for it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { days, leadIn, minutes, outcomeOf, rotatedStand, type Stand } from './stand.ts'

/** What was announced of versions since then; that requests failed is announced as well. */
function versionsSince(at: Stand, before: number) {
  return at.events.slice(before).filter(({ type }) => type !== 'Rekey.RotationFailed')
}

/** Rotates while the topic refuses every event; answers the versions of the lead that came of it. */
async function rotateUnannounced(at: Stand, times: number): Promise<readonly string[]> {
  const versions: string[] = []
  for (let time = 0; time < times; time++) {
    at.fault({ on: 'announce', what: 'refused' })
    await at.wait(days(3))
    await outcomeOf(at, { createdAfter: at.now() })
    versions.push(leadIn(at).version)
  }
  return versions
}

test('After a topic refused several rotations, each version is announced, oldest first, with what was current with it', async () => {
  const at = await rotatedStand({ outputs: 2 })
  const before = at.events.length
  const versions = await rotateUnannounced(at, 3)

  await outcomeOf(at)
  await outcomeOf(at)

  const sent = versionsSince(at, before)
  assert.deepEqual(
    sent.map(({ id }) => id),
    versions,
  )
  for (const { id, data } of sent) {
    const [first, second] = data.secrets.map(
      ({ name, version }) => at.vault.versions(name).find((each) => each.version === version)!,
    )
    assert.equal(first!.version, id)
    assert.equal(second!.value?.reveal(), `connection=${first!.value?.reveal()}`)
    assert.equal(data.slot, first!.slot)
  }
  assert.deepEqual([leadIn(at).stamps?.announced, leadIn(at).stamps?.behind], [true, undefined])
})

test('A crash between announcing and writing it down announces the same versions again, with the same ids', async () => {
  const at = await rotatedStand()
  const before = at.events.length
  const versions = await rotateUnannounced(at, 2)
  at.fault({ on: 'patch', what: 'crash before' })
  await at.reconcile()
  await at.wait(minutes(2))

  await outcomeOf(at)

  assert.deepEqual(
    versionsSince(at, before).map(({ id }) => id),
    [...versions, ...versions],
  )
})

test('Beyond 25 versions the oldest are never announced, and the log says so', async () => {
  const at = await rotatedStand()
  const before = at.events.length
  const versions = await rotateUnannounced(at, 30)

  await outcomeOf(at)

  assert.deepEqual(
    versionsSince(at, before).map(({ id }) => id),
    versions.slice(-26),
  )
  assert.ok(at.log.some((line) => line.startsWith('error older versions were replaced before they were announced')))
})

test('A repaired output that is replaced before it was announced is announced', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.vault.put('connection', 'rubbish')
  at.fault({ on: 'announce', what: 'refused' })
  await outcomeOf(at)
  const repaired = at.vault.current('connection')!.version
  await at.wait(days(3))
  at.fault({ on: 'announce', what: 'refused' })
  await outcomeOf(at, { createdAfter: at.now() })

  await outcomeOf(at)

  assert.deepEqual(
    at.events.slice(-2).map(({ id }) => id),
    [repaired, leadIn(at).version],
  )
  assert.equal(at.vault.current('connection')!.stamps?.behind, undefined)
})

test('A version that another client wrote over before it was announced is announced', async () => {
  const at = await rotatedStand()
  const [version] = await rotateUnannounced(at, 1)
  at.vault.put('lead', at.leadKey())

  await outcomeOf(at)

  assert.deepEqual(
    at.events.slice(-2).map(({ id }) => id),
    [version, leadIn(at).version],
  )
})

test('A note is kept beside the version that its request made, and in its event also after a crash, and not carried on', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'announce', what: 'crash before' })
  await at.reconcile({ createdAfter: at.now(), note: 'seen in a log', actor: 'anna' })
  const noted = leadIn(at)
  await at.wait(minutes(2))
  await outcomeOf(at)
  const event = at.events.at(-1)!
  await at.wait(days(3))

  await outcomeOf(at, { createdAfter: at.now() })

  assert.deepEqual([noted.note, noted.stamps?.actor], ['seen in a log', 'anna'])
  assert.deepEqual([event.id, event.data.note, event.data.actor], [noted.version, 'seen in a log', 'anna'])
  assert.deepEqual([leadIn(at).note, at.events.at(-1)!.data.note], [undefined, undefined])
})

test('Who finishes an interrupted publish does not put a note of its own beside it', async () => {
  const at = await rotatedStand({ outputs: 2 })
  at.fault({ on: 'put', nth: 2, what: 'crash before' })
  await at.reconcile({ createdAfter: at.now(), note: 'first' })
  await at.wait(minutes(7))

  await outcomeOf(at, { promote: { slot: 'A', from: 'none' }, note: 'second' })

  assert.deepEqual([leadIn(at).stamps?.reason, leadIn(at).note], ['requested', 'first'])
})

// What follows from what was read: which slot is active, how old the keys are, whose the secrets are.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Secret } from '../../src/engine/secret.ts'
import { isOurs, liveSlots } from '../../src/engine/state.ts'
import { days, hours, minutes } from '../../src/engine/target.ts'
import {
  at,
  disabled,
  formerly,
  holding,
  holds,
  marked,
  missing,
  now,
  published,
  ringOfOne,
  stamped,
  standbyMade,
  stored,
  untagged,
  written,
} from './states.ts'

const unknown = Number.NEGATIVE_INFINITY
/** How long after a key was created every listing must show it. */
const listed = minutes(6)

describe('The active slot', () => {
  test('The active slot is the one whose key the lead holds, whatever CredentialId says', () => {
    assert.equal(at().active, 'A')
    assert.equal(at(holding('lead', 'b')).active, 'B')
    assert.equal(at(marked('lead', { slot: 'B' })).active, 'A')
  })

  test('There is no active slot for a dead key, nor without a lead', () => {
    assert.equal(at(holding('lead', 'x')).active, undefined)
    assert.equal(at(missing('lead')).active, undefined)
  })

  test('The active slot of a disabled lead of ours is the one that CredentialId names, spelled as in the ring', () => {
    assert.equal(at(disabled('lead'), marked('lead', { slot: 'b' })).active, 'B')
    assert.equal(at(disabled('lead'), marked('lead', { slot: 'key3' })).active, undefined)
  })

  test('The active slot of a disabled lead that is not ours is unknown', () => {
    assert.equal(at(disabled('lead'), stamped('lead', { target: 'other' })).active, undefined)
  })

  test('The standby is the other slot; on a ring of one it is the active slot itself', () => {
    assert.equal(at().standby, 'B')
    assert.equal(at(holding('lead', 'b')).standby, 'A')
    assert.equal(at(ringOfOne).standby, 'A')
  })
})

describe('The ages', () => {
  test('The ages are those of the lead’s tag, and the cooling counts from the newest of all the outputs', () => {
    const { ages } = at(written('connection', now - hours(1)))

    assert.deepEqual(
      [ages.activeListedAt, ages.standbyCreatedAfter, ages.coolAt],
      [published + listed, standbyMade, now - hours(1) + days(2) + minutes(1)],
    )
  })

  test('Ages that are not known are older than anything', () => {
    const { ages } = at(stamped('lead', { createdAfter: undefined, standbyCreatedAfter: undefined }))

    assert.deepEqual([ages.activeListedAt, ages.standbyCreatedAfter], [unknown, unknown])
  })

  test('The standby’s age is that of the key that waits, if it is the younger one', () => {
    const younger = at(stamped('lead', { pending: { state: 'created', since: now - hours(1) } }))
    const older = at(stamped('lead', { pending: { state: 'created', since: standbyMade - days(1) } }))
    const onlyAsked = at(stamped('lead', { pending: { state: 'requested', since: now } }))

    assert.equal(younger.ages.standbyCreatedAfter, now - hours(1))
    assert.equal(older.ages.standbyCreatedAfter, standbyMade)
    assert.equal(onlyAsked.ages.standbyCreatedAfter, standbyMade)
  })

  test('The ages of a lead that another client overwrote are those of the version before', () => {
    const overwritten = at(untagged('lead'), holding('lead', 'x'), formerly('lead', 'b'))

    assert.deepEqual(
      [overwritten.ages.activeListedAt, overwritten.ages.standbyCreatedAfter, overwritten.hint],
      [published + listed, standbyMade, 'B'],
    )
  })

  test('The ages of a lead of ours are its own, whatever came before', () => {
    const former = formerly('lead', 'b', { stamps: { target: 'target', createdAfter: 1 } })

    assert.equal(at(former).ages.activeListedAt, published + listed)
  })

  test('The ages of another target’s lead are not known', () => {
    assert.deepEqual(at(stamped('lead', { target: 'other' })).stamps, {})
  })
})

describe('A secret', () => {
  const { target, ring } = at()
  const [lead] = target.secrets

  test('A secret is ours when its tag names the target', () => {
    assert.equal(isOurs(target, stored('lead', 'x')), true)
    assert.equal(isOurs(target, { ...stored('lead', 'a'), stamps: { target: 'Target' } }), false)
    assert.equal(isOurs(target, undefined), false)
  })

  test('A secret holds the slots whose value it has: none when it cannot be read', () => {
    const { value: _, ...unreadable } = stored('lead', 'a')

    assert.deepEqual(liveSlots(ring, lead, stored('lead', 'b')), ['B'])
    assert.deepEqual(liveSlots(ring, lead, { ...stored('lead', 'a'), value: Secret.of('connection=a') }), [])
    assert.deepEqual(liveSlots(ring, lead, unreadable), [])
    assert.deepEqual(liveSlots(ring, lead, undefined), [])
  })

  test('A secret that is the same for all slots holds all of them', () => {
    const state = at(holds('lead', 'workspace'))

    assert.deepEqual(liveSlots(ring, state.target.secrets[1]!, state.stored['workspace']), ['A', 'B'])
  })
})

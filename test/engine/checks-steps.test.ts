// What each check decides to do, with which ages, and until when it waits.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Decided } from '../../src/engine/ages.ts'
import type { Step } from '../../src/engine/checks.ts'
import { dueAt } from '../../src/engine/due.ts'
import { days, hours, minutes } from '../../src/engine/target.ts'
import {
  at,
  type Change,
  decided,
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
  swapEndsOther,
  targetHas,
  untagged,
  wants,
  written,
} from './states.ts'

const ripe = minutes(6)
const overlapEnds = published + days(2) + minutes(1)
const due = (moment: number): Change =>
  stamped('lead', { rotatedAt: published + moment - dueAt(at().target, stored('lead', 'a')) })
const promotes = wants({ promote: { slot: 'B', from: 'lead-1' } })

/** The publish that is decided: its slots and how it picks one. */
function publish(...changes: readonly Change[]): Extract<Step, { do: 'publish' }> {
  const { step } = decided(...changes)
  assert.equal(step?.do, 'publish')
  return step as Extract<Step, { do: 'publish' }>
}

function stampsOf(...changes: readonly Change[]): Decided {
  const { step } = decided(...changes)
  assert.ok(step && 'stamps' in step)
  return step.stamps
}

describe('Adopting', () => {
  const nothing: readonly Change[] = [missing('lead'), missing('connection')]

  test('Adopting starts with the first slot, of unknown age, and takes the first key that works', () => {
    assert.deepEqual(publish(...nothing), {
      do: 'publish',
      slots: ['A', 'B'],
      pick: 'first accepted',
      stamps: { rotatedAt: now },
    })
  })

  test('Adopting starts with the slot that the target names, then the one that is asked for', () => {
    const asked = wants({ promote: { slot: 'B', from: 'v' } })

    assert.deepEqual(publish(...nothing, targetHas({ initialSlot: 'B' })).slots, ['B', 'A'])
    assert.deepEqual(publish(...nothing, targetHas({ initialSlot: 'b' })).slots, ['B', 'A'])
    assert.deepEqual(publish(...nothing, asked).slots, ['B', 'A'])
    assert.deepEqual(publish(...nothing, asked, targetHas({ initialSlot: 'A' })).slots, ['A', 'B'])
  })

  test('Adopting a lead that is gone starts with the slot that the other outputs hold, and keeps what is known of it', () => {
    const gone = missing('lead')
    const elsewhere = [gone, holding('connection', 'b'), stamped('connection', { retire: true })]

    const { slots, stamps } = publish(...elsewhere, targetHas({ initialSlot: 'A' }))

    assert.deepEqual(slots, ['B', 'A'])
    assert.deepEqual(stamps, {
      rotatedAt: published,
      createdAfter: published,
      standbyCreatedAfter: standbyMade,
      retire: true,
    })
  })

  test('Adopting a lead that is gone follows the slot that is written beside an output that is the same for all slots', () => {
    const { slots, stamps } = publish(holds('lead', 'workspace'), missing('lead'), marked('workspace', { slot: 'B' }))

    assert.deepEqual([slots[0], stamps.createdAfter], ['B', published])
  })

  test('Adopting a lead beside an output that is not ours starts with that output’s slot, unless the target names another', () => {
    const beside = [missing('lead'), untagged('connection'), holding('connection', 'b')]

    assert.deepEqual(publish(...beside).slots, ['B', 'A'])
    assert.deepEqual(publish(...beside).stamps, { rotatedAt: now })
    assert.deepEqual(publish(...beside, targetHas({ initialSlot: 'A' })).slots, ['A', 'B'])
  })

  test('Adopting never starts with a slot that the ring does not have', () => {
    const asked = wants({ promote: { slot: 'C', from: 'v' } })

    assert.deepEqual(publish(...nothing, asked).slots, ['A', 'B'])
    assert.deepEqual(publish(...nothing, targetHas({ initialSlot: 'C' })).slots, ['A', 'B'])
  })

  test('Adopting a live key writes tags only, as old as its version, and leaves the key’s age unknown', () => {
    const found = decided(untagged('lead'), untagged('connection'))

    assert.deepEqual(found, {
      reason: 'adopted',
      step: { do: 'describe', slot: 'A', stamps: { rotatedAt: published } },
    })
  })

  test('Adopting a live key of ours that an operator wrote back keeps what is known of both keys', () => {
    const overwritten = [holds('lead'), untagged('lead'), written('lead', now)]

    const same = stampsOf(...overwritten, formerly('lead', 'a'))
    const other = stampsOf(...overwritten, holding('lead', 'b'), formerly('lead', 'a'))
    const dead = stampsOf(...overwritten, formerly('lead', 'x'))

    assert.deepEqual(same, { rotatedAt: published, createdAfter: published, standbyCreatedAfter: standbyMade })
    assert.deepEqual(other, { rotatedAt: now, createdAfter: standbyMade, standbyCreatedAfter: published })
    assert.deepEqual(dead, { rotatedAt: now })
  })

  test('Adopting another output takes the ages from the lead', () => {
    const stamps = stampsOf(untagged('connection'), stamped('lead', { retire: true }))

    assert.deepEqual(stamps, {
      rotatedAt: published,
      createdAfter: published,
      standbyCreatedAfter: standbyMade,
      retire: true,
    })
  })
})

describe('Repairing', () => {
  const dead = [holds('lead'), holding('lead', 'x')]

  test('A repair tries the slot of CredentialId first, in upper or lower case, then the other', () => {
    assert.deepEqual(publish(...dead, marked('lead', { slot: 'B' })).slots, ['B', 'A'])
    assert.deepEqual(publish(...dead, marked('lead', { slot: 'b' })).slots, ['B', 'A'])
    assert.deepEqual(publish(...dead, marked('lead', { slot: 'key3' })).slots, ['A', 'B'])
    assert.deepEqual(publish(...dead, marked('lead', { slot: 'key3' }), targetHas({ initialSlot: 'B' })).slots, [
      'B',
      'A',
    ])
    assert.equal(publish(...dead).pick, 'first accepted')
  })

  test('A repair tries the slot of the version that another client overwrote', () => {
    const overwritten = [...dead, untagged('lead')]

    assert.deepEqual(publish(...overwritten, formerly('lead', 'b')).slots, ['B', 'A'])
    assert.deepEqual(publish(...overwritten, formerly('lead', 'y', { slot: 'B' })).slots, ['B', 'A'])
  })

  test('A repair keeps the due date and the ages', () => {
    assert.deepEqual(stampsOf(...dead), {
      rotatedAt: published,
      createdAfter: published,
      standbyCreatedAfter: standbyMade,
    })
  })

  test('After an unanswered regenerate, a repaired key is as old as the request', () => {
    const asked = now - hours(1)

    const stamps = stampsOf(...dead, stamped('lead', { pending: { state: 'requested', since: asked } }))

    assert.deepEqual(stamps, { rotatedAt: asked, createdAfter: asked, standbyCreatedAfter: standbyMade })
  })

  test('A repair keeps the age of a key that waits, as the standby’s', () => {
    const made = now - hours(1)

    const stamps = stampsOf(...dead, stamped('lead', { pending: { state: 'created', since: made } }))

    assert.equal(stamps.standbyCreatedAfter, made)
  })

  test('Of a target that is not verified nothing is published, whatever its tags say, until its value is a live key', () => {
    const unverified = targetHas({ unverified: true })

    for (const state of [dead, [missing('lead')], [...dead, untagged('lead')]]) {
      assert.equal(decided(...state, unverified).reason, 'unmanaged')
    }
    assert.equal(decided(untagged('lead'), unverified).reason, 'adopted')
  })

  test('A repaired secret that has no earlier version of ours is as old as now', () => {
    const found = decided(...dead, untagged('lead'), targetHas({ adopt: true }))

    assert.equal(found.reason, 'adopted')
    assert.deepEqual(stampsOf(...dead, untagged('lead'), targetHas({ adopt: true })), { rotatedAt: now })
  })

  test('An output that differs is brought in line with the lead, whichever key works', () => {
    const step = publish(missing('connection'))

    assert.deepEqual([step.slots, step.pick], [['A'], 'given'])
    assert.deepEqual(step.stamps, { rotatedAt: published, createdAfter: published, standbyCreatedAfter: standbyMade })
  })

  test('An interrupted publish is finished with that output’s ages, reason and actor', () => {
    const begun = { rotatedAt: now - 5, createdAfter: now - 5, standbyCreatedAfter: published, retire: true } as const
    const ahead = [holding('connection', 'b'), written('connection', now - 5)]
    const whose = { reason: 'requested', actor: 'anna' } as const

    const step = publish(...ahead, stamped('connection', { ...begun, ...whose }))

    assert.deepEqual([step.slots, step.pick], [['B'], 'given'])
    assert.deepEqual(step.stamps, { ...begun, ...whose })
  })

  test('An output without our tag was not a publish of ours: it follows the lead', () => {
    const { slots } = publish(holding('connection', 'b'), untagged('connection'))

    assert.deepEqual(slots, ['A'])
  })
})

describe('Rotating', () => {
  test('A rotation regenerates the standby slot and publishes it', () => {
    const step = { do: 'regenerate', slot: 'B', after: 'publish', what: 'slot' }

    assert.deepEqual(decided(wants({ createdAfter: now })), { reason: 'requested', step })
    assert.deepEqual(decided(due(now)), { reason: 'due', step })
  })

  test('A rotation goes round the ring: B is followed by A', () => {
    const { step } = decided(holds('lead'), holding('lead', 'b'), wants({ createdAfter: now }))

    assert.deepEqual(step, { do: 'regenerate', slot: 'A', after: 'publish', what: 'slot' })
  })

  test('A rotation on a ring of one regenerates the one slot, however young it is', () => {
    const { step } = decided(ringOfOne, written('lead', now), wants({ createdAfter: now }))

    assert.deepEqual(step, { do: 'regenerate', slot: 'A', after: 'publish', what: 'slot' })
  })

  test('A rotation publishes a standby key that is new enough instead of creating another', () => {
    const standby = now - ripe
    const young = stamped('lead', { standbyCreatedAfter: standby })

    const step = publish(young, wants({ createdAfter: standby }))

    assert.deepEqual([step.slots, step.pick], [['B'], 'only accepted'])
    assert.deepEqual(step.stamps, {
      rotatedAt: standby,
      createdAfter: standby,
      standbyCreatedAfter: published,
      retire: true,
    })
  })

  for (const [what, desired, fields] of [
    ['a request', { createdAfter: now }, {}],
    ['a due date', {}, { rotatedAt: now - days(90) }],
  ] as const) {
    test(`For ${what}, a rotation cools until the overlap and the clock bound are over`, () => {
      const writtenAt = (moment: number) => decided(written('lead', moment), stamped('lead', fields), wants(desired))

      assert.deepEqual(writtenAt(now - days(2) - minutes(1) + 1), { reason: 'cooling', until: now + 1 })
      assert.equal(writtenAt(now - days(2) - minutes(1)).step?.do, 'regenerate')
    })
  }

  test('Cooling counts from the youngest output', () => {
    const found = decided(written('connection', now - days(1)), wants({ createdAfter: now }))

    assert.deepEqual(found, { reason: 'cooling', until: now + days(1) + minutes(1) })
  })

  test('Force skips the cooling of a request, not of a due date', () => {
    const hot = written('lead', now - 1)

    assert.equal(decided(hot, wants({ createdAfter: now, force: true })).step?.do, 'regenerate')
    assert.equal(decided(hot, due(now), wants({ force: true })).reason, 'cooling')
  })

  test('A swap that ends the other key for a moment waits for the overlap, and one that ends no key does not', () => {
    const swapped = [written('lead', now - days(1)), wants({ swap: { slot: 'B', from: 'lead-1' } })]

    assert.deepEqual(decided(...swapped, swapEndsOther), { reason: 'cooling', until: now + days(1) + minutes(1) })
    assert.deepEqual(decided(...swapped).step, { do: 'swap', to: 'B' })
    assert.deepEqual(decided(...swapped, written('lead', now - days(3)), swapEndsOther).step, { do: 'swap', to: 'B' })
  })

  test('The overlap that cooling waits for is the target’s', () => {
    const found = decided(targetHas({ overlap: days(20) }), wants({ createdAfter: now }))

    assert.deepEqual(found, { reason: 'cooling', until: overlapEnds + days(18) })
  })
})

describe('Moving to the standby slot', () => {
  const moves: readonly (readonly [what: string, change: Change])[] = [
    ['a promote', promotes],
    ['a request that the standby satisfies', wants({ createdAfter: published + 1 })],
    ['a revoke that the standby survives', wants({ revokeBefore: published + 1 })],
  ]
  for (const [what, change] of moves) {
    test(`For ${what}, a publish waits until every listing must show that slot’s key`, () => {
      const early = decided(stamped('lead', { standbyCreatedAfter: now - ripe + 1 }), change)
      const late = decided(stamped('lead', { standbyCreatedAfter: now - ripe }), change)

      assert.deepEqual([early.step, early.until], [undefined, now + 1])
      assert.equal(late.step?.do, 'publish')
    })
  }

  test('A new key that the service did not accept waits until every listing must show it', () => {
    const made = (moment: number) => decided(stamped('lead', { pending: { state: 'created', since: moment } }))

    assert.deepEqual(made(now - ripe + 1), { reason: 'pending', until: now + 1 })
    assert.deepEqual(made(now - ripe).step, {
      do: 'publish',
      slots: ['B'],
      pick: 'only accepted',
      stamps: { rotatedAt: now - ripe, createdAfter: now - ripe, standbyCreatedAfter: published, retire: true },
    })
  })

  test('A promote never moves the due date, and exchanges the ages', () => {
    assert.deepEqual(stampsOf(promotes), {
      rotatedAt: published,
      createdAfter: standbyMade,
      standbyCreatedAfter: published,
      retire: true,
    })
  })

  test('A promote to a key of unknown age leaves it unknown', () => {
    const stamps = stampsOf(promotes, stamped('lead', { standbyCreatedAfter: undefined }))

    assert.deepEqual(stamps, { rotatedAt: published, standbyCreatedAfter: published, retire: true })
  })

  test('A swap asks the service for it', () => {
    const { step } = decided(wants({ swap: { slot: 'B', from: 'lead-1' } }))

    assert.deepEqual(step, { do: 'swap', to: 'B' })
  })
})

describe('Revoking and retiring', () => {
  const before = (moment: number) => wants({ revokeBefore: moment })

  test('A revoke regenerates the standby first, whose key no consumer uses, then the slot that was active', () => {
    const first = decided(before(now)).step
    const second = decided(before(published)).step

    assert.deepEqual(first, { do: 'regenerate', slot: 'B', after: 'publish', what: 'slot' })
    assert.deepEqual(second, { do: 'regenerate', slot: 'B', after: 'retire', what: 'slot' })
  })

  test('A revoke of every slot at once regenerates the ring, where there is more than one slot', () => {
    const atOnce = wants({ revokeBefore: now, atOnce: true })

    assert.deepEqual(decided(atOnce).step, { do: 'regenerate', slot: 'B', after: 'publish', what: 'ring' })
    assert.deepEqual(decided(ringOfOne, atOnce).step, { do: 'regenerate', slot: 'A', after: 'publish', what: 'slot' })
  })

  test('A revoke does not wait for overlaps or windows', () => {
    const closed = { days: [2], start: 0, length: hours(1), timeZone: 'UTC' }

    assert.equal(decided(written('lead', now), targetHas({ window: closed }), before(now)).step?.do, 'regenerate')
  })

  test('A revoke of a disabled lead takes the slot that CredentialId names for the active one', () => {
    const { step } = decided(holds('lead'), disabled('lead'), marked('lead', { slot: 'b' }), before(now))

    assert.deepEqual(step, { do: 'regenerate', slot: 'A', after: 'publish', what: 'slot' })
  })

  test('A revoke of a disabled lead that names no slot of the ring starts from a key that works', () => {
    const found = decided(disabled('lead'), disabled('connection'), marked('lead', { slot: 'key3' }), before(now))

    assert.equal(found.reason, 'drifted')
    assert.equal(found.step?.do, 'publish')
  })

  test('Retiring a key publishes nothing', () => {
    const found = decided(stamped('lead', { retire: true }), targetHas({ retireAfter: days(3) }))

    assert.deepEqual(found, {
      reason: 'retiring',
      step: { do: 'regenerate', slot: 'B', after: 'retire', what: 'slot' },
    })
  })
})

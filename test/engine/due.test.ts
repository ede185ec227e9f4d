// When a target is due, when it is overdue, and when it is its turn to be resynced.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dueAt, fraction, isOverdue, soonestDue, turn } from '../../src/engine/due.ts'
import type { StoredSecret } from '../../src/engine/stored-secret.ts'
import { days, hours, minutes, type Target } from '../../src/engine/target.ts'

const start = Date.parse('2026-03-02T10:00:00Z')

function target(fields: Partial<Target> = {}): Target {
  return {
    name: 'vision',
    provider: 'cognitive-services',
    resource: {},
    address: '/subscriptions/s/accounts/vision',
    lease: 'vision',
    vault: 'https://kv-prod.vault.azure.net',
    secrets: [{ name: 'vision-key', output: 'key' }],
    slots: ['Key1', 'Key2'],
    rotateEvery: days(60),
    validFor: days(90),
    overlap: days(2),
    probe: 'on',
    adopt: false,
    enabled: true,
    ...fields,
  }
}

function stored(fields: Partial<StoredSecret> = {}): StoredSecret {
  return {
    name: 'vision-key',
    version: 'v1',
    enabled: true,
    created: start,
    expiresOn: start + days(90),
    stamps: { target: 'vision', rotatedAt: start, createdAfter: start },
    otherTags: {},
    ...fields,
  }
}

const adopted = { target: 'vision', rotatedAt: start }
const names = Array.from({ length: 10_000 }, (_, n) => `target-${n}`)

/** How many values fall into each of `parts` equal parts of [from, to). */
function histogram(values: readonly number[], from: number, to: number, parts: number): readonly number[] {
  const counts = Array.from({ length: parts }, () => 0)
  for (const value of values) counts[Math.floor(((value - from) / (to - from)) * parts)]! += 1
  return counts
}

test('A rotated key is due at most a period, and at least 95 % of it, after it was created', () => {
  const due = names.map((name) => dueAt(target({ name }), stored()))

  assert.ok(Math.max(...due) <= start + days(60))
  assert.ok(Math.min(...due) >= start + days(57))
})

test('A fleet rotated in one go falls due evenly', () => {
  const due = names.map((name) => dueAt(target({ name }), stored()))

  for (const count of histogram(due, start + days(57), start + days(60) + 1, 20)) {
    assert.ok(count > 400 && count < 600, `${count} of 10,000 in a twentieth`)
  }
})

test('A fleet adopted in one go falls due evenly over its first period, none before its overlap is over', () => {
  const first = start + days(2) + minutes(6)

  const due = names.map((name) => dueAt(target({ name }), stored({ stamps: adopted })))

  assert.ok(Math.min(...due) >= first)
  for (const count of histogram(due, first, start + days(60) + 1, 20)) {
    assert.ok(count > 400 && count < 600, `${count} of 10,000 in a twentieth`)
  }
})

test('A due date does not change from one resync to the next', () => {
  assert.equal(dueAt(target(), stored()), dueAt(target(), stored({ created: start + days(5), version: 'v2' })))
})

test('A period hardly longer than the overlap is not cut into the overlap', () => {
  const short = { rotateEvery: hours(49), overlap: hours(48) }

  const due = names.map((name) => dueAt(target({ name, ...short }), stored()))

  assert.ok(Math.min(...due) >= start + hours(48) + minutes(6))
})

test('A ring of one has no overlap to wait for', () => {
  const sensor = { slots: ['key'] as const, rotateEvery: days(4), overlap: days(2) }

  const due = names.map((name) => dueAt(target({ name, ...sensor }), stored({ stamps: adopted })))

  assert.ok(Math.min(...due) < start + hours(1))
})

test('Without our tag a version counts from its creation', () => {
  const { stamps: _, ...unmanaged } = stored({ created: start + days(7) })

  const due = dueAt(target(), unmanaged)

  assert.ok(due > start + days(7) && due <= start + days(67))
})

test('The planned expiry never brings a due date forward', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 400 }), fc.integer({ min: 1, max: 400 }), (every, slack) => {
      const planned = target({ rotateEvery: days(every), validFor: days(every + slack) })
      const { expiresOn: _, ...unlimited } = stored()

      const due = dueAt(planned, stored({ expiresOn: start + days(every + slack) }))

      assert.equal(due, dueAt(planned, unlimited))
    }),
  )
})

test('A version given a shorter life is due a month before it ends, or what validity leaves', () => {
  const soon = stored({ expiresOn: start + days(40) })

  assert.equal(dueAt(target(), soon), start + days(10))
  assert.equal(dueAt(target({ validFor: days(61) }), soon), start + days(39))
  assert.equal(dueAt(target({ validFor: days(400) }), soon), start + days(10))
})

test('The secret that expires first says when all of them are due; one that is not there says nothing', () => {
  const soon = stored({ name: 'vision-copy', expiresOn: start + days(40) })

  assert.equal(soonestDue(target(), stored(), [stored(), soon, undefined]), start + days(10))
  assert.equal(soonestDue(target(), stored(), [stored(), undefined]), dueAt(target(), stored()))
})

test('A target is overdue by its soonest secret too, and not before the newest of them has cooled', () => {
  const soon = stored({ name: 'vision-copy', expiresOn: start + days(40) })
  const late = start + days(12)

  assert.equal(isOverdue(target(), stored(), [soon], late), true)
  assert.equal(isOverdue(target(), stored(), [{ ...soon, created: start + days(10) }], late), false)
})

test('A target is overdue only when more than a day has passed since it could be rotated', () => {
  const due = dueAt(target(), stored())

  assert.equal(isOverdue(target(), stored(), [], due + days(1)), false)
  assert.equal(isOverdue(target(), stored(), [], due + days(1) + 1), true)
})

test('A target that waits for its window is not overdue', () => {
  const sundays = { days: [0], start: 120, length: hours(4), timeZone: 'UTC' }
  const windowed = target({ window: sundays, rotateEvery: days(7), validFor: days(30), overlap: hours(1) })
  const monday = stored({ stamps: { target: 'vision', rotatedAt: start, createdAfter: start } })
  const opening = Date.parse('2026-03-15T02:00:00Z')
  assert.ok(dueAt(windowed, monday) > Date.parse('2026-03-08T06:00:00Z'))

  assert.equal(isOverdue(windowed, monday, [], opening + days(1)), false)
  assert.equal(isOverdue(windowed, monday, [], opening + days(1) + 1), true)
})

test('A target that cools down after a promote is not overdue', () => {
  const due = dueAt(target(), stored())
  const promoted = stored({ created: due - hours(1) })

  assert.equal(isOverdue(target(), promoted, [], due + days(2)), false)
  assert.equal(isOverdue(target(), promoted, [], due + days(4)), true)
})

test('Every name has exactly one turn a day, however the day is cut into ticks', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: days(1) - 1 }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 4e12 }), cuts, (name, from, middle) => {
      const ticks = [...new Set([0, ...middle, days(1)])].toSorted((a, b) => a - b).map((at) => from + at)

      const turns = ticks.slice(1).filter((to, n) => turn(name, ticks[n]!, to))

      assert.equal(turns.length, 1)
    }),
  )
})

test('After a day without a tick it is every name’s turn, and in no time at all no name’s', () => {
  assert.ok(names.every((name) => turn(name, start, start + days(1))))
  assert.ok(names.every((name) => turn(name, start, start + days(9))))
  assert.ok(!names.some((name) => turn(name, start, start)))
})

test('A turn may come more often than once a day', () => {
  const turns = (hour: number) =>
    names.filter((name) => turn(name, start + hours(hour), start + hours(hour + 1), hours(1)))

  assert.equal(turns(0).length, names.length)
  assert.ok(!names.some((name) => turn(name, start, start, hours(1))))
})

test('Each tick of a day resyncs an even slice of a numbered fleet', () => {
  for (let tick = 0; tick < 24; tick++) {
    const slice = names.filter((name) => turn(name, start + hours(tick), start + hours(tick + 1)))
    assert.ok(slice.length > 320 && slice.length < 520, `${slice.length} of 10,000 in tick ${tick}`)
  }
})

test('A name keeps its place in the day for ever', () => {
  const places = ['vision', 'chat', 'größe', ''].map((name) => fraction(name).toFixed(6))

  assert.deepEqual(places, ['0.119655', '0.434648', '0.803249', '0.668922'])
})

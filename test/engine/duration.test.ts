// How durations are read and written.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../src/engine/duration.ts'
import { days, hours, minutes, seconds } from '../../src/engine/target.ts'

test('Weeks, days, hours, minutes and seconds are read', () => {
  const read = ['P60D', 'P2W', 'PT12H', 'P1DT6H', 'PT30M', 'PT90S', 'P1DT2H3M4S', 'PT0S'].map(parseDuration)

  const rest = days(1) + hours(2) + minutes(3) + seconds(4)
  assert.deepEqual(read, [days(60), days(14), hours(12), hours(30), minutes(30), seconds(90), rest, 0])
})

test('Years and months are refused, with days as the remedy', () => {
  for (const text of ['P1Y', 'P3M', 'P1Y2M3D', 'P1M1D']) {
    const problem = parseDuration(text)

    assert.ok(typeof problem !== 'number')
    assert.match(problem.message, /years and months/)
    assert.match(problem.remedy, /P30D/)
  }
})

test('Text that is not a duration is refused, with examples as the remedy', () => {
  for (const text of [
    '',
    'P',
    'PT',
    'P1DT',
    '60',
    'P60',
    '60D',
    'p60d',
    'P1.5D',
    'P-1D',
    'P1W2D',
    'PT1D',
    ' P1D',
    'P1D\n',
  ]) {
    const problem = parseDuration(text)

    assert.ok(typeof problem !== 'number', JSON.stringify(text))
    assert.match(problem.remedy, /P60D/)
  }
})

test('A duration longer than a century is refused', () => {
  assert.ok(typeof parseDuration('P36525D') === 'number')
  assert.ok(typeof parseDuration('P36526D') !== 'number')
  assert.ok(typeof parseDuration(`P${'9'.repeat(400)}D`) !== 'number')
})

test('Every whole second is written so that it reads the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000_000 }), (n) => {
      assert.equal(parseDuration(formatDuration(seconds(n))), seconds(n))
    }),
  )
})

test('Durations are written in their shortest form', () => {
  assert.deepEqual([days(60), hours(30), minutes(90), seconds(59.6), 0].map(formatDuration), [
    'P60D',
    'P1DT6H',
    'PT1H30M',
    'PT1M',
    'PT0S',
  ])
})

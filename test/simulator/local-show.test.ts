// What `npm start` prints for people.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { table } from '../../simulator/local/print-demo.ts'

test('the table of npm start shows for each target what happened and why, where its key moved, and when it is next due', () => {
  const printed = table([
    {
      name: 'vision',
      provider: 'cognitive-services',
      status: 'changed',
      reason: 'due',
      slot: 'Key2',
      slotBefore: 'Key1',
      secrets: [{ name: 'vision-key', version: '0123456789abcdef0123456789abcdef' }],
      eventId: '0123456789abcdef0123456789abcdef',
      dueAt: '2027-01-19T19:36:16.417Z',
    },
    { name: 'idle', provider: 'log-analytics', status: 'current', slot: 'primary', secrets: [] },
    { name: 'broken', provider: 'defender-sensor', status: 'failed', detail: 'PermissionDenied', secrets: [] },
  ])

  assert.deepEqual(printed.split('\n'), [
    'TARGET  SERVICE             WHAT HAPPENED             SLOT         VERSION   NEXT DUE',
    'vision  cognitive-services  rotated: it was due       Key1 → Key2  01234567  2027-01-19',
    'idle    log-analytics       left alone: not due yet   primary',
    'broken  defender-sensor     failed: PermissionDenied',
  ])
})

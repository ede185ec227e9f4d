// What is announced: the same thing under the same id each time, and never a key.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as events from '../../src/engine/events.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { Reason, StoredSecret } from '../../src/engine/stored-secret.ts'
import { days, hours } from '../../src/engine/target.ts'
import { at, now, published, stored } from './states.ts'

const { target } = at()
const lead = stored('lead', 'not-to-be-seen')
const connection = stored('connection', 'not-to-be-seen')
const current = [lead, connection]
const facts = { overlap: days(2), now } as const

/** The event of a lead that was published for this reason. */
function publishedFor(reason: Reason, overlap: number | 'none' = days(2)) {
  const announced: StoredSecret = { ...lead, stamps: { ...lead.stamps!, reason } }
  return events.published(target, announced, announced, current, { overlap, now })
}

describe('A published version', () => {
  test('A published version is announced with everything that consumers and auditors need', () => {
    const event = events.published(target, lead, { ...lead, note: 'quarterly' }, current, facts)

    assert.deepEqual(event, {
      id: 'lead-1',
      type: 'Rekey.KeyRotated',
      subject: '/targets/target',
      time: now,
      data: {
        target: 'target',
        provider: 'stand',
        resource: '/stand/target',
        vault: 'https://stand.vault.azure.net',
        slot: 'A',
        secrets: [
          { name: 'lead', version: 'lead-1' },
          { name: 'connection', version: 'connection-1' },
        ],
        rotatedAt: '2026-05-22T12:00:00.000Z',
        expiresAt: '2026-08-20T12:00:00.000Z',
        reason: 'due',
        actor: 'schedule',
        note: 'quarterly',
        overlap: 'P2D',
      },
    })
  })

  for (const reason of ['requested', 'due', 'revoked', 'pending'] as const) {
    test(`A version published for the reason "${reason}" is announced as a new key, with its overlap`, () => {
      assert.equal(publishedFor(reason).type, 'Rekey.KeyRotated')
      assert.equal(publishedFor(reason).data.overlap, 'P2D')
      assert.equal(publishedFor(reason, 'none').data.overlap, 'none')
    })
  }

  for (const reason of ['adopted', 'drifted', 'promoted', 'interrupted'] as const) {
    test(`A version published for the reason "${reason}" is announced as a key that the service held already, without an overlap`, () => {
      assert.equal(publishedFor(reason).type, 'Rekey.KeyPublished')
      assert.equal('overlap' in publishedFor(reason).data, false)
    })
  }

  test('An output that was repaired later is announced under its own version, with its own reason', () => {
    const repaired = { ...connection, stamps: { ...connection.stamps!, reason: 'drifted', actor: 'resync' } } as const

    const event = events.published(target, lead, repaired, [lead, repaired], facts)

    assert.deepEqual([event.id, event.type], ['connection-1', 'Rekey.KeyPublished'])
    assert.deepEqual([event.data.reason, event.data.actor], ['drifted', 'resync'])
  })

  test('The event of a published version leaves out what is not known', () => {
    const { stamps: _, slot: __, expiresOn: ___, ...bare } = lead

    const { data } = events.published(target, bare, bare, [bare], facts)

    assert.deepEqual(Object.keys(data), ['target', 'provider', 'resource', 'vault', 'secrets'])
  })
})

describe('Other events', () => {
  const why = { slot: 'B', reason: 'retiring', actor: 'schedule', now } as const

  test('A retired key is announced under the version that stays, and names the slot that was emptied', () => {
    const { id, type, data } = events.retired(target, lead, current, why)

    assert.deepEqual([id, type, data.slot, data.reason], ['lead-1/retired', 'Rekey.KeyRetired', 'B', 'retiring'])
  })

  test('A failure is announced under its request, with its code and step, and without its message', () => {
    const error = new RekeyError('PermissionDenied', { message: 'long story', step: 'regenerate' })

    const event = events.failed(target, { id: 'r1', actor: 'anna', note: 'now' }, error, now)

    assert.deepEqual([event.id, event.type], ['r1/failed', 'Rekey.RotationFailed'])
    assert.deepEqual([event.data.code, event.data.step], ['PermissionDenied', 'regenerate'])
    assert.deepEqual([event.data.actor, event.data.note, event.data.secrets], ['anna', 'now', []])
    assert.equal(JSON.stringify(event).includes('long story'), false)
  })

  test('An overdue key is announced once a day', () => {
    const overdueAt = (moment: number) => events.overdue(target, lead, published + days(60), moment)

    assert.equal(overdueAt(now).id, 'lead-1/overdue/2026-06-01')
    assert.equal(overdueAt(now + hours(11)).id, overdueAt(now).id)
    assert.equal(overdueAt(now + hours(12)).id, 'lead-1/overdue/2026-06-02')
    assert.equal(overdueAt(now).data.dueAt, '2026-07-21T12:00:00.000Z')
  })

  test('No event holds a key', () => {
    const error = new RekeyError('Internal', { message: 'x' })
    const all = [
      events.published(target, lead, connection, current, facts),
      events.retired(target, lead, current, why),
      events.failed(target, { id: 'r', actor: 'a' }, error, now),
      events.overdue(target, lead, now, now),
    ]

    assert.doesNotMatch(JSON.stringify(all), /not-to-be-seen|\[secret\]/)
  })
})

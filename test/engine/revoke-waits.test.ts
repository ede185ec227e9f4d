// A revoke that an operator has to help with is tried again until it is carried out or expires.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/engine/outcome.ts'
import { days, minutes, rotatedStand, type Stand, seconds, stand } from './stand.ts'

async function outcomeOf(at: Stand, ...args: Parameters<Stand['reconcile']>): Promise<Outcome> {
  const outcome = await at.reconcile(...args)
  assert.notEqual(outcome, 'crashed')
  return outcome as Outcome
}

const failures = (at: Stand) =>
  at.events.filter(({ type }) => type === 'Rekey.RotationFailed').map(({ id, data }) => [id, data.code])
const tenMinutesFrom = (at: Stand) => ({ after: minutes(10), at: at.now() + minutes(10), with: 'request' })

test('A revoke that lacks a permission comes back in ten minutes, and is carried out when the permission is there', async () => {
  const at = await rotatedStand()
  const [leaked, revoke] = [at.leadKey(), { revokeBefore: at.now() }]
  at.fault({ on: 'regenerate', what: 'refused' })

  const refused = await outcomeOf(at, revoke)
  const again = tenMinutesFrom(at)
  await at.wait(minutes(10))
  await outcomeOf(at, revoke)

  assert.deepEqual([refused.status, refused.error?.code, refused.again], ['failed', 'PermissionDenied', again])
  assert.equal(Object.values(at.service.keys()).includes(leaked), false)
  assert.equal(at.works(), true)
})

test('A revoke of an unmanaged secret comes back in ten minutes as well; what else is asked of it does not', async () => {
  const at = stand({ outputs: 2 })
  at.vault.put('connection', 'another client’s')

  const revoke = await outcomeOf(at, { revokeBefore: at.now() })
  const rotate = await outcomeOf(at, { createdAfter: at.now() })

  assert.deepEqual([revoke.error?.code, revoke.again], ['Unmanaged', tenMinutesFrom(at)])
  assert.deepEqual([rotate.error?.code, rotate.again], ['Unmanaged', undefined])
})

test('A rotation that lacks a permission is over: only a revoke is tried again', async () => {
  const at = await rotatedStand()
  at.fault({ on: 'regenerate', what: 'refused' })

  const outcome = await outcomeOf(at, { createdAfter: at.now() })

  assert.equal(outcome.again, undefined)
})

test('A revoke that the service cannot do is over, and so is one that has expired: the expiry is announced by an id of its own', async () => {
  const at = await rotatedStand({ lacks: ['regenerateAll'] })
  const cannot = await outcomeOf(at, { revokeBefore: at.now(), atOnce: true })
  const before = at.now()
  await at.wait(days(9))

  const expired = await outcomeOf(at, {
    id: 'r1',
    revokeBefore: before,
    expiresAt: at.now() - seconds(1),
    failedWith: 'PermissionDenied',
  })

  assert.deepEqual([cannot.error?.code, cannot.again], ['NotSupported', undefined])
  assert.deepEqual([expired.error?.code, expired.again], ['RequestExpired', undefined])
  assert.deepEqual(failures(at).at(-1), ['r1/failed/RequestExpired', 'RequestExpired'])
})

test('A revoke that fails in the same way with every try announces it once; another failure is announced too', async () => {
  const at = await rotatedStand()
  const revoke = { id: 'r1', revokeBefore: at.now() }
  at.fault({ on: 'regenerate', what: 'refused' })
  await at.reconcile(revoke)
  at.fault({ on: 'regenerate', what: 'refused' })

  await at.reconcile({ ...revoke, failedWith: 'PermissionDenied' })
  at.fault({ on: 'regenerate', what: 'refused' })
  await at.reconcile({ ...revoke, failedWith: 'ResourceLocked' })

  assert.deepEqual(failures(at), [
    ['r1/failed', 'PermissionDenied'],
    ['r1/failed/PermissionDenied', 'PermissionDenied'],
  ])
})

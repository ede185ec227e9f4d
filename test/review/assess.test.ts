// Room: tests of the doorways. What the tags of a target say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assess } from '../../src/functions/shared/assess.ts'
import { leadOf } from '../../src/rotation/target.ts'
import { rotatedStand } from '../rotation/stand.ts'

test('an expired target is looked at as expired, whatever is unfinished besides: its window must not count', async () => {
  const at = await rotatedStand()
  const lead = at.vault.current(leadOf(at.target).name)!
  const stamps = { ...lead.stamps!, pending: { asked: at.now() } }

  const { state } = assess(at.target, { ...lead, stamps, expiresOn: at.now() }, at.now())

  assert.equal(state, 'expired')
})

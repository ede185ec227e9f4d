// How far a verdict of the data plane is believed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Credential } from '../../src/engine/key-ring.ts'
import { leaseSession } from '../../src/engine/lease-session.ts'
import type { Clock, KeyHolder, Ports, Vault, Verdict } from '../../src/engine/ports.ts'
import type { Evidence } from '../../src/engine/probe.ts'
import { probe, refusesVault, tryKey } from '../../src/engine/probe.ts'
import type { Context, State } from '../../src/engine/state.ts'
import { minutes } from '../../src/engine/target.ts'
import { oldMetadata } from '../memory-lease.ts'
import { at, holding, holds, marked, now, ringOfOne, targetHas, untagged, written } from './states.ts'

const clock: Clock = { now: () => now, monotonic: () => 0, after: () => () => undefined }
const lease = { metadata: oldMetadata(), renew: async () => true, release: async () => undefined }

/** The context of a reconcile whose data plane answers this, by key; `asked` is what it was shown. */
function contextOf(state: State, answers: Record<string, Verdict> | 'no probe') {
  const asked: string[] = []
  const holder: KeyHolder = {
    read: async () => state.ring,
    regenerate: async () => state.ring,
  }
  if (answers !== 'no probe') {
    holder.probe = async (slot, credential: Credential) => {
      const key = Object.values(credential)[0]!.reveal().replace('connection=', '')
      asked.push(`${slot}:${key}`)
      return answers[key] ?? 'unknown'
    }
  }
  const session = leaseSession({ clock, lease, sentAt: 0 })
  const context: Context = { ports: { clock } as Ports, session, holder, vault: {} as Vault }
  return { context, asked }
}

describe('What the data plane says of a key that is to replace the active one', () => {
  const table: readonly (readonly [verdict: Verdict, control: Verdict, evidence: Evidence, why: string])[] = [
    ['accepted', 'accepted', 'accepted', 'both work'],
    ['accepted', 'refused', 'accepted', 'it works, and the old one does not'],
    ['accepted', 'unknown', 'accepted', 'it works'],
    ['refused', 'accepted', 'refused', 'it alone is refused'],
    ['refused', 'refused', 'says nothing', 'the request itself is refused'],
    ['refused', 'unknown', 'unclear', 'one answer was lost'],
    ['unknown', 'accepted', 'unclear', 'one answer was lost'],
    ['unknown', 'refused', 'says nothing', 'the request itself is refused'],
    ['unknown', 'unknown', 'says nothing', 'neither is answered, as behind a private endpoint'],
  ]
  for (const [b, a, evidence, why] of table) {
    test(`With the new key ${b} and the active one ${a} the evidence is "${evidence}": ${why}`, async () => {
      const { context } = contextOf(at(), { a, b })

      const tried = await tryKey(at(), context, 'B', 'A')

      assert.deepEqual(tried, { evidence, accepted: [a, b].includes('accepted') })
    })
  }

  test('An accepted key needs no control', async () => {
    const { context, asked } = contextOf(at(), { b: 'accepted' })

    await tryKey(at(), context, 'B', 'A')

    assert.deepEqual(asked, ['B:b'])
  })

  test('There is no evidence where there is no probe, or the target turns it off', async () => {
    for (const [state, answers] of [
      [at(), 'no probe'],
      [at(targetHas({ probe: 'off' })), { b: 'refused' }],
    ] as const) {
      assert.deepEqual(await tryKey(state, contextOf(state, answers).context, 'B', 'A'), {
        evidence: 'no probe',
        accepted: false,
      })
    }
  })
})

test('A target whose probe is off is not probed', async () => {
  const state = at(targetHas({ probe: 'off' }))
  const { context, asked } = contextOf(state, { b: 'refused' })

  assert.equal(await probe(state, context, 'B'), 'unknown')
  assert.deepEqual(asked, [])
})

describe('A value of ours that the listing does not show', () => {
  const unseen = [holds('lead'), holding('lead', 'x'), written('lead', now - minutes(1))]

  test('A value of ours that the listing does not show is dead when the service refuses it and accepts a key of the ring by the same request', async () => {
    const state = at(...unseen)

    const both = await refusesVault(state, contextOf(state, { x: 'refused', a: 'accepted' }).context)
    const other = await refusesVault(state, contextOf(state, { x: 'refused', a: 'refused', b: 'accepted' }).context)

    assert.deepEqual([both, other], [true, true])
  })

  test('A value of ours is not dead because a service refuses everything, or does not answer', async () => {
    const state = at(...unseen)
    const answers: Record<string, Verdict>[] = [
      { x: 'refused', a: 'refused', b: 'refused' },
      { x: 'unknown', a: 'accepted' },
      { x: 'accepted', a: 'accepted' },
    ]

    for (const each of answers) {
      assert.equal(await refusesVault(state, contextOf(state, each).context), false)
    }
  })

  test('A value of ours is shown under the slot that CredentialId names, in upper or lower case', async () => {
    const state = at(...unseen, marked('lead', { slot: 'b' }))
    const { context, asked } = contextOf(state, {})

    await refusesVault(state, context)

    assert.deepEqual(asked, ['B:x'])
  })

  test('A value is not shown to the service on a ring of one, without a probe, or where it is not ours', async () => {
    for (const [state, answers] of [
      [at(...unseen, ringOfOne), { x: 'refused', a: 'accepted' }],
      [at(...unseen, targetHas({ probe: 'off' })), { x: 'refused', a: 'accepted' }],
      [at(...unseen, untagged('lead')), { x: 'refused', a: 'accepted' }],
      [at(...unseen), 'no probe'],
    ] as const) {
      const { context, asked } = contextOf(state, answers)

      assert.equal(await refusesVault(state, context), false)
      assert.deepEqual(asked, [])
    }
  })
})

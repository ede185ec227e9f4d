// How far a verdict of the data plane is believed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Credential } from '../../src/engine/key-ring.ts'
import { leaseSession } from '../../src/engine/lease-session.ts'
import type { Clock, KeyHolder, Ports, Vault, Verdict } from '../../src/engine/ports.ts'
import type { Evidence } from '../../src/engine/proof.ts'
import type { Situation } from '../../src/engine/situation.ts'
import { minutes } from '../../src/engine/target.ts'
import { probe, refusesTheVault, tryKey } from '../../src/engine/verify.ts'
import type { Work } from '../../src/engine/work.ts'
import { oldMetadata } from '../memory-lease.ts'
import { at, holding, holds, marked, now, ringOfOne, targetHas, untagged, written } from './situations.ts'

const clock: Clock = { now: () => now, monotonic: () => 0, after: () => () => undefined }
const lease = { metadata: oldMetadata(), renew: async () => true, release: async () => undefined }

/** A reconcile under way whose data plane answers this, by key; `asked` is what it was shown. */
function workOn(situation: Situation, answers: Record<string, Verdict> | 'no probe') {
  const asked: string[] = []
  const holder: KeyHolder = {
    read: async () => situation.ring,
    regenerate: async () => situation.ring,
  }
  if (answers !== 'no probe') {
    holder.probe = async (slot, credential: Credential) => {
      const key = Object.values(credential)[0]!.reveal().replace('connection=', '')
      asked.push(`${slot}:${key}`)
      return answers[key] ?? 'unknown'
    }
  }
  const session = leaseSession({ clock, lease, sentAt: 0 })
  const { target, request, ring, stored, earlier } = situation
  const ports = { clock } as Ports
  const known = { ring, stored: { ...stored }, earlier: { ...earlier }, changed: false, wroteLead: false }
  const work: Work = { target, request, ports, session, holder, vault: {} as Vault, ...known }
  return { work, asked }
}

describe('what the data plane says of a key that is to replace the active one', () => {
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
    test(`with the new key ${b} and the active one ${a} it is "${evidence}": ${why}`, async () => {
      const { work } = workOn(at(), { a, b })

      const tried = await tryKey(work, 'B', 'A')

      assert.deepEqual(tried, { evidence, accepted: [a, b].includes('accepted') })
    })
  }

  test('an accepted key needs no control', async () => {
    const { work, asked } = workOn(at(), { b: 'accepted' })

    await tryKey(work, 'B', 'A')

    assert.deepEqual(asked, ['B:b'])
  })

  test('it says nothing where there is no probe, or none is wanted', async () => {
    for (const work of [
      workOn(at(), 'no probe').work,
      workOn(at(targetHas({ probe: 'off' })), { b: 'refused' }).work,
    ]) {
      assert.deepEqual(await tryKey(work, 'B', 'A'), { evidence: 'no probe', accepted: false })
    }
  })
})

test('a target that is not to be probed is not', async () => {
  const { work, asked } = workOn(at(targetHas({ probe: 'off' })), { b: 'refused' })

  assert.equal(await probe(work, 'B'), 'unknown')
  assert.deepEqual(asked, [])
})

describe('a value of ours that the listing does not show', () => {
  const unseen = [holds('lead'), holding('lead', 'x'), written('lead', now - minutes(1))]

  test('is dead when the service refuses it and accepts a key of the ring by the same request', async () => {
    const situation = at(...unseen)

    const both = await refusesTheVault(workOn(situation, { x: 'refused', a: 'accepted' }).work, situation)
    const other = await refusesTheVault(
      workOn(situation, { x: 'refused', a: 'refused', b: 'accepted' }).work,
      situation,
    )

    assert.deepEqual([both, other], ['refused', 'refused'])
  })

  test('is not said to be dead by a service that refuses everything, or does not answer', async () => {
    const situation = at(...unseen)
    const answers: Record<string, Verdict>[] = [
      { x: 'refused', a: 'refused', b: 'refused' },
      { x: 'unknown', a: 'accepted' },
      { x: 'accepted', a: 'accepted' },
    ]

    for (const each of answers) {
      assert.equal(await refusesTheVault(workOn(situation, each).work, situation), 'not refused')
    }
  })

  test('is shown under the slot that CredentialId names, in whatever letters', async () => {
    const situation = at(...unseen, marked('lead', { slot: 'b' }))
    const { work, asked } = workOn(situation, {})

    await refusesTheVault(work, situation)

    assert.deepEqual(asked, ['B:x'])
  })

  test('is not asked for on a ring of one, without a probe, or where it is not ours', async () => {
    for (const [situation, answers] of [
      [at(...unseen, ringOfOne), { x: 'refused', a: 'accepted' }],
      [at(...unseen, targetHas({ probe: 'off' })), { x: 'refused', a: 'accepted' }],
      [at(...unseen, untagged('lead')), { x: 'refused', a: 'accepted' }],
      [at(...unseen), 'no probe'],
    ] as const) {
      const { work, asked } = workOn(situation, answers)

      assert.equal(await refusesTheVault(work, situation), 'not refused')
      assert.deepEqual(asked, [])
    }
  })
})

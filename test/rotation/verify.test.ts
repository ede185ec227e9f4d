// Room: tests of the core. How far a verdict of the data plane is believed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gripOn } from '../../src/rotation/grip.ts'
import type { Credential } from '../../src/rotation/key-ring.ts'
import type { Clock, KeyHolder, Ports, Vault, Verdict } from '../../src/rotation/ports.ts'
import type { Situation } from '../../src/rotation/situation.ts'
import { minutes } from '../../src/rotation/target.ts'
import { mayPublish, probe, refusesTheVault } from '../../src/rotation/verify.ts'
import type { Work } from '../../src/rotation/work.ts'
import { oldMetadata } from '../lease-metadata.ts'
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
  const grip = gripOn({ clock, lease, sentAt: 0 })
  const { target, request, ring, stored, earlier } = situation
  const ports = { clock } as Ports
  const known = { ring, stored: { ...stored }, earlier: { ...earlier }, changed: false, wroteLead: false }
  const work: Work = { target, request, ports, grip, holder, vault: {} as Vault, ...known }
  return { work, asked }
}

describe('a new key may replace the active one', () => {
  const table: readonly (readonly [verdict: Verdict, control: Verdict, may: 'yes' | 'not yet', why: string])[] = [
    ['accepted', 'accepted', 'yes', 'both work'],
    ['accepted', 'refused', 'yes', 'it works, and the old one does not'],
    ['accepted', 'unknown', 'yes', 'it works'],
    ['refused', 'accepted', 'not yet', 'it alone is refused'],
    ['refused', 'refused', 'yes', 'the request itself is refused: that says nothing of the key'],
    ['refused', 'unknown', 'not yet', 'one answer was lost'],
    ['unknown', 'accepted', 'not yet', 'one answer was lost'],
    ['unknown', 'refused', 'yes', 'the request itself is refused'],
    ['unknown', 'unknown', 'yes', 'nobody can tell, as behind a private endpoint'],
  ]
  for (const [b, a, may, why] of table) {
    test(`new ${b}, active ${a}: ${may}, for ${why}`, async () => {
      const { work } = workOn(at(), { a, b })

      assert.equal(await mayPublish(work, 'B', 'A'), may)
    })
  }

  test('without asking for the active one, when there is none', async () => {
    const { work, asked } = workOn(at(), { b: 'refused' })

    assert.equal(await mayPublish(work, 'B', undefined), 'yes')
    assert.deepEqual(asked, ['B:b'])
  })

  test('where there is no probe', async () => {
    assert.equal(await mayPublish(workOn(at(), 'no probe').work, 'B', 'A'), 'yes')
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

// Many histories in every climate, and the proof that each rule is needed: without it, some break.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reason } from '../../src/engine/stored-secret.ts'
import { type ClimateName, climates } from './world/climates.ts'
import { live } from './world/world.ts'

const seeds = Number(process.env['REKEY_SEEDS'] ?? 25)

describe(`The promises hold in every history (seeds 1 to ${seeds}; REKEY_SEEDS for more)`, () => {
  const met = new Set<Reason>()
  for (const name of Object.keys(climates) as ClimateName[]) {
    test(`The promises hold in the climate "${name}"`, async () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const history = await live(seed, climates[name])
        for (const reason of history.reasons) met.add(reason as Reason)

        const broken = history.violations.filter(({ excused }) => excused === undefined)

        assert.deepEqual(broken, [], `node test/engine/world/run.ts "${name}" seed ${seed}`)
      }
    })
  }

  test('The histories of all climates meet every reason that a reconcile can have', () => {
    const expected: Reason[] = [
      'adopted',
      'unmanaged',
      'paused',
      'settling',
      'interrupted',
      'drifted',
      'revoked',
      'pending',
      'unannounced',
      'promoted',
      'swapped',
      'requested',
      'cooling',
      'due',
      'retiring',
    ]

    assert.deepEqual(
      expected.filter((reason) => !met.has(reason)),
      [],
    )
  })
})

describe('Each rule is needed: without it, some history breaks', () => {
  const rules: readonly (readonly [rule: string, climate: ClimateName])[] = [
    ['settling', 'crashes'],
    ['interrupted', 'no probe'],
    ['probe', 'calm'],
    ['drifted', 'operators'],
    ['pending', 'calm'],
    ['unannounced', 'calm'],
    ['drifted: outputs', 'operators'],
  ]
  for (const [rule, climate] of rules) {
    test(`Without the rule ${rule} a history in the climate "${climate}" breaks a promise`, async () => {
      const most = 400
      let seed = 0
      let broken = 0

      while (broken === 0 && seed < most) {
        const { violations } = await live(++seed, climates[climate], new Set([rule]))
        broken = violations.filter(({ excused }) => excused === undefined).length
      }

      assert.ok(broken > 0, `${most} seeds hold without it`)
    })
  }
})

// Many histories in every climate, and the proof that each rule is needed: without it, some break.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reason } from '../../src/engine/stored-secret.ts'
import { ownThread } from '../own-thread.ts'
import { type ClimateName, climates } from './world/climates.ts'

const histories = ownThread<typeof import('./world/seeds.ts')>(new URL('./world/seeds.ts', import.meta.url))
const seeds = Number(process.env['REKEY_SEEDS'] ?? 25)

describe(`The promises hold in every history (seeds 1 to ${seeds}; REKEY_SEEDS for more)`, () => {
  const met = new Set<string>()
  for (const name of Object.keys(climates) as ClimateName[]) {
    test(`The promises hold in the climate "${name}"`, async () => {
      const { broken, seed, reasons } = await histories.run('untilBroken', name, seeds)
      for (const reason of reasons) met.add(reason)

      assert.deepEqual(broken, [], `node test/engine/world/run.ts "${name}" seed ${seed}`)
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

      const { broken } = await histories.run('untilBroken', climate, most, [rule])

      assert.ok(broken.length > 0, `${most} seeds hold without it`)
    })
  }
})

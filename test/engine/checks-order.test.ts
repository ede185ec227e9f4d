// The order of the checks is the specification: where two hit, the earlier one wins.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checks } from '../../src/engine/checks.ts'
import { dueAt } from '../../src/engine/due.ts'
import { days, hours } from '../../src/engine/target.ts'
import {
  at,
  type Change,
  found as decisionOn,
  disabled,
  hits,
  holding,
  holds,
  missing,
  now,
  published,
  stamped,
  stored,
  targetHas,
  untagged,
  wants,
  written,
} from './states.ts'

const names = [
  'adopted',
  'unmanaged',
  'paused',
  'settling',
  'interrupted',
  'drifted',
  'adopted: tags',
  'drifted: outputs',
  'interrupted: created',
  'revoked',
  'pending',
  'revoked: standby',
  'unannounced',
  'promoted',
  'swapped',
  'requested',
  'due',
  'retiring',
  'interrupted: record',
]

const due: Change = stamped('lead', { rotatedAt: published + now - dueAt(at().target, stored('lead', 'a')) })
const unmanagedConnection: readonly Change[] = [untagged('connection'), holding('connection', 'x')]
const ahead: readonly Change[] = [
  holding('connection', 'b'),
  written('connection', published),
  stamped('connection', { standbyCreatedAfter: published }),
]
const behind: readonly Change[] = [holding('connection', 'b'), written('connection', published - 1)]
const revokesBoth = wants({ revokeBefore: now })
const revokesStandby = wants({ revokeBefore: published })
const unannounced = stamped('lead', { announced: false })
const promotes = wants({ promote: { slot: 'B', from: 'lead-1' } })
const swaps = wants({ swap: { slot: 'B', from: 'lead-1' } })
const wantsNewKey = wants({ createdAfter: now })

/** States to which both checks apply, and the first of the two decides. */
const both: readonly (readonly [earlier: string, later: string, changes: readonly Change[]])[] = [
  ['unmanaged', 'paused', [...unmanagedConnection, disabled('lead')]],
  ['paused', 'settling', [disabled('connection'), holding('lead', 'x'), written('lead', now)]],
  ['settling', 'interrupted', [...ahead, stamped('lead', { pending: { state: 'requested', since: now } })]],
  ['interrupted', 'drifted', [...ahead, holding('lead', 'x')]],
  ['drifted', 'revoked', [holds('lead'), holding('lead', 'x'), revokesBoth]],
  ['interrupted', 'adopted: tags', [...ahead, untagged('lead')]],
  ['adopted: tags', 'drifted: outputs', [untagged('lead'), ...behind]],
  ['drifted: outputs', 'revoked', [...behind, revokesBoth]],
  ['revoked', 'pending', [stamped('lead', { pending: { state: 'created', since: now - hours(1) } }), revokesBoth]],
  [
    'pending',
    'revoked: standby',
    [
      stamped('lead', { pending: { state: 'created', since: now - hours(1) }, createdAfter: now }),
      wants({ revokeBefore: now }),
    ],
  ],
  ['revoked: standby', 'unannounced', [revokesStandby, unannounced]],
  ['unannounced', 'promoted', [unannounced, promotes]],
  ['promoted', 'swapped', [promotes, swaps]],
  ['swapped', 'requested', [swaps, wantsNewKey]],
  ['requested', 'due', [wantsNewKey, due]],
  ['due', 'retiring', [due, stamped('lead', { retire: true }), targetHas({ retireAfter: days(3) })]],
]

describe('The order of the checks', () => {
  test('The checks are in the order that docs/concepts.md describes', () => {
    assert.deepEqual(
      checks.map(([name]) => name),
      names,
    )
  })

  for (const [earlier, later, changes] of both) {
    test(`Where "${earlier}" and "${later}" apply, "${earlier}" decides`, () => {
      const state = at(...changes)

      const found = hits(state)

      assert.equal(found[0], earlier)
      assert.ok(found.includes(later), `only ${found.join(', ')}`)
      assert.equal(decisionOn(state)?.reason, earlier.replace(/:.*/, ''))
    })
  }

  test('Checks that exclude each other never apply to one state', () => {
    const absent = hits(at(missing('lead'), missing('connection')))
    const absentAndUnmanaged = hits(at(missing('lead'), ...unmanagedConnection))
    const absentAndPaused = hits(at(missing('lead'), disabled('connection')))
    const dead = hits(at(holds('lead'), holding('lead', 'x')))
    const live = hits(at(untagged('lead')))

    assert.equal(absent.includes('unmanaged'), false)
    assert.equal(absentAndUnmanaged.includes('adopted'), false)
    assert.equal(absentAndPaused.includes('adopted'), false)
    assert.equal(dead.includes('adopted: tags'), false)
    assert.equal(live.includes('drifted'), false)
  })

  test('A check that is left out gives way to the next one', () => {
    const state = at(unannounced, promotes)

    assert.equal(decisionOn(state, new Set(['unannounced']))?.reason, 'promoted')
  })
})

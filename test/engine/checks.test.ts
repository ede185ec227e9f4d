// The checks as a table: from a sentence to the check that decides, for each side of each boundary.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decide } from '../../src/engine/checks.ts'
import { dueAt } from '../../src/engine/due.ts'
import { days, hours, minutes, type Window } from '../../src/engine/target.ts'
import {
  at,
  type Change,
  decided,
  disabled,
  formerly,
  hits,
  holding,
  holds,
  marked,
  missing,
  now,
  published,
  refusedByService,
  ringOfOne,
  stamped,
  standbyMade,
  stored,
  targetHas,
  untagged,
  wants,
  written,
} from './states.ts'

/** A sentence, what it changes of a healthy target, and the check that hits first. */
type Row = readonly [sentence: string, changes: readonly Change[], first: string]

/** `about`: what the rows are about, so that each title can be read alone. */
function table(about: string, rows: readonly Row[]): void {
  for (const [sentence, changes, first] of rows) {
    const decides = first === 'nothing' ? 'nothing is to be done' : `"${first}" decides`
    test(`${about}, ${sentence}: ${decides}`, () => {
      const found = hits(at(...changes))

      assert.equal(found[0] ?? 'nothing', first)
    })
  }
}

const window = (opens: number, length: number): Window => ({
  days: [1],
  start: opens,
  length: minutes(length),
  timeZone: 'UTC',
})
const noon = 12 * 60
const due = dueAt(at().target, stored('lead', 'a'))
/** The target is due at this moment. */
const dueSince = (moment: number): Change => stamped('lead', { rotatedAt: published + moment - due })
const settle = minutes(5)
const clockBound = minutes(1)
const leadOnly = holds('lead')
const promoteB = { promote: { slot: 'B', from: 'lead-1' } }
const swapToB = { swap: { slot: 'B', from: 'lead-1' } }

describe('Nothing is to be done', () => {
  table('Nothing is to be done', [
    ['a key in its period', [], 'nothing'],
    ['a key in its period, on a ring of one', [ringOfOne], 'nothing'],
    ['a target whose other output is the same for all slots', [holds('lead', 'workspace')], 'nothing'],
    ['a lead whose CredentialId names another slot: the value decides', [marked('lead', { slot: 'B' })], 'nothing'],
  ])
})

describe('Adopted', () => {
  table('Adopted', [
    ['a target without a lead', [missing('lead'), missing('connection')], 'adopted'],
    ['a target without a lead whose other output holds a live key', [missing('lead')], 'adopted'],
    [
      'a target without a lead whose other output is unmanaged',
      [missing('lead'), untagged('connection'), holding('connection', 'x')],
      'unmanaged',
    ],
    [
      'a target without a lead whose other output is disabled by hand',
      [missing('lead'), disabled('connection')],
      'paused',
    ],
    [
      'a target without a lead whose other output is disabled by hand, under a revoke',
      [missing('lead'), disabled('connection'), wants({ revokeBefore: now })],
      'adopted',
    ],
    ['the lead of a ring of one', [ringOfOne, missing('lead'), missing('connection')], 'adopted'],
  ])
})

describe('Unmanaged', () => {
  const rubbish = [leadOnly, untagged('lead'), holding('lead', 'x')]
  const elsewhere = { address: '/stand/other' }
  table('Unmanaged', [
    ['a lead that is not ours and holds no live key', rubbish, 'unmanaged'],
    [
      'another output that is not ours and holds no live key',
      [untagged('connection'), holding('connection', 'x')],
      'unmanaged',
    ],
    [
      'a lead that another target has marked',
      [stamped('lead', { target: 'other' }), holding('lead', 'x')],
      'unmanaged',
    ],
    [
      'a lead that is not ours and is disabled: its value cannot be read',
      [untagged('lead'), disabled('lead')],
      'unmanaged',
    ],
    [
      'a lead of ours with the ProviderAddress of another resource',
      [marked('lead', elsewhere), holding('lead', 'x')],
      'unmanaged',
    ],
    [
      'an output of ours with the ProviderAddress of another resource',
      [marked('connection', elsewhere), holding('connection', 'x')],
      'unmanaged',
    ],
    [
      'not: the same ProviderAddress in other letters',
      [leadOnly, marked('lead', { address: '/STAND/Target' }), holding('lead', 'x')],
      'drifted',
    ],
    ['not: a live key with the address from before the resource was moved', [marked('lead', elsewhere)], 'nothing'],
    ['not: a live key that is not marked', [untagged('lead'), untagged('connection')], 'adopted: tags'],
    ['not: rubbish that another client wrote over our secret', [...rubbish, formerly('lead', 'a')], 'drifted'],
    ['not: rubbish that the target says to adopt', [...rubbish, targetHas({ adopt: true })], 'drifted'],
    [
      'not: another resource’s secret that the target says to adopt',
      [leadOnly, marked('lead', elsewhere), holding('lead', 'x'), targetHas({ adopt: true })],
      'drifted',
    ],
  ])
})

describe('Paused', () => {
  const before = (moment: number) => wants({ revokeBefore: moment })
  table('Paused', [
    ['a lead that was disabled by hand', [disabled('lead')], 'paused'],
    ['another output that was disabled by hand', [disabled('connection')], 'paused'],
    [
      'a disabled secret whatever is asked',
      [disabled('lead'), wants({ createdAfter: now, force: true, ...promoteB, ...swapToB })],
      'paused',
    ],
    ['a disabled secret of a target that is due', [disabled('lead'), dueSince(now - days(1))], 'paused'],
    ['not: a revoke that both keys are too old for', [disabled('lead'), before(now)], 'revoked'],
    ['not: a revoke that only the standby is too old for', [disabled('lead'), before(published)], 'revoked: standby'],
    ['a revoke that both keys are young enough for', [disabled('lead'), before(standbyMade)], 'paused'],
    ['a revoke that the one key is young enough for', [ringOfOne, disabled('lead'), before(published)], 'paused'],
    ['not: a revoke that the one key is too old for', [ringOfOne, disabled('lead'), before(published + 1)], 'revoked'],
  ])

  test('A paused target is blocked until an operator acts', () => {
    const state = at(disabled('lead'))

    assert.deepEqual(decide(state), { kind: 'blocked', reason: 'paused' })
  })
})

describe('Settling', () => {
  const young = now - settle + 1
  const grown = now - settle
  const asked = (moment: number) => stamped('lead', { pending: { state: 'requested', since: moment } })
  table('Settling', [
    [
      'a lead younger than S that the listing does not show',
      [holding('lead', 'x'), written('lead', young)],
      'settling',
    ],
    ['not: one as old as S', [leadOnly, holding('lead', 'x'), written('lead', grown)], 'drifted'],
    [
      'another output younger than S that the listing does not show',
      [holding('connection', 'x'), written('connection', young)],
      'settling',
    ],
    [
      'not: one as old as S, which differs',
      [holding('connection', 'x'), written('connection', grown)],
      'drifted: outputs',
    ],
    ['on a ring of one', [ringOfOne, holding('lead', 'x'), written('lead', young)], 'settling'],
    [
      'not: a value that another client wrote, under our secret',
      [leadOnly, untagged('lead'), formerly('lead', 'a'), holding('lead', 'x'), written('lead', young)],
      'drifted',
    ],
    [
      'not: a value that the service refuses',
      [leadOnly, holding('lead', 'x'), written('lead', young), refusedByService],
      'drifted',
    ],
    ['a regenerate asked for less than S and the clock bound ago', [asked(now - settle - clockBound + 1)], 'settling'],
    [
      'not: one asked for that long ago, of which the record goes',
      [asked(now - settle - clockBound)],
      'interrupted: record',
    ],
    [
      'a regenerate asked for, though the service was seen to refuse something',
      [asked(now), refusedByService],
      'settling',
    ],
    [
      'not: one asked for when no key of the vault is live, for that answers whether it happened',
      [leadOnly, asked(now), holding('lead', 'x')],
      'drifted',
    ],
  ])

  test('A value that the listing does not show is waited for until the youngest is as old as S', () => {
    const both = [holding('lead', 'x'), holding('connection', 'x')]
    const found = decided(...both, written('lead', now - minutes(2)), written('connection', now - minutes(4)))

    assert.deepEqual(found, { reason: 'settling', until: now + minutes(3) })
  })

  test('A regenerate that was requested is waited for until every listing must show it', () => {
    const found = decided(asked(now - minutes(4)))

    assert.deepEqual(found, { reason: 'settling', until: now + minutes(2) })
  })
})

describe('Interrupted', () => {
  const ahead: Change = (draft) => {
    holding('connection', 'b')(draft)
    stamped('connection', { standbyCreatedAfter: published })(draft)
  }
  table('Interrupted', [
    [
      'another output is on another live slot, and younger than the lead',
      [ahead, written('connection', published + 1)],
      'interrupted',
    ],
    ['another output is on another live slot, and of the lead’s second', [ahead], 'interrupted'],
    [
      'not: it was written to replace another key than the lead’s',
      [ahead, stamped('connection', { standbyCreatedAfter: standbyMade }), written('connection', published + 1)],
      'drifted: outputs',
    ],
    ['not: it is older than the lead', [ahead, written('connection', published - 1)], 'drifted: outputs'],
    [
      'not: it holds a dead key',
      [holding('connection', 'x'), written('connection', published + 1)],
      'drifted: outputs',
    ],
    [
      'not: it is the same for all slots',
      [holds('lead', 'workspace'), holding('lead', 'b'), written('workspace', now)],
      'nothing',
    ],
    ['the lead is dead, and another output holds a live key', [holding('lead', 'x')], 'interrupted'],
  ])
})

describe('Drifted', () => {
  const dead = [holding('lead', 'x'), holding('connection', 'x')]
  table('Drifted', [
    ['no output holds a live key', dead, 'drifted'],
    ['on a ring of one', [ringOfOne, ...dead], 'drifted'],
    ['an output is missing', [missing('connection')], 'drifted: outputs'],
    [
      'an output that is the same for all slots is missing',
      [holds('lead', 'workspace'), missing('workspace')],
      'drifted: outputs',
    ],
    [
      'an output that is the same for all slots holds something else',
      [
        holds('lead', 'workspace'),
        holding('workspace', 'a'),
        marked('workspace', { value: stored('lead', 'x').value! }),
      ],
      'drifted: outputs',
    ],
    [
      'not: a disabled output, when a revoke goes on through it',
      [disabled('connection'), wants({ revokeBefore: now })],
      'revoked',
    ],
  ])
})

describe('Adopted: tags', () => {
  table('Adopted: tags', [
    ['a live lead without a tag', [untagged('lead')], 'adopted: tags'],
    [
      'a live lead with the tags of Microsoft’s tutorial only',
      [untagged('lead'), marked('lead', { slot: 'A', address: '/stand/target' })],
      'adopted: tags',
    ],
    ['a live lead that another target has marked', [stamped('lead', { target: 'other' })], 'adopted: tags'],
    ['another live output without a tag', [untagged('connection')], 'adopted: tags'],
    [
      'an output that is the same for all slots, without a tag',
      [holds('lead', 'workspace'), untagged('workspace')],
      'adopted: tags',
    ],
    [
      'not: an older output on the other slot, which is brought in line',
      [untagged('connection'), holding('connection', 'b'), written('connection', published - 1)],
      'drifted: outputs',
    ],
  ])
})

describe('Revoked', () => {
  const before = (moment: number) => wants({ revokeBefore: moment })
  table('Revoked', [
    ['the active key is older than that', [before(published + 1)], 'revoked'],
    ['only the standby is older than that', [before(published)], 'revoked: standby'],
    ['the standby is older by a millisecond', [before(standbyMade + 1)], 'revoked: standby'],
    ['not: both are as young as that', [before(standbyMade)], 'nothing'],
    ['not: a ring of one has no standby', [ringOfOne, before(published)], 'nothing'],
    [
      'a key of unknown age is older than anything',
      [stamped('lead', { createdAfter: undefined }), before(standbyMade)],
      'revoked',
    ],
    [
      'a standby of unknown age is older than anything',
      [stamped('lead', { standbyCreatedAfter: undefined }), before(1)],
      'revoked: standby',
    ],
  ])
})

describe('Pending', () => {
  const made = stamped('lead', { pending: { state: 'created', since: now - hours(1) } })
  table('Pending', [
    ['a new key that was not published straight away', [made], 'pending'],
    [
      'comes before what else is wanted',
      [made, wants({ createdAfter: now - hours(1), force: true, ...promoteB })],
      'pending',
    ],
    ['not: on a ring of one, where the record means nothing', [ringOfOne, made], 'nothing'],
  ])
})

describe('Unannounced', () => {
  const unannounced = stamped('lead', { announced: false })
  table('Unannounced', [
    ['a lead that is not announced', [unannounced], 'unannounced'],
    ['a lead whose tag does not say', [stamped('lead', { announced: undefined })], 'unannounced'],
    [
      'another output that was repaired after the lead',
      [stamped('connection', { announced: false }), written('connection', published + 1000)],
      'unannounced',
    ],
    [
      'not: another output of the lead’s own publish, announced with it',
      [stamped('connection', { announced: false })],
      'nothing',
    ],
  ])
})

describe('Promoted and swapped', () => {
  table('Promoted and swapped', [
    ['the standby slot is asked for', [wants(promoteB)], 'promoted'],
    ['not: the active slot is asked for', [wants({ promote: { slot: 'A', from: 'lead-1' } })], 'nothing'],
    ['not: the lead has moved on since', [wants({ promote: { slot: 'B', from: 'lead-0' } })], 'nothing'],
    ['not: a slot that the ring does not have', [wants({ promote: { slot: 'C', from: 'lead-1' } })], 'nothing'],
    ['not: on a ring of one', [ringOfOne, wants(promoteB)], 'nothing'],
    ['the active key is wanted in the other slot', [wants(swapToB)], 'swapped'],
    ['not: it is there', [wants({ swap: { slot: 'A', from: 'lead-1' } })], 'nothing'],
    [
      'not: the lead has moved on since the swap was asked for',
      [wants({ swap: { slot: 'B', from: 'lead-0' } })],
      'nothing',
    ],
    [
      'not: it is wanted in a slot that the ring does not have',
      [wants({ swap: { slot: 'C', from: 'lead-1' } })],
      'nothing',
    ],
    ['not: a swap on a ring of one', [ringOfOne, wants(swapToB)], 'nothing'],
  ])
})

describe('Requested', () => {
  table('Requested', [
    ['the key is older than asked for', [wants({ createdAfter: published + 1 })], 'requested'],
    ['not: it is as young', [wants({ createdAfter: published })], 'nothing'],
    ['not: force asks for nothing by itself', [wants({ force: true })], 'nothing'],
    [
      'a key of unknown age is older than asked for',
      [stamped('lead', { createdAfter: undefined }), wants({ createdAfter: 1 })],
      'requested',
    ],
    ['on a ring of one', [ringOfOne, wants({ createdAfter: now })], 'requested'],
    [
      'not: a promote went back from a key that is as young',
      [
        stamped('lead', { reason: 'promoted', retire: true, createdAfter: standbyMade - 1 }),
        wants({ createdAfter: standbyMade, force: true }),
      ],
      'nothing',
    ],
    [
      'a promote went back from a key that is older than asked for',
      [
        stamped('lead', { reason: 'promoted', retire: true, createdAfter: standbyMade - 1 }),
        wants({ createdAfter: standbyMade + 1, force: true }),
      ],
      'requested',
    ],
    [
      'since a promote the standby slot has a key that was never current',
      [
        stamped('lead', { reason: 'promoted', retire: false, createdAfter: standbyMade - 1 }),
        wants({ createdAfter: standbyMade }),
      ],
      'requested',
    ],
  ])
})

describe('Due', () => {
  const over = dueSince(now)
  table('Due', [
    ['a key at its due date', [over], 'due'],
    ['not: a millisecond before', [dueSince(now + 1)], 'nothing'],
    ['on a ring of one', [ringOfOne, dueSince(now - days(3))], 'due'],
    ['a due key whose window opens this minute', [over, targetHas({ window: window(noon, 60) })], 'due'],
    ['a due key in the last minute of its window', [over, targetHas({ window: window(noon - 59, 60) })], 'due'],
    ['not: a due key whose window closes this minute', [over, targetHas({ window: window(noon - 60, 60) })], 'nothing'],
    ['not: a minute before its window opens', [over, targetHas({ window: window(noon + 1, 60) })], 'nothing'],
    [
      'outside its window when the secret has expired',
      [
        over,
        targetHas({ window: window(noon + 1, 60) }),
        wants({ ignoreWindow: true }),
        marked('lead', { expiresOn: now }),
      ],
      'due',
    ],
    [
      'not: an expired secret that only the request says has expired',
      [over, targetHas({ window: window(noon + 1, 60) }), wants({ ignoreWindow: true })],
      'nothing',
    ],
    ['not: before its date, window or not', [dueSince(now + 1), wants({ ignoreWindow: true })], 'nothing'],
    [
      'a request does not wait for the window',
      [targetHas({ window: window(noon + 1, 60) }), wants({ createdAfter: now })],
      'requested',
    ],
  ])
})

describe('Retiring', () => {
  const moved = stamped('lead', { retire: true })
  table('Retiring', [
    ['a publish moved slots, long enough ago', [moved, targetHas({ retireAfter: days(10) })], 'retiring'],
    ['not: a millisecond too soon', [moved, targetHas({ retireAfter: days(10) + 1 })], 'nothing'],
    [
      'not: reckoned from the youngest output, not from the lead',
      [moved, targetHas({ retireAfter: days(10) }), written('connection', published + 1)],
      'nothing',
    ],
    ['not: nothing moved, as after an adoption', [targetHas({ retireAfter: days(10) })], 'nothing'],
    ['not: the target does not want it', [moved], 'nothing'],
    ['not: on a ring of one', [ringOfOne, moved, targetHas({ retireAfter: days(1) })], 'nothing'],
  ])
})

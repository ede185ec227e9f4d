// What holds of every decision, in whatever state: drawn at random, the seed is printed when one fails.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { liveSlots, type State } from '../../src/engine/state.ts'
import type { Stamps, StoredSecret } from '../../src/engine/stored-secret.ts'
import { days, hours, minutes } from '../../src/engine/target.ts'
import { at, type Draft, found as decisionOn, type Found, now, stateIn, stored } from './states.ts'

/** Moments that matter: around the settling time, the clock bound, the overlap and the period. */
const moment = fc.oneof(
  fc.constantFrom(0, 1, minutes(1), minutes(5), minutes(6), hours(1), days(2), days(10), days(60), days(90)),
  fc.integer({ min: 0, max: days(100) }),
)
const past = moment.map((ago) => now - ago)
const slot = fc.constantFrom('A', 'B', 'a', 'C')

const pending = fc.oneof(
  past.map((since) => ({ state: 'requested' as const, since })),
  past.map((since) => ({ state: 'created' as const, since })),
  past.map((since) => ({ state: 'retired' as const, since })),
)
const stamps = fc.record(
  {
    target: fc.constantFrom('target', 'target', 'target', 'other'),
    rotatedAt: past,
    createdAfter: past,
    standbyCreatedAfter: past,
    pending,
    retire: fc.boolean(),
    announced: fc.boolean(),
    reason: fc.constantFrom('due' as const, 'requested' as const),
    failed: fc.constant({ code: 'PermissionDenied', at: now }),
  },
  { requiredKeys: ['target'] },
)

/** What may be in the vault under this name: nothing, a key of either slot, a dead one, ours or not, to be read or not. */
function secret(name: string): fc.Arbitrary<StoredSecret | undefined> {
  const some = fc
    .record({
      key: fc.constantFrom('a', 'a', 'b', 'x'),
      created: past,
      enabled: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      tag: fc.option(stamps, { nil: undefined, freq: 5 }),
      slot: fc.option(slot, { nil: undefined }),
      address: fc.constantFrom('/stand/target', '/STAND/target', '/stand/other', undefined),
    })
    .map(({ key, created, enabled, tag, slot: hint, address }): StoredSecret => {
      const { value, stamps: _, slot: __, address: ___, ...rest } = stored(name, key)
      return {
        ...rest,
        created,
        enabled,
        ...(enabled && value ? { value } : {}),
        ...(tag ? { stamps: tag as Stamps } : {}),
        ...(hint ? { slot: hint } : {}),
        ...(address ? { address } : {}),
      }
    })
  return fc.option(some, { nil: undefined, freq: 8 })
}

const move = fc.record({ slot, from: fc.constantFrom('lead-1', 'lead-1', 'lead-0') })
const desired = fc.record(
  {
    createdAfter: past,
    force: fc.boolean(),
    promote: move,
    swap: move,
    revokeBefore: past,
    atOnce: fc.boolean(),
    ignoreWindow: fc.boolean(),
  },
  { requiredKeys: [] },
)
const target = fc.record(
  {
    adopt: fc.boolean(),
    retireAfter: fc.constant(days(3)),
    initialSlot: slot,
    window: fc.constant({ days: [1], start: 600, length: hours(1), timeZone: 'UTC' }),
  },
  { requiredKeys: [] },
)

const healthy = at()
const states: fc.Arbitrary<State> = fc
  .record({
    keys: fc.constantFrom({ A: 'a', B: 'b' }, { A: 'a', B: 'b' }, { A: 'a' }) as fc.Arbitrary<Record<string, string>>,
    target,
    desired,
    lead: secret('lead'),
    connection: secret('connection'),
    earlier: fc.option(secret('lead'), { nil: undefined }),
    vaultRefused: fc.boolean(),
  })
  .map(({ keys, target: fields, desired: asked, lead, connection, earlier, vaultRefused }) => {
    const draft: Draft = {
      keys,
      target: { ...healthy.target, ...fields, slots: Object.keys(keys) as [string, ...string[]] },
      request: { ...healthy.request, ...asked },
      stored: { lead, connection },
      earlier: lead?.stamps?.target === 'target' ? {} : { lead: earlier },
      vaultRefused,
    }
    return stateIn(draft)
  })

/** Of every state, what it holds of its plan. */
function always(sentence: string, holds: (found: Found | undefined, state: State) => void): void {
  test(sentence, () => {
    fc.assert(
      fc.property(states, (state) => holds(decisionOn(state), state)),
      { numRuns: 3000 },
    )
  })
}

/** What writes to a frozen object throws. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) freeze(inner)
}

const isTwo = ({ ring }: State) => Object.keys(ring).length === 2
const isPaused = ({ stored: all }: State) => Object.values(all).some((each) => each?.enabled === false)
const anyUnmanaged = ({ secrets }: State) => secrets.some(({ unmanaged }) => unmanaged)

always('The decision on a state is always the same, and changes nothing of it', (found, state) => {
  freeze(state)

  assert.deepEqual(decisionOn(state), found)
})

always('A decision does something, waits for a moment to come, or waits for an operator', (found) => {
  if (!found || found.step) return
  if (found.until === undefined) assert.ok(['unmanaged', 'paused'].includes(found.reason), found.reason)
  else assert.ok(found.until > now, `${found.reason} until ${found.until}`)
})

always('The active slot of a ring of two is never regenerated alone', (found, state) => {
  if (found?.step?.do !== 'regenerate' || !isTwo(state)) return
  assert.ok(found.step.what === 'ring' || found.step.slot !== state.active)
})

always('A slot is regenerated only while every output that can be read holds the active key', (found, state) => {
  if (found?.step?.do !== 'regenerate') return
  // Whoever disabled the lead wants its key dead, and every output replaced.
  if (state.lead?.enabled === false) return
  for (const each of state.target.secrets) {
    const current = state.stored[each.name]
    if (current?.enabled === false) continue
    assert.ok(liveSlots(state.ring, each, current).includes(state.active!), each.name)
  }
})

always('Both slots are regenerated in one call only by a revoke that asks for it', (found, { request }) => {
  if (found?.step?.do !== 'regenerate' || found.step.what === 'slot') return
  assert.ok(request.atOnce && request.revokeBefore !== undefined)
})

always('Nothing is written over an unmanaged secret', (found, state) => {
  if (anyUnmanaged(state)) assert.deepEqual(found, { reason: 'unmanaged' })
})

always('A paused target is left alone but for a revoke', (found, state) => {
  if (!isPaused(state) || state.request.revokeBefore !== undefined) return
  assert.equal(found?.step, undefined)
})

always('Only a slot of the ring is published, described, regenerated or swapped to', (found, { ring }) => {
  const step = found?.step
  if (!step || step.do === 'announce') return
  const slots = step.do === 'publish' ? step.slots : [step.do === 'swap' ? step.to : step.slot]
  for (const each of slots) assert.ok(each in ring, each)
})

always(
  'A slot other than the active one is published only by the checks that may move slots: the others repair',
  (found, state) => {
    if (found?.step?.do !== 'publish' || state.active === undefined || found.step.slots[0] === state.active) return
    assert.ok(['interrupted', 'revoked', 'pending', 'promoted', 'requested'].includes(found.reason), found.reason)
  },
)

always('A request that asks for nothing never leads to the decision of one that does', (found, { request }) => {
  const asks = {
    requested: request.createdAfter,
    revoked: request.revokeBefore,
    promoted: request.promote,
    swapped: request.swap,
  }
  const wanted = found && found.reason in asks ? asks[found.reason as keyof typeof asks] : true
  assert.notEqual(wanted, undefined)
})

always('No regenerate cuts an overlap short unless a forced request asks for it', (found, state) => {
  if (found?.step?.do !== 'regenerate' || !['due', 'requested'].includes(found.reason) || !isTwo(state)) return
  if (found.reason === 'requested' && state.request.force) return
  const published = Math.max(...state.current.map(({ created }) => created))
  assert.ok(now >= published + state.target.overlap + minutes(1))
})

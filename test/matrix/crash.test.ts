// A crash before and after every effect, in every scenario of every provider: the promises hold after each effect, and every
// target becomes idle.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { ownThread } from '../own-thread.ts'
import { firstOfEachKind, kinds, providers } from '../providers/all-providers.ts'
import { scenarios } from './scenarios.ts'

const histories = ownThread<typeof import('./crash-histories.ts')>(new URL('./crash-histories.ts', import.meta.url))

/** The faults that were met in some history, by name. */
const struck = new Set<string>()

for (const provider of providers) {
  // What the calls of a service do differs; how a ring of its kind recovers does not. So one of each kind lives through everything.
  const all = firstOfEachKind.includes(provider)
  const crashes = all ? 'before and after each' : 'after each'
  describe(`${provider.id} survives a crash ${crashes} effect`, () => {
    for (const { name } of scenarios) {
      for (const sky of all ? (['clear', 'foggy'] as const) : (['foggy'] as const)) {
        test(`${provider.id}, ${name}, ${sky}: the promises hold after a crash ${crashes} effect`, async () => {
          for (const fault of await histories.run('surviveCrashes', provider.id, name, sky, crashes)) struck.add(fault)
        })
      }
    }
  })
}

test('The histories of the crash matrix met throttling, revoked tokens, and outages of whole data planes', () => {
  for (const name of ['busy', 'claimsChallenges', 'dataPlaneOutages']) assert.ok(struck.has(name), name)
})

describe('Each rule of the engine is needed: without it, some crash breaks a promise', () => {
  const rules: readonly (readonly [rule: string, provider: KeyProvider, scenario: string])[] = [
    ['settling', kinds.unprobed, 'request'],
    ['interrupted', kinds.unprobed, 'request'],
    ['asked', kinds.oneSlot, 'request'],
    ['probe', kinds.probed, 'request'],
  ]
  for (const [rule, provider, scenario] of rules) {
    test(`Without ${rule} some crash breaks a promise`, async () => {
      assert.notDeepEqual(await histories.run('brokenWithout', rule, provider.id, scenario), [])
    })
  }
})

// The registry of providers.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import test from 'node:test'
import { providerById, providers } from './all-providers.ts'
import { fleet } from './provider-fleet.ts'

const folder = new URL('../../src/providers/', import.meta.url)
const ids = providers.map(({ id }) => id)

test('every provider file is in the registry, by the name of its file', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
  const ofProviders = files
    .map((name) => name.replace('.ts', ''))
    .filter((name) => !['index', 'provider'].includes(name))

  assert.deepEqual(ofProviders.toSorted(), ids.toSorted())
})

test('Every provider has a resource in the simulated fleet, so that the contract is tested with it', () => {
  assert.deepEqual(Object.keys(fleet).toSorted(), ids.toSorted())
})

test('a provider is found by its id, and only by that', () => {
  for (const provider of providers) assert.equal(providerById(provider.id), provider)
  assert.equal(providerById('Cognitive-Services'), undefined)
  assert.equal(providerById('constructor'), undefined)
})

test('every provider gives each slot a key, and says why it needs each of its rights', () => {
  for (const { outputs, actions, slots } of providers) {
    assert.equal(outputs['key'], 'secret')
    assert.equal(new Set(slots).size, slots.length)
    assert.equal(new Set(actions.map(({ name }) => name)).size, actions.length)
    for (const { why } of actions) assert.match(why, /^[a-z]/)
  }
})

test('The declaration of a provider needs no network and no Azure package', async () => {
  for (const { place, resource } of providers) {
    assert.equal(typeof place, 'function')
    assert.equal(resource.safeParse({ unknown: 1 }).success, false)
  }
})

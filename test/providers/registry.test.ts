// The registry of providers.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import test from 'node:test'
import { loadedProvider, loadProviders, loadProvidersNamedIn, providerIds } from '../../src/providers/index.ts'
import { providers } from './all-providers.ts'
import { fleet } from './provider-fleet.ts'

const folder = new URL('../../src/providers/', import.meta.url)
const ids = providers.map(({ id }) => id)

test('Every provider file is in the registry, by the name of its file', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
  const ofProviders = files
    .map((name) => name.replace('.ts', ''))
    .filter((name) => !['index', 'provider'].includes(name))

  assert.deepEqual(ofProviders.toSorted(), ids.toSorted())
})

test('Every provider has a resource in the simulated fleet, so that the contract is tested with it', () => {
  assert.deepEqual(Object.keys(fleet).toSorted(), ids.toSorted())
})

test('A provider has the id of its line in the registry, and is found by that alone', async () => {
  assert.deepEqual(ids, providerIds)
  for (const id of providerIds) {
    assert.deepEqual(
      (await loadProviders([id])).map((provider) => provider.id),
      [id],
    )
    assert.equal(loadedProvider(id)?.id, id)
  }
  assert.deepEqual(await loadProviders(['Cognitive-Services', 'constructor']), [])
  assert.equal(loadedProvider('constructor'), undefined)
})

test('A targets.json loads the providers that it names, however their ids are escaped', async () => {
  const [first, second] = providerIds as readonly [string, string]
  const named = async (text: string) => (await loadProvidersNamedIn(text)).map(({ id }) => id)
  const escaped = JSON.stringify({ provider: second }).replace('-', '\\u002d')

  assert.deepEqual(await named('{"targets": []}'), [])
  assert.deepEqual(await named(JSON.stringify({ targets: [{ provider: first }] })), [first])
  assert.ok(escaped.includes('u002d'))
  assert.ok((await named(escaped)).includes(second))
})

test('Every provider gives each slot a key, and says why it needs each of its rights', () => {
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

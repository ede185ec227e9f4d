// The files that `npm run generate` writes are up to date.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { generated, providersIndex, withProvidersTable } from '../scripts/generate.ts'

for (const [name, content] of Object.entries(generated)) {
  test(`${name} is what the providers declare now`, async () => {
    const text = await readFile(new URL(`../${name}`, import.meta.url), 'utf8')

    const current: unknown = JSON.parse(JSON.stringify(content()))

    assert.deepEqual(JSON.parse(text), current, 'run: npm run generate')
  })
}

test(`${providersIndex} has the table of all providers as they are now`, async () => {
  const text = await readFile(new URL(`../${providersIndex}`, import.meta.url), 'utf8')

  assert.equal(text, withProvidersTable(text), 'run: npm run generate')
})

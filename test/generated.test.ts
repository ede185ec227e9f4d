// The files that `npm run generate` writes are up to date.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { generated, sampleFile, tables, withEveryProvider, withTable } from '../scripts/generate.ts'

for (const [name, content] of Object.entries(generated)) {
  test(`${name} is what the code declares now`, async () => {
    const text = await readFile(new URL(`../${name}`, import.meta.url), 'utf8')

    const current: unknown = JSON.parse(JSON.stringify(content()))

    assert.deepEqual(JSON.parse(text), current, 'run: npm run generate')
  })
}

for (const name of Object.keys(tables)) {
  test(`${name} has the table of all providers as they are now`, async () => {
    const text = await readFile(new URL(`../${name}`, import.meta.url), 'utf8')

    assert.equal(text, withTable(text, name), 'run: npm run generate')
  })
}

test(`${sampleFile} has a target of every provider`, async () => {
  const text = await readFile(new URL(`../${sampleFile}`, import.meta.url), 'utf8')

  assert.deepEqual(JSON.parse(text), JSON.parse(withEveryProvider(text)), 'run: npm run generate')
})

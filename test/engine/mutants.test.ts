// The deliberate defects can be made in today's source, so that `npm run mutants` cannot rot.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { edited } from './mutants/mutant.ts'
import { mutants } from './mutants/mutants.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

describe('Deliberate defects', () => {
  for (const { id, what, edits } of mutants) {
    test(`The deliberate defect ${id} can be made: ${what}`, () => {
      const files = new Map<string, string>()

      for (const edit of edits) {
        const before = files.get(edit[0]) ?? readFileSync(join(root, 'src', edit[0]), 'utf8')
        files.set(edit[0], edited(before, edit, id))
      }

      for (const [file, after] of files) assert.notEqual(after, readFileSync(join(root, 'src', file), 'utf8'))
    })
  }

  test('An edit whose text does not occur exactly once is an error that names the row', () => {
    assert.throws(() => edited('a b', ['file.ts', 'c', 'd'], 'the-row'), /the-row.*0 times/)
    assert.throws(() => edited('a a', ['file.ts', 'a', 'd'], 'the-row'), /the-row.*2 times/)
  })

  test('Deliberate defects have ids of their own', () => {
    assert.equal(new Set(mutants.map(({ id }) => id)).size, mutants.length)
  })

  test('At most six deliberate defects need not be noticed by the world, and each of those names a unit test that exists', () => {
    const exempt = mutants.flatMap(({ exempt }) => exempt ?? [])

    assert.ok(exempt.length <= 6)
    for (const { test } of exempt) assert.ok(existsSync(join(root, test)), test)
  })
})

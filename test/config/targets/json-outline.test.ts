// Finding where things are in targets.json.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pathText } from '../../../src/config/targets/configuration-problems.ts'
import { outlineOf, positionsOf } from '../../../src/config/targets/json-outline.ts'
import { nearest } from '../../../src/config/targets/nearest.ts'

function accepts(text: string): boolean {
  return !('line' in outlineOf(text))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('The outline accepts what JSON.parse accepts, and nothing else', () => {
  const mutated = fc
    .tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom('', ',', '"', '}', ']', '\\', '0', '-', ':', ' ', '\n', 'e', '.', 'u'),
      fc.nat(1),
    )
    .map(([text, place, put, cut]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + put + text.slice(at + cut)
    })
  const handmade = [
    '',
    ' ',
    '01',
    '1.',
    '.5',
    '-',
    '1e',
    '"\u0001"',
    '"\u007f\u2028"',
    '"\\x"',
    '"\ud800"',
    'tru',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '1 2',
    '\u00a01',
    'NaN',
    '{"":0}',
  ]

  for (const text of handmade) assert.equal(accepts(text), isJson(text), JSON.stringify(text))
  fc.assert(
    fc.property(mutated, (text) => assert.equal(accepts(text), isJson(text))),
    { numRuns: 3000 },
  )
})

test('The first mistake in JSON is reported by line and column', () => {
  for (const [text, line, column, message] of [
    ['{"a": 1,}', 1, 9, /a key in double quotes/],
    ['{\n  "a" 1\n}', 2, 7, /a colon/],
    ['[\n1\n2]', 3, 1, /a comma or \]/],
    ['{"a": "b\n"}', 1, 7, /a string that ends/],
    ['{\n  // why\n}', 2, 3, /JSON has no comments/],
    ['{"a": [1, 2', 1, 12, /the end of the text/],
    ['{} {}', 1, 4, /nothing more/],
  ] as const) {
    const problem = outlineOf(text)
    assert.ok('line' in problem)
    assert.deepEqual([problem.line, problem.column], [line, column], text)
    assert.match(problem.message, message)
  }
})

test('Nesting without end is refused rather than followed', () => {
  assert.ok(!accepts(`${'['.repeat(100_000)}${']'.repeat(100_000)}`))
  assert.ok(accepts(`${'['.repeat(50)}1${']'.repeat(50)}`))
  assert.ok(!accepts(`${'['.repeat(51)}1${']'.repeat(51)}`))
})

test('Every value in JSON is found by its path', () => {
  const text = '{ "targets": [ { "name": "a" }, { "secrets": { "a-b": "key" } } ] }'

  const positions = positionsOf(text)

  for (const [path, found] of [
    ['$.targets[0].name', '"name"'],
    ['$.targets[1]', '{ "secrets"'],
    ["$.targets[1].secrets['a-b']", '"a-b"'],
  ] as const) {
    assert.ok(text.slice(positions.get(path)?.offset).startsWith(found))
  }
})

test('A path quotes keys that are not plain names', () => {
  assert.equal(pathText(['targets', 3, 'secrets', "it's", 'a-b', 'c']), "$.targets[3].secrets['it\\'s']['a-b'].c")
})

test('The nearest word is suggested only when it is near', () => {
  assert.equal(nearest('RotateEvry', ['name', 'rotateEvery', 'overlap']), 'rotateEvery')
  assert.equal(nearest('colour', ['name', 'rotateEvery', 'overlap']), undefined)
  assert.equal(nearest('x'.repeat(1000), ['name']), undefined)
  assert.equal(nearest('name', []), undefined)
})

// Route templates as the Functions host reads them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRoute } from '../../simulator/local/route-templates.ts'

const matches = (template: string, path: string) => parseRoute(template).match(path)

test('literals match without case, parameters take a decoded segment, and nothing may be left over', () => {
  assert.deepEqual(matches('api/targets/{name}', '/API/Targets/vision%20prod'), { name: 'vision prod' })
  assert.deepEqual(matches('api/targets/{name}', '/api/targets/vision/'), { name: 'vision' })
  assert.equal(matches('api/targets/{name}', '/api/targets'), undefined)
  assert.equal(matches('api/targets/{name}', '/api/targets/vision/history'), undefined)
  assert.deepEqual(matches('api/{name}', '/api/50%'), { name: '50%' })
})

test('an optional parameter may be absent, a default takes its place, a catch-all takes the rest', () => {
  assert.deepEqual(matches('api/{name?}', '/api'), {})
  assert.deepEqual(matches('api/{page:int=1}', '/api'), { page: '1' })
  assert.deepEqual(matches('api/{*rest}', '/api/a/b%2Fc'), { rest: 'a/b/c' })
})

test('a segment may hold text and several parameters', () => {
  assert.deepEqual(matches('files/{name}.{extension}', '/files/report.pdf'), { name: 'report', extension: 'pdf' })
  assert.equal(matches('files/{name}.{extension}', '/files/report'), undefined)
  assert.equal(matches('files/{name}.{extension}', '/files/.pdf'), undefined)
})

for (const [constraint, valid, bad] of [
  ['alpha', 'abc', 'a1'],
  ['int', '-12', '1.5'],
  ['long', '12345678901', 'x'],
  ['bool', 'True', 'yes'],
  ['guid', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '6f9619ff'],
  ['datetime', '2026-11-21', 'yesterday'],
  ['double', '1.5', 'one'],
  ['length(3)', 'abc', 'ab'],
  ['length(2,3)', 'ab', 'abcd'],
  ['minlength(2)', 'ab', 'a'],
  ['maxlength(2)', 'ab', 'abc'],
  ['min(5)', '5', '4'],
  ['max(5)', '5', '6'],
  ['range(1,5)', '3', '6'],
  ['regex(^[a-z]{{2}}-\\d+$)', 'ab-1', 'abc-1'],
  ['alpha:minlength(2)', 'ab', 'a'],
] as const) {
  test(`the constraint ${constraint} accepts ${valid} and not ${bad}`, () => {
    assert.deepEqual(matches(`t/{value:${constraint}}`, `/t/${valid}`), { value: valid })
    assert.equal(matches(`t/{value:${constraint}}`, `/t/${bad}`), undefined)
  })
}

test('an unknown route constraint is refused when the app starts', () => {
  assert.throws(() => parseRoute('t/{value:prime}'), /the route constraint "prime" does not exist/)
})

test('more literal routes are tried first', () => {
  const inOrder = ['a/b/c', 'a/b/{x:int}', 'a/b/{x}', 'a/b/{*x:int}', 'a/b/{*x}', 'a/{x}/c']

  const sorted = inOrder
    .toReversed()
    .map(parseRoute)
    .sort((a, b) => (a.precedence < b.precedence ? -1 : 1))

  assert.deepEqual(
    sorted.map(({ template }) => template),
    inOrder,
  )
})

// Long lists in pages, and problems as HTTP responses.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpRequest } from '@azure/functions'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { pageOf } from '../../src/functions/http/paging.ts'
import { problem } from '../../src/functions/http/problem.ts'

function page(query: Record<string, string>, length: number) {
  const request = new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/api/targets', query })
  return pageOf(
    request,
    Array.from({ length }, (_, n) => n),
  )
}

test('A last page that is full has no next link', () => {
  const { nextLink } = page({}, 51)
  const { href, searchParams } = new URL(nextLink!)

  assert.equal(page({}, 50).nextLink, undefined)
  assert.ok(href.startsWith('http://127.0.0.1/api/targets?skipToken='), href)
  assert.deepEqual(page(Object.fromEntries(searchParams), 51), { value: [50] })
})

test('A page past the end, of a list that has become shorter, is empty', () => {
  const { searchParams } = new URL(page({}, 60).nextLink!)

  assert.deepEqual(page(Object.fromEntries(searchParams), 40), { value: [] })
})

test('Retry-After is in whole seconds, and never sooner than requested; no cache keeps a problem', () => {
  const { headers } = problem(new RekeyError('Throttled', { message: 'busy', retryAfter: 1200 }))

  assert.deepEqual(headers, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-ms-error-code': 'Throttled',
    'retry-after': '2',
  })
})

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
    '/api/targets',
  )
}

test('A last page that is full has no next link', () => {
  assert.equal(page({}, 50).next, undefined)
  assert.equal(page({}, 51).next, '/api/targets?page=2')
  assert.deepEqual(page({ page: '2' }, 51).items, [50])
})

test('A page past the end is empty', () => {
  assert.deepEqual(page({ page: '3' }, 60), { items: [] })
})

test('Retry-After is in whole seconds, and never sooner than requested; no cache keeps a problem', () => {
  const { headers } = problem(new RekeyError('Throttled', { message: 'busy', retryAfter: 1200 }))

  assert.deepEqual(headers, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'retry-after': '2',
  })
})

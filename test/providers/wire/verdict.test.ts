// What an answer of a data plane says about a key.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgedBy, refusedBy } from '../../../src/providers/wire/verdict.ts'

const answer = (status: number, text = '', headers: Readonly<Record<string, string>> = {}) => ({
  status,
  text,
  headers,
})

test('Only a success accepts a key, and only a status that the provider declares refuses it', () => {
  const judge = refusedBy(401)

  const verdicts = [200, 204, 401, 403, 404, 429, 500].map((status) => judge(answer(status)))

  assert.deepEqual(verdicts, ['accepted', 'accepted', 'refused', 'unknown', 'unknown', 'unknown', 'unknown'])
})

test("A status with the service's own code refuses a key, and the same status with another code gives no verdict", () => {
  const judge = judgedBy({ status: 403, code: 'AuthenticationFailed', is: 'refused' })

  const verdicts = [
    answer(403, '', { 'x-ms-error-code': 'AuthenticationFailed' }),
    answer(403, '{"error": {"code": "AuthenticationFailed", "message": "x"}}'),
    answer(403, '<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>'),
    answer(403, '<Error><Code>AuthorizationFailure</Code></Error>', { 'x-ms-error-code': 'AuthorizationFailure' }),
    answer(403),
    answer(401, '', { 'x-ms-error-code': 'AuthenticationFailed' }),
  ].map(judge)

  assert.deepEqual(verdicts, ['refused', 'refused', 'refused', 'unknown', 'unknown', 'unknown'])
})

test('the first rule that matches decides, also for a text and against a success', () => {
  const judge = judgedBy(
    { status: 401, text: /claim is required/, is: 'accepted' },
    { status: 401, is: 'refused' },
    { status: 200, text: /degraded/, is: 'unknown' },
  )

  assert.deepEqual(
    [answer(401, 'Manage claim is required'), answer(401), answer(200, 'degraded'), answer(200)].map(judge),
    ['accepted', 'refused', 'unknown', 'accepted'],
  )
})

test('a status refuses a key where its challenge says why, and gives no verdict where the challenge says something else', () => {
  const judge = judgedBy({ status: 401, challenge: /error="InvalidKey"/, is: 'refused' })

  const verdicts = ['SharedKey error="InvalidKey"', 'SharedKey error="InvalidClientId"'].map((challenge) =>
    judge(answer(401, '', { 'www-authenticate': challenge })),
  )

  assert.deepEqual([...verdicts, judge(answer(401))], ['refused', 'unknown', 'unknown'])
})

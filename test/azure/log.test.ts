// The lines of the log.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logTo } from '../../src/azure/log.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'

function lines() {
  const written: string[] = []
  const sink = (level: string) => (line: string) => void written.push(`${level}: ${line}`)
  return { written, log: logTo({ info: sink('info'), warn: sink('warn'), error: sink('error') }) }
}

test('A line of the log is a static message and one JSON object', () => {
  const { written, log } = lines()

  log('info', 'published', { target: 'vision', version: 'v1' })
  log('warn', 'started')

  assert.deepEqual(written, ['info: published {"target":"vision","version":"v1"}', 'warn: started'])
})

test('A secret among the fields is not shown, however deep', () => {
  const { written, log } = lines()

  log('error', 'oops', { deep: [{ key: Secret.of('hunter2') }] })

  assert.deepEqual(written, ['error: oops {"deep":[{"key":"[secret]"}]}'])
})

test('The log has all of a RekeyError, and only the class of any other error', () => {
  const { written, log } = lines()
  const ours = new RekeyError('Throttled', { message: 'too many calls', remedy: 'wait', retryAfter: 1000 })

  log('error', 'failed', { ours, theirs: new TypeError('hunter2', { cause: 'hunter2' }) })

  assert.equal(
    written[0],
    'error: failed {"ours":{"code":"Throttled","message":"too many calls","remedy":"wait"},"theirs":{"name":"TypeError"}}',
  )
})

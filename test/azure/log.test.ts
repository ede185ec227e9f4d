// The lines of the log.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logTo } from '../../src/azure/log.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'

function lines() {
  const told: string[] = []
  const sink = (level: string) => (line: string) => void told.push(`${level}: ${line}`)
  return { told, log: logTo({ info: sink('info'), warn: sink('warn'), error: sink('error') }) }
}

test('a line is a static message and one JSON object', () => {
  const { told, log } = lines()

  log('info', 'published', { target: 'vision', version: 'v1' })
  log('warn', 'started')

  assert.deepEqual(told, ['info: published {"target":"vision","version":"v1"}', 'warn: started'])
})

test('a secret among the fields is not shown, however deep', () => {
  const { told, log } = lines()

  log('error', 'oops', { deep: [{ key: Secret.of('hunter2') }] })

  assert.deepEqual(told, ['error: oops {"deep":[{"key":"[secret]"}]}'])
})

test('of our errors everything is told, of others only the class', () => {
  const { told, log } = lines()
  const ours = new RekeyError('Throttled', { message: 'too many calls', remedy: 'wait', retryAfter: 1000 })

  log('error', 'failed', { ours, theirs: new TypeError('hunter2', { cause: 'hunter2' }) })

  assert.equal(
    told[0],
    'error: failed {"ours":{"code":"Throttled","message":"too many calls","remedy":"wait"},"theirs":{"name":"TypeError"}}',
  )
})

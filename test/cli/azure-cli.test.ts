// Signing in with the Azure CLI: an `az` on the PATH that answers as a test says.

import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from './captured-terminal.ts'
import { scriptedApp } from './scripted-app.ts'

const clientId = '11111111-2222-3333-4444-555555555555'
const token = 'a-token-that-must-not-be-shown'
const skip = process.platform === 'win32' && 'the az of this test is a shell script'

/** Puts an `az` first on the PATH of this process, where the identity library looks for it. */
function withAz(t: TestContext, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'rekey-az-'))
  const path = process.env['PATH']
  writeFileSync(join(folder, 'az'), `#!/bin/sh\necho "$@" >> ${folder}/calls\n${script}\n`)
  chmodSync(join(folder, 'az'), 0o755)
  process.env['PATH'] = `${folder}:${path}`
  t.after(() => {
    process.env['PATH'] = path
    rmSync(folder, { recursive: true })
  })
  return { calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') }
}

async function app(t: TestContext) {
  const made = await scriptedApp(() => ({ body: { value: [], nextLink: undefined } }))
  t.after(made.close)
  return made
}

test('With a client id the token of the Azure CLI is sent, fetched once for all requests, and never shown', {
  skip,
}, async (t) => {
  const { url, received } = await app(t)
  const printed = { accessToken: token, expires_on: Math.floor(Date.now() / 1000) + 3600, tokenType: 'Bearer' }
  const { calls } = withAz(t, `echo '${JSON.stringify(printed)}'`)

  const { code, out, err } = await run(['list', '--verbose', '--client-id', clientId], { env: { REKEY_URL: url } })

  assert.equal(code, 0, err)
  assert.equal(received[0]!.headers.authorization, `Bearer ${token}`)
  assert.equal(received[0]!.headers['x-functions-key'], undefined)
  assert.deepEqual(calls(), [`account get-access-token --output json --resource api://${clientId}`])
  assert.ok(!`${out}${err}`.includes(token))
})

test('Where az is not signed in, the error says so with exit code 5, and nothing is sent', { skip }, async (t) => {
  const { url, received } = await app(t)
  withAz(t, 'echo "ERROR: Please run \'az login\' to setup account." >&2; exit 1')

  const { code, err } = await run(['list'], { env: { REKEY_URL: url, REKEY_CLIENT_ID: clientId } })

  assert.equal(code, 5)
  assert.match(err, /az login/)
  assert.deepEqual(received, [])
})

test('What az prints instead of a token is not repeated: it may hold one', { skip }, async (t) => {
  const { url } = await app(t)
  withAz(t, `echo '${token}'`)

  const { code, err } = await run(['list'], { env: { REKEY_URL: url, REKEY_CLIENT_ID: clientId } })

  assert.equal(code, 5)
  assert.ok(!err.includes(token.slice(0, 8)), err)
})

test('What is no client id is refused before az is started', async () => {
  const { code, err } = await run(['list', '--client-id', 'x; rm -rf /'], { env: { REKEY_URL: 'https://app.invalid' } })

  assert.equal(code, 2)
  assert.match(err, /--client-id/)
})

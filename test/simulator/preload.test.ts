// Another process: the preload, the environment, the management API.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { refuseInAzure } from '../../simulator/guard.ts'
import { type SimulatorServer, startServer } from '../../simulator/server.ts'

const preload = new URL('../../simulator/preload.ts', import.meta.url).href
const start = Date.parse('2026-01-01T00:00:00Z')

let cloud: Cloud
let server: SimulatorServer

before(async () => {
  cloud = simulatedCloud({ clock: virtualClock(start) })
  server = await startServer(cloud)
})

after(() => server.close())

interface Ended {
  readonly code: number
  readonly output: string
}

function child(script: string, environment: Readonly<Record<string, string>>): Promise<Ended> {
  const { WEBSITE_INSTANCE_ID: _id, WEBSITE_SITE_NAME: _name, ...inherited } = process.env
  return new Promise((resolve) => {
    const options = { env: { ...inherited, ...environment }, cwd: import.meta.dirname }
    execFile(
      process.execPath,
      ['--import', preload, '--input-type=module', '-e', script],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr })
      },
    )
  })
}

async function manage(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const response = await fetch(`${server.msiUrl}/simulator${path}`, init)
  return { status: response.status, body: await response.json() }
}

test('in a process with the preload, unmodified clients with real host names end here', async () => {
  cloud.vault('kv-child.vault.azure.net')
  const script = `
    import { SecretClient } from '@azure/keyvault-secrets'
    import { ManagedIdentityCredential } from '@azure/identity'
    const client = new SecretClient('https://kv-child.vault.azure.net', new ManagedIdentityCredential())
    const { name } = await client.setSecret('from-child', 'value')
    console.log('wrote', name)`

  const { code, output } = await child(script, server.environment)

  assert.equal(output.trim(), 'wrote from-child')
  assert.equal(code, 0)
  assert.equal(cloud.vault('kv-child.vault.azure.net').read('from-child'), 'value')
})

test('a process with the preload does not start without a port, or where the environment looks like Azure', async () => {
  const [portless, inAzure] = await Promise.all([
    child('console.log("ran")', {}),
    child('console.log("ran")', {
      ...server.environment,
      WEBSITE_SITE_NAME: 'func-rekey',
      WEBSITE_HOSTNAME: 'func-rekey.azurewebsites.net',
    }),
  ])

  assert.match(portless.output, /SIMULATED_AZURE_PORT is missing/)
  assert.match(inAzure.output, /does not run in Azure/)
  for (const { code, output } of [portless, inAzure]) {
    assert.notEqual(code, 0)
    assert.doesNotMatch(output, /^ran/m)
  }
})

test('a local Functions host is not Azure', () => {
  refuseInAzure({ WEBSITE_SITE_NAME: 'rekey', WEBSITE_HOSTNAME: 'localhost:7071' })

  assert.throws(
    () => refuseInAzure({ WEBSITE_INSTANCE_ID: 'abc', WEBSITE_HOSTNAME: 'localhost:7071' }),
    /does not run in Azure/,
  )
})

test('the managed-identity endpoint requires its header and a resource', async () => {
  const url = `${server.environment['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://vault.azure.net`
  const headers = { 'x-identity-header': server.environment['IDENTITY_HEADER']! }

  const without = await fetch(url)
  const answer = await fetch(`${url}&client_id=user-assigned`, { headers })

  assert.equal(without.status, 401)
  const { access_token, resource } = (await answer.json()) as Record<string, string>
  assert.equal(resource, 'https://vault.azure.net')
  assert.equal(cloud.identity.find(access_token!)?.caller, 'user-assigned')
  const claims = JSON.parse(Buffer.from(access_token!.split('.')[1]!, 'base64url').toString())
  assert.deepEqual([claims.aud, claims.appid], ['https://vault.azure.net', 'user-assigned'])
})

test('the management API moves the clock, shows the history, and takes keys and faults', async () => {
  const account = cloud.cognitiveServices.add({ name: 'managed' })
  const key = account.keyOf('Key1')
  const resource = account.resourceId

  const accepted = await manage('POST', '/accepts', { resource, key })
  await manage('POST', '/regenerate', { resource, slot: 'Key1' })
  const refused = await manage('POST', '/accepts', { resource, key })
  const clock = await manage('POST', '/clock', { advance: 1000 })
  const faults = await manage('POST', '/faults', { name: 'staleReads', ms: 1000 })
  const unknownFault = await manage('POST', '/faults', { name: 'nonsense' })
  const cleared = await manage('DELETE', '/faults')
  const nowhere = await manage('POST', '/accepts', { resource: '/nowhere', key })

  assert.deepEqual([accepted.body, refused.body], [{ accepted: true }, { accepted: false }])
  assert.deepEqual(clock.body, { now: start + 1000 })
  assert.deepEqual([faults.body, cleared.body, unknownFault.status], [['staleReads'], [], 400])
  assert.equal(nowhere.status, 404)
  assert.ok((await manage('GET', '/history')).body)
})

test('the management API shows and switches secrets, and hands out events', async () => {
  const vault = cloud.vault('kv-managed.vault.azure.net')
  vault.set('a', 'value', { expires: cloud.clock.now() + 24 * 60 * 60_000 })
  cloud.clock.advance(15 * 60_000)
  const secret = `/vaults/${vault.host}/secrets/a`

  const shown = await manage('GET', secret)
  await manage('POST', `${secret}/disable`)
  const disabled = vault.versions('a')[0]!.enabled
  const events = await manage('POST', `/vaults/${vault.host}/events`)
  const nonsense = await manage('POST', `${secret}/explode`)

  assert.equal((shown.body as { value: string }).value, 'value')
  assert.equal(disabled, false)
  assert.equal((events.body as unknown[]).length, 1)
  assert.equal(nonsense.status, 400)
})

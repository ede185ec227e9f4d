// Tokens that a service no longer accepts: expired in the middle of a rotation, or revoked. Every client requests one new
// token and sends once more; a key is created exactly once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Fault, simulatedCloud } from '../../simulator/cloud.ts'
import { claimsChallenges, expiringTokens } from '../../simulator/wire-faults.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { createAnnouncer } from '../../src/azure/event-grid.ts'
import { createVault } from '../../src/azure/key-vault.ts'
import { hours, minutes } from '../../src/engine/target.ts'
import { providers } from '../providers/all-providers.ts'
import { calls, failure, opened } from '../providers/opened.ts'
import { connect } from '../simulated-azure.ts'
import { wire } from './wire.ts'

const start = Date.UTC(2026, 0, 1)
const signal = new AbortController().signal
const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'
const vaultHost = 'kv-prod.vault.azure.net'
const event = { id: 'v', type: 'Rekey.KeyRotated', subject: '/targets/t', time: 0, data: { target: 't' } } as never

/** Each with a token in use, which the fault then takes away. */
const faults: readonly (readonly [what: string, make: () => Fault, pass: number])[] = [
  ['expired', () => expiringTokens({ ms: hours(1) }), hours(1) + minutes(1)],
  ['was revoked', () => claimsChallenges({ times: 1 }), 0],
]

for (const [what, make, pass] of faults) {
  for (const provider of providers) {
    test(`${provider.id}: when the token ${what} before a regenerate, one key is made, with a new token`, async () => {
      const on = opened(provider)
      const fault = make()
      if (pass > 0) on.cloud.faults.add(fault)
      await on.holder.read(on.signal)
      const before = on.cloud.history.length
      if (pass > 0) on.cloud.clock.advance(pass)
      else on.cloud.faults.add(fault)

      await on.holder.regenerate(provider.slots[0], on.call)

      const after = on.cloud.history.slice(before)
      const refused = after.filter(({ status }) => status === 401)
      assert.ok(refused.length >= 1, 'the fault struck')
      assert.ok(refused.every(({ effect }) => effect === undefined))
      assert.equal(after.filter(({ effect }) => effect).length, 1)
    })
  }

  test(`Key Vault: when the token ${what}, a read and a write succeed with a new one, and one version is made`, async () => {
    const cloud = simulatedCloud({ clock: virtualClock(start) })
    const fault = make()
    if (pass > 0) cloud.faults.add(fault)
    const kv = cloud.vault(vaultHost)
    const { SecretClient } = await import('@azure/keyvault-secrets')
    const { endpoint: _, ...options } = connect(cloud).sdk('once')
    const client = new SecretClient(`https://${vaultHost}`, cloud.identity.credential('vault'), options)
    kv.set('a', 'one')
    await client.getSecret('a')
    if (pass > 0) cloud.clock.advance(pass)
    else cloud.faults.add(fault)

    await client.setSecret('a', 'two')
    const read = await client.getSecret('a')

    assert.equal(read.value, 'two')
    assert.deepEqual(
      kv.versions('a').map((version) => version.value),
      ['two', 'one'],
    )
  })

  test(`Event Grid: when the token ${what}, the event arrives once`, async () => {
    const cloud = simulatedCloud({ clock: virtualClock(start) })
    const fault = make()
    if (pass > 0) cloud.faults.add(fault)
    const topic = cloud.topic(topicHost)
    const announcer = createAnnouncer(
      { endpoint: topic.endpoint, schema: 'CloudEvent', source: '/rekey' },
      connect(cloud),
    )
    await announcer.announce([event], signal)
    if (pass > 0) cloud.clock.advance(pass)
    else cloud.faults.add(fault)

    await announcer.announce([event], signal)

    assert.equal(topic.events.length, 2)
    assert.deepEqual(
      cloud.history.map(({ status }) => status),
      [200, 401, 200],
    )
  })
}

test('A token that is refused again after it was renewed is a passing failure, for a read and for a regenerate that made no key', async () => {
  for (const provider of providers) {
    const on = opened(provider)
    const before = on.handle.keys()

    const read = await failure(on, [claimsChallenges()], () => on.holder.read(on.signal))
    const made = await failure(on, [claimsChallenges()], () => on.holder.regenerate(provider.slots[0], on.call))

    for (const error of [read, made]) {
      assert.deepEqual(
        [error.code, error.transient, error.details.outcomeUnknown],
        ['ServiceUnavailable', true, undefined],
      )
    }
    assert.deepEqual(on.handle.keys(), before, provider.id)
  }
})

test('A token that a service always refuses costs one more token and one more send, and is a missing permission', async () => {
  const provider = providers.find(({ id }) => id === 'cognitive-services')!
  const on = opened(provider)
  on.azure.credential.getToken = async () => ({ token: 'a.b.c', expiresOnTimestamp: Date.now() + hours(1) })

  const error = await failure(on, [], () => on.holder.read(on.signal))

  assert.equal(error.code, 'PermissionDenied')
  assert.equal(calls(on, 'cognitive-services/listKeys').sent, 2)
})

test('Of a vault’s challenge only the tenant is used: the token is for vaults of our cloud, whatever authority and resource it names', async () => {
  const cloud = simulatedCloud({ clock: virtualClock(start) })
  cloud.vault(vaultHost).set('a', 'one')
  const hosts = new Set<string>()
  const hostile = async (request: Request) => {
    hosts.add(new URL(request.url).host)
    const response = await cloud.fetch(request)
    // The SDK takes any parent domain of the vault's for a fitting resource.
    const challenge = `Bearer authorization="https://login.evil.example/tenant-7", resource="https://azure.net"`
    if (response.status === 401) response.headers.set('www-authenticate', challenge)
    return response
  }
  const asked: unknown[] = []
  const credential = cloud.identity.credential()
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: {
      getToken: async (scopes, options) => {
        asked.push({ scopes, tenant: options?.tenantId })
        return await credential.getToken(scopes)
      },
    },
    httpClient: wire(hostile),
  })

  const read = await createVault(`https://${vaultHost}`, azure).current('a', signal)

  assert.equal(read?.value?.reveal(), 'one')
  assert.deepEqual(asked, [{ scopes: ['https://vault.azure.net/.default'], tenant: 'tenant-7' }])
  assert.deepEqual([...hosts], [vaultHost])
})

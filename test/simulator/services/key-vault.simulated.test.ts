// Key Vault, as the real one speaks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { virtualClock } from '../../../simulator/clock.ts'
import { simulatedCloud } from '../../../simulator/cloud.ts'
import { anonymousCaller, type Caller, caller } from '../raw-caller.ts'

const host = 'kv-prod.vault.azure.net'
const start = Date.parse('2026-01-01T00:00:00Z')
const day = 24 * 60 * 60_000
const at = (path: string): string => `https://${host}${path}?api%2Dversion=2026-04-01`

function world() {
  const clock = virtualClock(start)
  const cloud = simulatedCloud({ clock })
  return { clock, cloud, vault: cloud.vault(host), call: caller(cloud) }
}

test('a call without a token is challenged with the vault’s resource and the tenant', async () => {
  const { cloud } = world()

  const answer = await anonymousCaller(cloud)('PUT', at('/secrets/a'))

  assert.equal(answer.status, 401)
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer authorization="https://login.windows.net/${cloud.identity.tenant}", resource="https://vault.azure.net"`,
  )
  assert.match(answer.body.error.message, /^AKV10000/)
})

test('a set makes a new current version; tags and expiry belong to that version alone', async () => {
  const { call, vault } = world()

  const first = await call('PUT', at('/secrets/a'), {
    value: 'one',
    tags: { t: '1' },
    attributes: { exp: 1_800_000_000 },
  })
  const second = await call('PUT', at('/secrets/a'), { value: 'two' })
  const current = await call('GET', at('/secrets/a/'))

  assert.equal(current.body.value, 'two')
  assert.equal(current.body.id, second.body.id)
  assert.equal(current.body.tags, undefined)
  assert.match(first.body.id, /^https:\/\/kv-prod\.vault\.azure\.net\/secrets\/a\/[0-9a-f]{32}$/)
  assert.deepEqual(first.body.attributes, {
    enabled: true,
    exp: 1_800_000_000,
    created: start / 1000,
    updated: start / 1000,
    recoveryLevel: 'Recoverable+Purgeable',
    recoverableDays: 90,
  })
  assert.deepEqual(
    vault.versions('a').map(({ value }) => value),
    ['two', 'one'],
  )
})

test('an update keeps the value and whatever it does not mention', async () => {
  const { call, clock } = world()
  const made = await call('PUT', at('/secrets/a'), {
    value: 'one',
    tags: { t: '1' },
    attributes: { exp: 1_800_000_000 },
  })
  const version = made.body.id.split('/').at(-1)
  clock.advance(5000)

  const updated = await call('PATCH', at(`/secrets/a/${version}`), { tags: { u: '2' } })
  await call('PATCH', at(`/secrets/a/${version}`), { attributes: { enabled: true } })
  const read = await call('GET', at(`/secrets/a/${version}`))

  assert.equal(updated.body.value, undefined)
  assert.equal(read.body.value, 'one')
  assert.deepEqual(read.body.tags, { u: '2' })
  assert.equal(read.body.attributes.exp, 1_800_000_000)
  assert.equal(read.body.attributes.updated, start / 1000 + 5)
})

test('a disabled version cannot be read, but listed, updated and superseded', async () => {
  const { call, vault } = world()
  vault.set('a', 'one')
  vault.disable('a')

  const read = await call('GET', at('/secrets/a/'))
  const listed = await call('GET', at('/secrets'))
  const updated = await call('PATCH', at('/secrets/a/'), { tags: { x: 'y' } })
  await call('PUT', at('/secrets/a'), { value: 'two' })

  assert.deepEqual(
    [read.status, read.body.error.code, read.body.error.innererror.code],
    [403, 'Forbidden', 'SecretDisabled'],
  )
  assert.equal(listed.body.value[0].attributes.enabled, false)
  assert.equal(updated.status, 200)
  assert.equal((await call('GET', at('/secrets/a/'))).body.value, 'two')
})

test('a deleted secret is 404 to readers and 409 to writers until it is recovered, and its versions come back', async () => {
  const { call, vault, clock } = world()
  vault.set('a', 'one')
  vault.set('a', 'two')
  vault.delete('a')

  const read = await call('GET', at('/secrets/a/'))
  const written = await call('PUT', at('/secrets/a'), { value: 'three' })
  vault.recover('a', 10_000)
  const early = await call('PUT', at('/secrets/a'), { value: 'three' })
  clock.advance(10_000)
  const late = await call('PUT', at('/secrets/a'), { value: 'three' })

  assert.deepEqual([read.status, read.body.error.code], [404, 'SecretNotFound'])
  assert.deepEqual([written.status, written.body.error.innererror.code], [409, 'ObjectIsDeletedButRecoverable'])
  assert.deepEqual([early.status, early.body.error.innererror.code], [409, 'ObjectIsBeingRecovered'])
  assert.equal(late.status, 200)
  assert.equal(vault.versions('a').length, 3)
})

test('the delete, recover and purge of the API do the same as an operator', async () => {
  const { call, vault, clock } = world()
  const wait = () => clock.advance(5000)
  vault.set('a', 'one')

  const deleted = await call('DELETE', at('/secrets/a'))
  wait()
  const seen = await call('GET', at('/deletedsecrets/a'))
  const recovered = await call('POST', at('/deletedsecrets/a/recover'))
  wait()
  const afterRecovery = vault.read('a')
  await call('DELETE', at('/secrets/a'))
  wait()
  const purged = await call('DELETE', at('/deletedsecrets/a'))

  assert.deepEqual([deleted.status, seen.status, recovered.status, purged.status], [200, 200, 200, 204])
  assert.equal(deleted.body.recoveryId, `https://${host}/deletedsecrets/a`)
  assert.equal(afterRecovery, 'one')
  assert.equal((await call('GET', at('/deletedsecrets/a'))).status, 404)
})

async function walk(call: Caller, url: string): Promise<string[]> {
  const found: string[] = []
  let next: string | null = url
  while (next) {
    const { body } = (await call('GET', next)) as Awaited<ReturnType<Caller>>
    assert.ok(body.value.length <= 25)
    for (const item of body.value) {
      assert.equal(item.value, undefined)
      found.push(item.id)
    }
    next = body.nextLink
  }
  return found
}

test('whatever the number of secrets and versions, paging by absolute links shows each once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), async (count, size) => {
      const { call, vault } = world()
      for (let i = 0; i < count; i += 1) vault.set(`s-${i}`, 'v')
      for (let i = 0; i < count; i += 1) vault.set('versions', `${i}`)

      const secrets = await walk(call, `${at('/secrets')}&maxresults=${size}`)
      const versions = count === 0 ? [] : await walk(call, at('/secrets/versions/versions'))

      assert.equal(new Set(secrets).size, secrets.length)
      assert.equal(secrets.length, count + Math.min(1, count))
      assert.equal(new Set(versions).size, count)
    }),
    { numRuns: 10 },
  )
})

test('versions are listed in no order of time', async () => {
  const { call, vault, clock } = world()
  const made: string[] = []
  for (let i = 0; i < 10; i += 1) {
    made.push(vault.set('a', `${i}`))
    clock.advance(1000)
  }

  const listed = (await walk(call, at('/secrets/a/versions'))).map((id) => id.split('/').at(-1))

  assert.notDeepEqual(listed, made)
  assert.notDeepEqual(listed, [...made].reverse())
  assert.deepEqual(new Set(listed), new Set(made))
})

test('limits of the service: names, tags, page size', async () => {
  const { call } = world()
  const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, 'x']))

  const statuses = [
    (await call('PUT', at('/secrets/under_score'), { value: 'v' })).status,
    (await call('PUT', at('/secrets/a'), { value: 'v', tags: tags(16) })).status,
    (await call('PUT', at('/secrets/a'), { value: 'v', tags: { long: 'x'.repeat(513) } })).status,
    (await call('PUT', at('/secrets/a'), {})).status,
    (await call('GET', `${at('/secrets')}&maxresults=26`)).status,
    (await call('PUT', at('/secrets/a'), { value: 'v', tags: tags(15) })).status,
  ]

  assert.deepEqual(statuses, [400, 400, 400, 400, 400, 200])
})

test('an action missing on one secret is ForbiddenByRbac, at the vault’s own scope', async () => {
  const { cloud, call, vault } = world()
  vault.set('a', 'one')
  cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/getSecret/action', vault.resourceId)

  const read = await call('GET', at('/secrets/a/'))
  const listed = await call('GET', at('/secrets'))

  assert.deepEqual([read.status, read.body.error.innererror.code], [403, 'ForbiddenByRbac'])
  assert.equal(listed.status, 200)
})

test('a vault reports near expiry once, 30 days before, for the version that is current then, and expiry on the day', () => {
  const { vault, clock } = world()
  vault.set('a', 'one', { expires: start + 60 * day })
  vault.set('b', 'old', { expires: start + 60 * day })
  clock.advance(29 * day)
  const early = vault.takeEvents()
  vault.set('b', 'new', { expires: start + 200 * day })
  clock.advance(1 * day)

  const near = vault.takeEvents()
  const again = vault.takeEvents()
  clock.advance(30 * day)
  const expired = vault.takeEvents()

  assert.deepEqual(early, [])
  assert.deepEqual(again, [])
  assert.deepEqual(
    [...near, ...expired].map(({ type, subject, time }) => [type, subject, Date.parse(time) - start]),
    [
      ['Microsoft.KeyVault.SecretNearExpiry', 'a', 30 * day],
      ['Microsoft.KeyVault.SecretExpired', 'a', 60 * day],
    ],
  )
  assert.equal(near[0]!.source, vault.resourceId)
  assert.deepEqual(
    { ...near[0]!.data, Id: undefined, Version: undefined },
    {
      Id: undefined,
      VaultName: 'kv-prod',
      ObjectType: 'Secret',
      ObjectName: 'a',
      Version: undefined,
      NBF: null,
      EXP: (start + 60 * day) / 1000,
    },
  )
})

test('a vault reports a version written with less than 30 days to go within 15 minutes', () => {
  const { vault, clock } = world()
  vault.set('a', 'one', { expires: start + 10 * day })
  const atOnce = vault.takeEvents()

  clock.advance(15 * 60_000)
  const soon = vault.takeEvents()

  assert.deepEqual(atOnce, [])
  assert.deepEqual(
    soon.map(({ type }) => type),
    ['Microsoft.KeyVault.SecretNearExpiry'],
  )
})

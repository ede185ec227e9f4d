// The vault as the engine sees it, against the simulated Key Vault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Fault, simulatedCloud } from '../../simulator/cloud.ts'
import { lostAnswer, serverError, truncatedBody } from '../../simulator/faults.ts'
import { createAzureClients } from '../../src/azure/clients.ts'
import { clouds } from '../../src/azure/clouds.ts'
import { createVault, type ListedVault, vaultActions } from '../../src/azure/key-vault.ts'
import type { SecretMetadata } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { days, latestExpiry } from '../../src/engine/target.ts'
import { type Fetch, wire } from './wire.ts'

const start = Date.UTC(2026, 10, 21, 3, 0, 0)
const host = 'kv-prod.vault.azure.net'

function world(...faults: readonly Fault[]) {
  const clock = virtualClock(start)
  const cloud = simulatedCloud({ clock, faults })
  const kv = cloud.vault(host)
  const wait = async () => {}
  const open = (fetch: Fetch = cloud.fetch) =>
    createVault(
      `https://${host}`,
      createAzureClients({
        cloud: clouds.public,
        credential: cloud.identity.credential(),
        httpClient: wire(fetch),
        wait,
      }),
    )
  return {
    cloud,
    clock,
    kv,
    vault: open(),
    open,
    calls: (name: string) => cloud.history.filter((h) => h.operation === `key-vault/${name}` && h.status !== 401),
  }
}

function metadata(more: Partial<SecretMetadata> = {}): SecretMetadata {
  return {
    stamps: { target: 'vision', rotatedAt: start + 1, reason: 'due' },
    slot: 'Key1',
    address: '/subscriptions/s',
    validityDays: 90,
    expiresOn: start + days(90),
    otherTags: {},
    ...more,
  }
}

const signal = new AbortController().signal
const value = Secret.of('a-new-key')

test('a secret that does not exist is absent', async () => {
  const { vault } = world()

  assert.equal(await vault.current('vision-key', signal), undefined)
  assert.equal(await vault.version('vision-key', 'f'.repeat(32), signal), undefined)
  assert.deepEqual(await vault.versions('vision-key', 5, signal), [])
})

test('what is published is current: value, tags, expiry and version', async () => {
  const { vault, kv } = world()

  const published = await vault.publish('vision-key', value, metadata({ otherTags: { owner: 'me' } }), signal)
  const current = await vault.current('vision-key', signal)

  assert.equal(kv.read('vision-key'), 'a-new-key')
  assert.deepEqual(current, published)
  assert.ok(current?.value?.equals(value))
  assert.deepEqual(
    { ...current, value: undefined },
    {
      name: 'vision-key',
      version: kv.versions('vision-key')[0]?.id,
      value: undefined,
      enabled: true,
      created: start,
      expiresOn: start + days(90),
      stamps: { target: 'vision', rotatedAt: start + 1, reason: 'due' },
      slot: 'Key1',
      address: '/subscriptions/s',
      validity: '90',
      otherTags: { owner: 'me' },
    },
  )
})

test('A secret’s content type is read with it, and kept', async () => {
  const { vault } = world()

  const published = await vault.publish('vision-key', value, metadata({ contentType: 'text/plain' }), signal)

  assert.equal(published.contentType, 'text/plain')
  assert.equal((await vault.current('vision-key', signal))?.contentType, 'text/plain')
})

test('describing a version rewrites its tags and keeps value, version and expiry', async () => {
  const { vault, kv } = world()
  const published = await vault.publish('vision-key', value, metadata(), signal)

  const { expiresOn: _, ...rest } = metadata({ stamps: { target: 'vision', announced: true } })
  const described = await vault.describe(published, rest, signal)

  assert.ok(described.value?.equals(value))
  assert.deepEqual(await vault.current('vision-key', signal), described)
  assert.equal(described.expiresOn, start + days(90))
  assert.deepEqual(described.stamps, { target: 'vision', announced: true })
  assert.equal(kv.versions('vision-key').length, 1)
})

test('versions come newest first, whatever order the vault lists them in, and over all its pages', async () => {
  const { vault, kv, clock } = world()
  const ids = Array.from({ length: 60 }, (_, n) => {
    clock.advance(1000)
    return kv.set('vision-key', `value ${n}`)
  })

  const versions = await vault.versions('vision-key', 3, signal)

  assert.deepEqual(
    versions.map(({ version }) => version),
    ids.slice(-3).reverse(),
  )
  assert.ok(versions.every((version) => version.value === undefined))
})

test('of a disabled current version everything but the value is known, though an earlier one is enabled', async () => {
  const { vault, kv, clock } = world()
  kv.set('vision-key', 'old')
  clock.advance(5000)
  const { version } = await vault.publish('vision-key', value, metadata(), signal)
  kv.disable('vision-key')

  const current = await vault.current('vision-key', signal)

  assert.equal(current?.version, version)
  assert.equal(current?.enabled, false)
  assert.equal(current?.value, undefined)
  assert.equal(current?.stamps?.target, 'vision')
})

test('of two versions of one second the disabled one is current, once the vault says that the current one is disabled', async () => {
  const { vault, kv } = world()
  // The listing is ordered by ids, which are random: of so many, some would show the other one.
  const disabled = new Map(
    Array.from({ length: 12 }, (_, n) => {
      kv.set(`key-${n}`, 'old')
      return [`key-${n}`, kv.set(`key-${n}`, 'new', { enabled: false })] as const
    }),
  )

  for (const [name, id] of disabled) {
    const current = await vault.current(name, signal)

    assert.deepEqual([current?.version, current?.enabled], [id, false])
  }
})

test('an earlier version is read by its id, disabled or not', async () => {
  const { vault, kv, clock } = world()
  const first = kv.set('vision-key', 'first', { enabled: false })
  clock.advance(1000)
  const second = kv.set('vision-key', 'second')
  clock.advance(1000)
  kv.set('vision-key', 'third')

  const [disabled, enabled] = [
    await vault.version('vision-key', first, signal),
    await vault.version('vision-key', second, signal),
  ]

  assert.deepEqual([disabled?.version, disabled?.enabled, disabled?.value], [first, false, undefined])
  assert.deepEqual([enabled?.version, enabled?.value?.reveal()], [second, 'second'])
})

test('a deleted secret is absent to a read, and publishing over it says how to recover it', async () => {
  const { vault, kv } = world()
  kv.set('vision-key', 'old')
  kv.delete('vision-key')

  assert.equal(await vault.current('vision-key', signal), undefined)
  const error = await vault.publish('vision-key', value, metadata(), signal).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'SecretDeleted')
  assert.match(error.details.remedy ?? '', /az keyvault secret recover --vault-name [a-z0-9-]+ --name vision-key\./)
  assert.equal(error.transient, false)
})

test('A secret that is being recovered is busy, not deleted', async () => {
  const { vault, kv } = world()
  kv.set('vision-key', 'old')
  kv.delete('vision-key')
  kv.recover('vision-key', 60_000)

  await assert.rejects(vault.publish('vision-key', value, metadata(), signal), { code: 'ServiceBusy', transient: true })
})

test('an expiry past 2038-01-19 is refused before anything is sent', async () => {
  const { vault, kv } = world()
  const late = metadata({ expiresOn: Date.UTC(2040, 0, 1) })

  vault.fits('vision-key', metadata({ expiresOn: latestExpiry }))
  assert.throws(() => vault.fits('vision-key', late), { code: 'BadConfiguration' })
  await assert.rejects(vault.publish('vision-key', value, late, signal), { code: 'BadConfiguration' })

  assert.deepEqual(kv.names(), [])
})

test('tags that do not fit are refused before anything is sent', async () => {
  const { vault, kv } = world()
  const large = metadata({ otherTags: { essay: 'x'.repeat(600) } })

  assert.throws(() => vault.fits('vision-key', large), { code: 'TagsTooLarge' })
  await assert.rejects(vault.publish('vision-key', value, large, signal), { code: 'TagsTooLarge' })

  assert.deepEqual(kv.names(), [])
})

for (const [name, fault] of [
  ['an answer is lost', lostAnswer({ operation: 'key-vault/setSecret', times: 1 })],
  ['the answer is cut short', truncatedBody({ operation: 'key-vault/setSecret', times: 1 })],
  ['the vault fails after the write', serverError({ operation: 'key-vault/setSecret', when: 'after', times: 1 })],
  [
    'a gateway answers without a body',
    serverError({ operation: 'key-vault/setSecret', when: 'after', times: 1, status: 503, body: 'empty' }),
  ],
] as const) {
  test(`when ${name}, the write is not repeated, and its outcome is unknown`, async () => {
    const { vault, kv } = world(fault)
    await vault.current('vision-key', signal)

    const error = await vault.publish('vision-key', value, metadata(), signal).catch((e: unknown) => e)

    assert.ok(error instanceof RekeyError)
    assert.equal(error.details.outcomeUnknown, true)
    assert.equal(error.transient, true)
    assert.equal(kv.versions('vision-key').length, 1)
  })
}

test('reads and tag updates are repeated until they go through', async () => {
  const { vault, kv, cloud } = world()
  const published = await vault.publish('vision-key', value, metadata(), signal)
  cloud.faults.add(serverError({ operation: 'key-vault/getSecret', when: 'before', times: 2 }))
  cloud.faults.add(lostAnswer({ operation: 'key-vault/updateSecret', times: 2 }))

  const current = await vault.current('vision-key', signal)
  const described = await vault.describe(published, metadata({ slot: 'Key2' }), signal)

  assert.equal(current?.version, published.version)
  assert.equal(described.slot, 'Key2')
  assert.equal(kv.versions('vision-key').length, 1)
})

test('A missing permission names the action that is missing, and nothing is taken for absent', async () => {
  const { vault, kv, cloud } = world()
  kv.set('vision-key', 'old')
  cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/getSecret/action')

  const error = await vault.current('vision-key', signal).catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'PermissionDenied')
  assert.match(error.details.remedy ?? '', /Microsoft\.KeyVault\/vaults\/secrets\/getSecret\/action/)
  assert.match(error.message, /kv-prod\.vault\.azure\.net/)
})

/** Every call that the vault's adapter makes. */
async function everyCall(vault: ListedVault): Promise<void> {
  for await (const _ of vault.listCurrent(signal)) break
  await vault.current('vision-key', signal)
  await vault.versions('vision-key', 5, signal)
  const published = await vault.publish('vision-key', value, metadata(), signal)
  await vault.version('vision-key', published.version, signal)
  await vault.describe(published, metadata({ slot: 'Key2' }), signal)
}

test('The calls to the vault need the rights that are named, and no other', async () => {
  const { vault, cloud, kv } = world()
  kv.set('vision-key', 'old')
  cloud.identity.deny('*')
  for (const action of Object.values(vaultActions)) cloud.identity.grant(action)

  await everyCall(vault)

  assert.equal(kv.versions('vision-key').length, 2)
})

for (const action of Object.values(vaultActions)) {
  test(`Without ${action} some call to the vault is refused`, async () => {
    const { vault, cloud, kv } = world()
    kv.set('vision-key', 'old')
    cloud.identity.deny(action)

    await assert.rejects(everyCall(vault), { code: 'PermissionDenied' })
  })
}

test('The listing gives every secret with tags and dates and no values, 25 a page, and stops when its caller ends it', async () => {
  const { vault, kv, calls } = world()
  for (let n = 0; n < 60; n += 1)
    kv.set(`secret-${n}`, `value ${n}`, { tags: { owner: 'me' }, expires: start + days(9) })

  const sizes: number[] = []
  for await (const page of vault.listCurrent(signal)) sizes.push(page.length)
  for await (const page of vault.listCurrent(signal)) {
    assert.deepEqual(page[0], {
      name: 'secret-0',
      enabled: true,
      created: start,
      expiresOn: start + days(9),
      otherTags: { owner: 'me' },
    })
    break
  }

  assert.deepEqual(sizes, [25, 25, 10])
  assert.equal(calls('listSecrets').length, 4)
})

test('An empty value is read as no key of ours, and not as an error', async () => {
  const { vault, kv } = world()
  kv.set('vision-key', '')

  const current = await vault.current('vision-key', signal)

  assert.equal(current?.enabled, true)
  assert.equal(current?.value, undefined)
})

test('one client serves all calls to a vault: only the first is challenged', async () => {
  const { vault, cloud } = world()

  await vault.current('a', signal)
  await vault.publish('a', value, metadata(), signal)
  await vault.versions('a', 1, signal)

  assert.equal(cloud.history.filter(({ status }) => status === 401).length, 1)
  assert.equal(cloud.history.length, 4)
})

test('two first calls at once both go through', async () => {
  const { vault, kv } = world()
  kv.set('a', 'one')
  kv.set('b', 'two')

  const both = await Promise.all([vault.current('a', signal), vault.current('b', signal)])

  assert.deepEqual(
    both.map((stored) => stored?.value?.reveal()),
    ['one', 'two'],
  )
})

test('A listing that its caller ends throws a RekeyError', async () => {
  const { kv, vault } = world()
  for (let n = 0; n < 30; n += 1) kv.set(`s${n}`, 'x')
  const stop = new AbortController()

  const listing = (async () => {
    for await (const page of vault.listCurrent(stop.signal)) stop.abort(page.length)
  })()

  await assert.rejects(listing, (error) => error instanceof RekeyError && /GET secrets in kv-prod/.test(error.message))
})

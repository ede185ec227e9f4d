// Secrets with the tags of Microsoft's rotation templates become targets, where targets.json allows it and the vault's value proves it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listCandidates } from '../../../src/functions/discovery/list-candidates.ts'
import { nearExpiryEvent } from '../../../src/functions/event-grid/near-expiry-event.ts'
import { repair } from '../../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../../src/functions/http/commands/rotate-target.ts'
import { startRevocations } from '../../../src/functions/http/commands/start-revocations.ts'
import { listTargets, showTarget } from '../../../src/functions/http/status/list-targets.ts'
import { health } from '../../../src/functions/http/status/show-health.ts'
import { showOperation } from '../../../src/functions/http/status/show-operation.ts'
import { rotateMessage } from '../../../src/functions/queue/rotate-message.ts'
import { days, vaultHost, vaultUrl, type World, world } from '../functions-world.ts'

const subscription = '/subscriptions/11111111-2222-3333-4444-555555555555'
const discover = { vaults: [vaultUrl], scopes: [`${subscription}/resourceGroups/rg`] }
const otherVault = 'kv-other.vault.azure.net'
const revocations = 'rekey-revocations'

interface Options {
  readonly targets?: readonly object[]
  readonly discover?: object
  readonly defaults?: object
}

/** A world whose targets.json lets tagged secrets be targets. */
async function taggedWorld({ targets = [], discover: allowed = discover, defaults = {} }: Options = {}) {
  const made = await world()
  await made.writeTargets(JSON.stringify({ defaults: { vault: vaultUrl, ...defaults }, discover: allowed, targets }))
  return made
}

interface Left {
  readonly slot?: string
  readonly validity?: string
  readonly age?: number
  readonly vault?: string
  readonly more?: Record<string, string>
}

/** A secret as the templates leave it: the bare key, three tags, an expiry, and no content type. */
function leave(made: World, name: string, value: string, address: string, left: Left = {}): string {
  const { slot = 'key1', validity = '60', age = 0, vault = vaultHost, more = {} } = left
  const createdAt = made.cloud.clock.now() - age
  return made.cloud.vault(vault).set(name, value, {
    createdAt,
    expires: createdAt + 60 * days,
    tags: { CredentialId: slot, ProviderAddress: address, ValidityPeriodDays: validity, ...more },
  })
}

const value = (made: World, name: string) => made.cloud.vault(vaultHost).read(name)
const versions = (made: World, name: string) => made.cloud.vault(vaultHost).versions(name)
const show = (made: World, name: string) => made.http(showTarget, { params: { name } })
const names = async (made: World) => {
  const { body } = await made.http(listTargets)
  return body.value.map(({ name }: { name: string }) => name)
}

/** A tick, and what it queued. */
async function round(made: World): Promise<void> {
  await made.tick()
  await made.drain()
}

/** What was logged of a secret that is no target. */
function notTaken(made: World): string {
  return made.lines
    .filter(({ text }) => /not taken|schedule: skipped/.test(text))
    .map(({ text }) => text)
    .join('\n')
}

describe('A vault as Microsoft’s templates leave it', () => {
  test('A storage key and a Cosmos DB key are found by their tags, taken over as they are, and rotated in time', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    const cosmos = made.cloud.cosmosAccounts.add({ name: 'catalogue' })
    const ring = cosmos.ring('readWrite')
    leave(made, 'storageKey', store.keyOf('key2'), store.resourceId, { slot: 'key2', more: { owner: 'shop' } })
    leave(made, 'cosmosKey', ring.keyOf('primary'), cosmos.resourceId, { slot: 'Primary' })
    made.cloud.vault(vaultHost).set('unrelated', 'not a key')

    await round(made)

    assert.deepEqual((await names(made)).toSorted(), ['cosmosKey', 'storageKey'])
    for (const [name, state] of [
      ['storageKey', 'current'],
      // The account says that its keys are as old as itself.
      ['cosmosKey', 'due'],
    ] as const) {
      const { body } = await show(made, name)
      assert.deepEqual([name, body.status], [name, state])
      assert.equal(versions(made, name).length, 1, 'taken over without a new version')
    }
    assert.equal(made.cloud.history.filter(({ operation }) => /regenerate/.test(operation)).length, 0)

    // 60 days of validity, less the 30 at which Key Vault warns.
    made.cloud.clock.advance(29 * days)
    await round(made)
    const early = versions(made, 'storageKey').length
    made.cloud.clock.advance(2 * days)
    await round(made)
    made.cloud.clock.advance(7 * 60_000)
    await made.drain()

    const [current, before] = versions(made, 'storageKey')
    assert.ok(store.accepts(current!.value) && store.accepts(before!.value))
    const { CredentialId, ProviderAddress, ValidityPeriodDays, owner } = current!.tags as Record<string, string>
    assert.deepEqual(
      [CredentialId, ProviderAddress, ValidityPeriodDays, owner],
      ['key1', store.resourceId, '60', 'shop'],
    )
    assert.ok(early <= 2)
    await made.close()
  })

  const templated = {
    'A storage key': (made: World) => {
      const store = made.cloud.storageAccounts.add({ name: 'orders' })
      leave(made, 'appKey', store.keyOf('key1'), store.resourceId, { age: 20 * days })
      return { next: () => store.keyOf('key2'), accepts: store.accepts }
    },
    'A Cosmos DB key': (made: World) => {
      const account = made.cloud.cosmosAccounts.add({ name: 'catalogue' })
      const ring = account.ring('readWrite')
      // Younger than the account: its keys are as old as that.
      leave(made, 'appKey', ring.keyOf('primary'), account.resourceId, { slot: 'Primary', age: 20 * days })
      return { next: () => ring.keyOf('secondary'), accepts: ring.accepts }
    },
  }
  for (const [what, add] of Object.entries(templated)) {
    test(`${what} that was found is rotated by Key Vault’s event that it expires soon, and the key before it works on`, async () => {
      const made = await taggedWorld()
      const { next, accepts } = add(made)
      await made.tick()
      const before = value(made, 'appKey')!
      made.cloud.clock.advance(11 * days)
      const [event] = made.cloud
        .vault(vaultHost)
        .takeEvents()
        .filter(({ type }) => type.endsWith('SecretNearExpiry'))

      await nearExpiryEvent(event, made.context('nearExpiry'), made.compose)
      for (let minutes = 0; minutes < 60 && value(made, 'appKey') === before; minutes += 10) {
        await made.drain()
        made.cloud.clock.advance(10 * 60_000)
      }

      assert.equal(value(made, 'appKey'), next())
      assert.ok(accepts(next()) && accepts(before))
      await made.close()
    })
  }

  test('A found target can be shown, rotated and repaired over HTTP, by an instance that has just started too', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId, { age: 3 * days })
    await round(made)
    made.restart()

    const shown = await show(made, 'storageKey')
    const rotated = await made.http(rotate, { params: { name: 'storageKey' }, body: {} })

    assert.deepEqual([shown.status, shown.body.provider], [200, 'storage-account'])
    assert.equal(rotated.status, 200, JSON.stringify(rotated.body))
    assert.equal(value(made, 'storageKey'), store.keyOf('key2'))
    await made.close()
  })

  test('Drift of a found target is repaired once its secret was seen to hold a live key', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    made.cloud.clock.advance(days)
    store.regenerateByHand('key1')
    made.cloud.clock.advance(days)

    const { status } = await made.http(repair, { params: { name: 'storageKey' }, body: {} })

    assert.equal(status, 200)
    assert.ok(store.accepts(value(made, 'storageKey')!))
    await made.close()
  })

  test('A vault that is no longer named in discover has no targets of its own any more', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    assert.deepEqual(await names(made), ['storageKey'])

    await made.writeTargets(JSON.stringify({ defaults: { vault: vaultUrl }, targets: [] }))

    assert.deepEqual(await names(made), [])
    await made.close()
  })
})

describe('Whoever may write tags', () => {
  const attacks: readonly (readonly [string, (made: World, address: string) => void])[] = [
    ['a value that is no key of the resource', (made, address) => leave(made, 'mine', 'guess', address)],
    [
      'a forged tag of ours beside such a value',
      (made, address) => {
        const now = new Date(made.cloud.clock.now()).toISOString()
        const rekey = JSON.stringify({
          target: 'mine',
          rotatedAt: now,
          createdAfter: now,
          announced: true,
          proven: true,
        })
        leave(made, 'mine', 'guess', address, { age: days, more: { rekey } })
      },
    ],
  ]
  for (const [what, attack] of attacks) {
    test(`cannot have a key written into a secret: ${what}`, async () => {
      const made = await taggedWorld()
      const store = made.cloud.storageAccounts.add({ name: 'orders' })
      attack(made, store.resourceId)

      await round(made)
      const { body: listed } = await show(made, 'mine')
      const forced = await made.http(rotate, { params: { name: 'mine' }, body: { force: true } })
      const repaired = await made.http(repair, { params: { name: 'mine' }, body: {} })

      assert.equal(listed.status, 'untagged')
      assert.deepEqual([forced.body.code, repaired.body.code], ['Unmanaged', 'Unmanaged'])
      assert.deepEqual(
        versions(made, 'mine').map((each) => each.value),
        ['guess'],
      )
      assert.equal(made.cloud.history.filter(({ operation }) => /regenerate/.test(operation)).length, 0)
      await made.close()
    })
  }

  test('cannot have a key written by deleting the secret after it was found', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'mine', 'guess', store.resourceId)
    await made.tick()
    made.cloud.vault(vaultHost).delete('mine')

    await made.drain()
    const { body } = await made.http(repair, { params: { name: 'mine' }, body: {} })

    assert.equal(body.code, 'Unmanaged')
    assert.equal(value(made, 'mine'), undefined)
    await made.close()
  })

  test('cannot turn what was verified of one resource to another', async () => {
    const made = await taggedWorld()
    const [own, victim] = ['own', 'victim'].map((name) => made.cloud.storageAccounts.add({ name: `${name}store` }))
    leave(made, 'mine', own!.keyOf('key1'), own!.resourceId)
    await round(made)
    leave(made, 'mine', 'guess', victim!.resourceId)

    await round(made)
    made.cloud.clock.advance(days)
    await round(made)

    assert.equal(value(made, 'mine'), 'guess')
    await made.close()
  })

  const elsewhere = '/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/rg'
  const account = '/providers/Microsoft.Storage/storageAccounts/orders'
  for (const [what, address] of [
    ['of another subscription', `${elsewhere}${account}`],
    ['of a group whose name begins like that of the scope', `${subscription}/resourceGroups/rg-prod${account}`],
    ['behind dots', `${subscription}/resourceGroups/rg/../prod${account}`],
    ['behind a second path', `${subscription}/resourceGroups/rg${account}/${elsewhere}${account}`],
    [
      'whose segments are in another order',
      `/resourceGroups/rg${subscription}${account}`.replace('/resourceGroups/rg', '/resourceGroups/prod'),
    ],
    ['behind an encoded slash', `${subscription}/resourceGroups/rg%2f..%2fprod${account}`],
    ['with a query', `${subscription}/resourceGroups/rg${account}?x=1`],
    ['on another host', `https://evil.example${subscription}/resourceGroups/rg${account}`],
    ['that is a scope and no resource', `${subscription}/resourceGroups/rg`],
    ['of a type without keys', `${subscription}/resourceGroups/rg/providers/Microsoft.Web/sites/app`],
  ] as const) {
    test(`cannot aim the app at a resource ${what}`, async () => {
      const made = await taggedWorld()
      leave(made, 'mine', 'guess', address)

      await round(made)

      assert.deepEqual(await names(made), [])
      assert.match(notTaken(made), /mine/)
      assert.deepEqual(
        made.cloud.history.filter(({ host, path }) => host === 'management.azure.com' && /listKeys/i.test(path)),
        [],
      )
      await made.close()
    })
  }

  for (const validity of ['0', '-1', '1', '2', '60.5', '1e2', '', ' 60', '999999', '20000', 'P60D']) {
    test(`cannot set a validity of "${validity}" days`, async () => {
      const made = await taggedWorld()
      const store = made.cloud.storageAccounts.add({ name: 'orders' })
      leave(made, 'mine', store.keyOf('key1'), store.resourceId, { validity })

      await round(made)

      assert.deepEqual(await names(made), [])
      assert.equal(store.accepts(value(made, 'mine')!), true)
      await made.close()
    })
  }

  test('cannot take a name, a secret or a credential that targets.json has, nor what an entry claims that cannot be applied', async () => {
    const made = await taggedWorld()
    const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map((name) =>
      made.cloud.storageAccounts.add({ name }),
    )
    const entry = { name: 'named', provider: 'storage-account', secrets: { written: 'key' } }
    const wrong = { name: 'wrong', provider: 'storage-account', resource: 'none', secrets: { claimed: 'key' } }
    await made.writeTargets(
      JSON.stringify({
        defaults: { vault: vaultUrl },
        discover,
        targets: [{ ...entry, resource: first!.resourceId }, wrong],
      }),
    )
    leave(made, 'named', second!.keyOf('key1'), second!.resourceId)
    leave(made, 'written', second!.keyOf('key1'), second!.resourceId)
    leave(
      made,
      'same',
      first!.keyOf('key1'),
      first!.resourceId.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'),
    )
    leave(made, 'claimed', third!.keyOf('key1'), third!.resourceId)
    leave(made, 'free', fourth!.keyOf('key1'), fourth!.resourceId)

    await assert.rejects(round(made), 'the entry that is wrong fails the tick')

    assert.deepEqual((await names(made)).toSorted(), ['free', 'named'])
    const { body } = await show(made, 'named')
    assert.equal(body.resource.toLowerCase(), first!.resourceId.toLowerCase())
    await made.close()
  })

  test('stops the other, where two secrets name one resource: neither is rotated, and the tick says so', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'one', store.keyOf('key1'), store.resourceId)
    leave(made, 'two', store.keyOf('key1'), `${store.resourceId}/`)

    await assert.rejects(made.tick(), /another tagged secret names the same resource/)

    assert.deepEqual(await names(made), [])
    assert.match(notTaken(made), /secrets\/one[\s\S]*secrets\/two/)
    const { body } = await made.http(health)
    const check = body.checks.find(({ check: name }: { check: string }) => name === 'tagged secrets')
    assert.equal(check.status, 'warning')
    await made.close()
  })

  test('A writer of a vault cannot have a revoke dropped by naming its resource at a second secret: it waits, and its operation says why', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    const leaked = store.keyOf('key1')
    leave(made, 'one', leaked, store.resourceId)
    await round(made)
    const params = { name: 'one' }
    const asked = await made.http(revoke, { params, body: { note: 'leaked' }, headers: { prefer: 'respond-async' } })
    const [message] = await made.messages(revocations)
    const handle = () => rotateMessage(message, made.context('revoke'), made.compose, revocations)
    leave(made, 'two', 'of the writer', store.resourceId)
    await assert.rejects(made.tick())
    made.cloud.clock.advance(10 * 60_000)

    await handle()
    const operation = await made.http(showOperation, { params: { id: asked.body.id } })
    const all = await made.http(startRevocations, { body: { targets: 'all', dryRun: true } })
    const again = await made.http(revoke, { params, body: { note: 'leaked' } })
    made.cloud.vault(vaultHost).set('two', 'of the writer', {})
    await made.tick()
    await handle()

    assert.equal(
      made.sends.some(({ request, delay }) => request.target === 'one' && delay > 0),
      true,
    )
    assert.deepEqual([operation.body.status, operation.body.lastError?.code], ['Running', 'BadConfiguration'])
    assert.deepEqual([again.status, again.body.code], [503, 'BadConfiguration'])
    assert.deepEqual(all.body.notApplied?.targets.toSorted(), ['one', 'two'])
    assert.equal(store.accepts(leaked), false)
    await made.close()
  })

  test('is not believed in a vault that discover does not name', async () => {
    const made = await taggedWorld()
    made.cloud.vault(otherVault)
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'mine', store.keyOf('key1'), store.resourceId, { vault: otherVault })

    await round(made)

    assert.deepEqual(await names(made), [])
    await made.close()
  })
})

describe('Tagged secrets', () => {
  test('What was found stays in force while targets.json cannot be read, on an instance that starts then too', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    await made.writeTargets('{')

    const kept = await names(made)
    made.restart()
    const restarted = await names(made)

    assert.deepEqual([kept, restarted], [['storageKey'], ['storageKey']])
    await made.close()
  })

  test('Where the record of what was found is lost, a live key is verified again', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    await made.forgetState('tagged-secrets.json')
    made.restart()
    assert.deepEqual(await names(made), [])

    made.cloud.clock.advance(2 * 3_600_000)
    await made.tick({ last: new Date(made.cloud.clock.now() - 2 * 3_600_000).toISOString() })
    await made.drain()
    made.cloud.clock.advance(days)
    store.regenerateByHand('key1')
    made.cloud.clock.advance(days)
    const { status } = await made.http(repair, { params: { name: 'storageKey' }, body: {} })

    assert.equal(status, 200)
    assert.ok(store.accepts(value(made, 'storageKey')!))
    await made.close()
  })

  test('A tagged secret outside the scopes is a candidate, with its entry and the reason; within them it is none', async () => {
    const made = await taggedWorld()
    const [inside, outside] = ['rg', 'other'].map((group) =>
      made.cloud.storageAccounts.add({ name: `${group}store`, group }),
    )
    leave(made, 'insideKey', inside!.keyOf('key1'), inside!.resourceId)
    leave(made, 'outsideKey', outside!.keyOf('key2'), outside!.resourceId, { slot: 'key2' })
    await round(made)

    const { body } = await made.http(listCandidates)

    const [{ id, name, from, targetsEntry, grant, note }, ...more] = body.value
    assert.deepEqual([id, name, from, more], [outside!.resourceId, 'otherstore', 'tags', []])
    assert.equal(grant, `storage-account=${outside!.resourceId}`)
    assert.match(note, /secrets\/outsideKey .*not in discover\.scopes/)
    const expected = { name: 'outsideKey', secrets: { outsideKey: 'key' }, rotateEvery: 'P30D', validFor: 'P60D' }
    assert.deepEqual(targetsEntry, {
      ...{ ...expected, provider: 'storage-account', resource: outside!.resourceId, vault: vaultUrl },
    })
    await made.close()
  })

  test('A secret of a target that was removed from targets.json is not found again by the tags that Rekey wrote', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    const now = new Date(made.cloud.clock.now()).toISOString()
    const rekey = JSON.stringify({ target: 'orders', rotatedAt: now, announced: true })
    leave(made, 'orders-key', store.keyOf('key1'), store.resourceId, { more: { rekey } })

    await round(made)

    assert.deepEqual(await names(made), [])
    await made.close()
  })

  test('A vault that cannot be listed keeps what was found in it', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    made.cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/readMetadata/action')

    await assert.rejects(made.tick())

    assert.deepEqual(await names(made), ['storageKey'])
    await made.close()
  })

  test('A vault is listed once in a tick, for what is found and for what is known', async () => {
    const made = await taggedWorld()
    const store = made.cloud.storageAccounts.add({ name: 'orders' })
    leave(made, 'storageKey', store.keyOf('key1'), store.resourceId)
    await round(made)
    const before = made.cloud.history.length

    await made.tick()

    const listings = made.cloud.history.slice(before).filter(({ operation }) => operation === 'key-vault/listSecrets')
    assert.equal(listings.filter(({ status }) => status === 200).length, 1)
    await made.close()
  })

  for (const [what, wrong] of [
    ['a vault of another cloud', { vaults: ['https://kv.vault.azure.cn'], scopes: discover.scopes }],
    ['a scope that is a path', { vaults: [vaultUrl], scopes: ['/'] }],
    ['a scope with a slash at its end', { vaults: [vaultUrl], scopes: [`${subscription}/`] }],
    ['no scope', { vaults: [vaultUrl], scopes: [] }],
    ['vaults alone', { vaults: [vaultUrl] }],
    ['an unknown field', { ...discover, vault: vaultUrl }],
    ['a list', [vaultUrl]],
  ] as const) {
    test(`discover with ${what} is a problem of targets.json`, async () => {
      const made = await taggedWorld({ discover: wrong })

      const { status, body } = await made.http(listTargets)

      assert.deepEqual([status, body.code], [503, 'BadConfiguration'])
      assert.match(JSON.stringify(body.problems), /\$\.discover/)
      await made.close()
    })
  }
})

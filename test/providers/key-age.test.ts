// When keys were created, as services say it: of every provider that declares it, and what some services say beside the truth.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockBound, days, minutes } from '../../src/engine/target.ts'
import { cosmosDb } from '../../src/providers/cosmos-db.ts'
import { maps } from '../../src/providers/maps.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { storageAccount } from '../../src/providers/storage-account.ts'
import { connect } from '../simulated-azure.ts'
import { providers } from './all-providers.ts'
import { failure, type Opened, opened } from './opened.ts'

for (const provider of providers) {
  if (opened(provider).holder.createdAt === undefined) continue
  test(`${provider.id}: a key counts from when it was regenerated, and the other key from before`, async () => {
    const { holder, cloud, call, signal } = opened(provider)
    const [one, other] = provider.slots
    await holder.read(signal)
    const before = await holder.createdAt!(other!, signal)
    cloud.clock.advance(days(200))
    const sent = cloud.clock.now()
    await holder.regenerate(one, call)
    await holder.read(signal)

    const [created, kept] = [await holder.createdAt!(one, signal), await holder.createdAt!(other!, signal)]

    assert.ok(created! >= sent - clockBound && created! <= cloud.clock.now() + clockBound)
    assert.deepEqual([kept, typeof kept], [before, 'number'])
  })
}

for (const provider of providers) {
  if (opened(provider).holder.createdAt === undefined) continue
  test(`${provider.id}: a slot that has a new key since its age was read is not regenerated once more`, async () => {
    const on = opened(provider)
    const [slot] = provider.slots
    await on.holder.read(on.signal)
    await on.holder.createdAt!(slot, on.signal)
    on.cloud.clock.advance(minutes(5))
    // An earlier regenerate that ended in between.
    const { holder, call } = reopened(on, provider)
    await holder.regenerate(slot, call)
    const key = on.handle.keyOf(slot)

    const error = await failure(on, [], () => on.holder.regenerate(slot, on.call))

    assert.equal(error.code, 'ServiceChanged')
    assert.equal(error.details.outcomeUnknown, undefined)
    assert.equal(on.handle.keyOf(slot), key)
  })
}

/** The same resource, for another process. */
function reopened({ cloud, call, fields }: Opened, provider: KeyProvider) {
  return { holder: provider.open(provider.resource.parse(fields), connect(cloud, { caller: 'another' })), call }
}

/** When the slots' keys were created, once what the service answers is changed. */
async function said(provider: KeyProvider, operation: string, change: (body: never) => void) {
  const { holder, cloud, signal } = opened(provider)
  cloud.faults.add({
    name: 'said',
    install: () => ({
      after: (call, reply) => {
        if (call.operation.operation === operation) change(reply.body as never)
        return undefined
      },
    }),
  })
  await holder.read(signal)
  return Promise.all(provider.slots.map((slot) => holder.createdAt!(slot, signal)))
}

for (const moment of [null, 'never', '0001-01-01T00:00:00Z']) {
  test(`A key of a storage account whose creation is ${moment} has no known age, and the other one has`, async () => {
    type Body = { properties: { keyCreationTime: Record<string, unknown> } }
    const [key1, key2] = await said(storageAccount, 'storage-account/get', ({ properties }: Body) => {
      properties.keyCreationTime['key1'] = moment
    })

    assert.deepEqual([key1, typeof key2], [undefined, 'number'])
  })
}

test('A Maps account that says nothing of the age of a key is read all the same', async () => {
  const [primary, secondary] = await said(maps, 'maps/listKeys', (body: Record<string, unknown>) => {
    delete body['primaryKeyLastUpdated']
  })

  assert.deepEqual([primary, typeof secondary], [undefined, 'number'])
})

test('A key of Cosmos DB whose time moved when its account was created is as old as the account', async () => {
  const created = Date.parse('2025-01-01T00:00:00Z')
  type Body = { systemData: object; properties: { keysMetadata: Record<string, object> } }
  const times = await said(cosmosDb, 'cosmos-db/getAccount', (body: Body) => {
    body.systemData = { createdAt: new Date(created).toISOString() }
    const made = body.properties.keysMetadata
    made['primaryMasterKey'] = { generationTime: new Date(created + minutes(10)).toISOString() }
    made['secondaryMasterKey'] = { generationTime: new Date(created + days(20)).toISOString() }
  })

  assert.deepEqual(times, [created, created + days(20)])
})

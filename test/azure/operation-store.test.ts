// Records of operations on Azurite.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { BlobServiceClient } from '@azure/storage-blob'
import { createOperationStore, type OperationStore } from '../../src/azure/operation-store.ts'
import { openStorage } from '../../src/azure/storage.ts'
import { Secret } from '../../src/engine/secret.ts'
import { type Azurite, startAzurite } from '../started-azurite.ts'

const container = 'rekey-operations'

function storeAt(connectionString: string): OperationStore {
  const settings = { by: 'connectionString', connectionString: Secret.of(connectionString) } as const
  return createOperationStore(openStorage(settings, () => assert.fail('a connection string needs no credential')))
}

describe('Records of operations', () => {
  let azurite: Azurite
  before(async () => {
    azurite = await startAzurite()
  })
  after(() => azurite.close())

  test('Before the container exists nothing is read and nothing is listed; the first record makes it', async () => {
    const store = storeAt(azurite.connectionString)
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString)
    await service.getContainerClient(container).deleteIfExists()

    const before = [await store.read('requests/a/b.json'), await store.names('')]
    await store.write('requests/a/b.json', { status: 'Failed' })
    const after = [await store.read('requests/a/b.json'), await store.names('requests/a')]

    assert.deepEqual(before, [undefined, []])
    assert.deepEqual(after, [{ status: 'Failed' }, ['requests/a/b.json']])
  })

  test('a record is written over by the next, but one that is created stays as it was first', async () => {
    const store = storeAt(azurite.connectionString)
    const name = `${randomUUID()}.json`
    await store.write(name, { n: 1 })
    await store.write(name, { n: 2 })
    const created = [await store.create(name, { n: 3 }), await store.create(`${name}.new`, { n: 4 })]

    assert.deepEqual(created, [false, true])
    assert.deepEqual([await store.read(name), await store.read(`${name}.new`)], [{ n: 2 }, { n: 4 }])
  })

  test('A record that is not JSON is read as absent', async () => {
    const store = storeAt(azurite.connectionString)
    const name = `${randomUUID()}.json`
    await store.write(name, {})
    const client = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container)
    await client.getBlockBlobClient(name).upload('{', 1)

    assert.equal(await store.read(name), undefined)
  })

  test('An account that cannot be reached is an error of every call, never an absent record', async () => {
    const nowhere = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:1/a;'
    const store = storeAt(nowhere)
    const soon = () => AbortSignal.timeout(50)

    for (const call of [
      () => store.read('a', soon()),
      () => store.write('a', {}, soon()),
      () => store.create('a', {}, soon()),
      () => store.names('', soon()),
    ]) {
      await assert.rejects(call, { name: 'RekeyError', code: 'ServiceUnavailable' })
    }
  })
})

// Which storage account the settings name.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clouds } from '../../src/azure/clouds.ts'
import { openStorage, storageSettings } from '../../src/azure/storage.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { anyToken } from './wire.ts'

test('A storage connection string is used as it is', async () => {
  const settings = storageSettings({ AzureWebJobsStorage: 'UseDevelopmentStorage=true' }, clouds.public)

  const storage = openStorage(settings, () => assert.fail('no credential is needed'))

  assert.equal((await storage.blobs()).url, 'http://127.0.0.1:10000/devstoreaccount1')
  assert.equal((await storage.queues()).url, 'http://127.0.0.1:10001/devstoreaccount1')
})

test('Identity-based storage settings name both services and the identity', async () => {
  const settings = storageSettings(
    {
      AzureWebJobsStorage__blobServiceUri: 'https://st.blob.core.windows.net',
      AzureWebJobsStorage__queueServiceUri: 'https://st.queue.core.windows.net',
      AzureWebJobsStorage__clientId: 'client',
    },
    clouds.public,
  )
  const asked: (string | undefined)[] = []

  const storage = openStorage(settings, (clientId) => {
    asked.push(clientId)
    return anyToken
  })

  assert.equal((await storage.blobs()).accountName, 'st')
  assert.equal((await storage.queues()).accountName, 'st')
  assert.deepEqual(asked, ['client', 'client'])
})

test('The name of the storage account is enough, in every cloud', () => {
  const settings = storageSettings({ AzureWebJobsStorage__accountName: 'st' }, clouds.usgov)

  assert.deepEqual(settings, {
    by: 'identity',
    blobs: 'https://st.blob.core.usgovcloudapi.net',
    queues: 'https://st.queue.core.usgovcloudapi.net',
  })
})

test('Storage settings that are missing or incomplete name the missing settings', () => {
  for (const environment of [{}, { AzureWebJobsStorage__blobServiceUri: 'https://st.blob.core.windows.net' }]) {
    assert.throws(() => storageSettings(environment, clouds.public), {
      code: 'BadConfiguration',
      message: /AzureWebJobsStorage__queueServiceUri/,
    })
  }
})

test('A connection string that is not valid is an error that does not quote it', async () => {
  const storage = openStorage({ by: 'connectionString', connectionString: Secret.of('hunter2') }, () => assert.fail())

  const error = await storage.blobs().catch((e: unknown) => e)

  assert.ok(error instanceof RekeyError)
  assert.equal(error.code, 'BadConfiguration')
  assert.doesNotMatch(error.message + error.stack, /hunter2/)
})

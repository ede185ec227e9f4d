// What a cold start loads: no SDK before the first call that needs it.

import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'

const loaded: string[] = []
registerHooks({
  load: (url, context, next) => {
    const name = /node_modules\/((?:@azure\/)[^/]+|applicationinsights)\//.exec(url)?.[1]
    if (name !== undefined && !loaded.includes(name)) loaded.push(name)
    return next(url, context)
  },
})

test('Making every adapter loads no SDK, and the first call loads its own', async () => {
  const { createAzureClients } = await import('../../src/azure/clients.ts')
  const { clouds } = await import('../../src/azure/clouds.ts')
  const { credential } = await import('../../src/azure/credential.ts')
  const { createVault } = await import('../../src/azure/key-vault.ts')
  const { createAnnouncer } = await import('../../src/azure/event-grid.ts')
  const { createLeases } = await import('../../src/azure/blob-lease.ts')
  const { createRequestQueue } = await import('../../src/azure/request-queue.ts')
  const { openStorage } = await import('../../src/azure/storage.ts')
  const { createTelemetry } = await import('../../src/azure/telemetry.ts')
  const { Secret } = await import('../../src/engine/secret.ts')
  const ours = credential({ authority: clouds.public.authority, managed: true })
  const azure = createAzureClients({ cloud: clouds.public, credential: ours })
  const storage = openStorage(
    { by: 'connectionString', connectionString: Secret.of('UseDevelopmentStorage=true') },
    () => ours,
  )

  const vault = createVault('https://kv.vault.azure.net', azure)
  createAnnouncer({ endpoint: 'https://t.eventgrid.azure.net', schema: 'CloudEvent', source: '/rekey' }, azure)
  createLeases(storage)
  createRequestQueue(storage)
  createTelemetry({ connectionString: Secret.of('InstrumentationKey=x'), credentialOf: () => ours, log: () => {} })
  const atFirst = [...loaded]
  await vault.current('a', AbortSignal.abort()).catch(() => {})

  assert.deepEqual(atFirst, [])
  assert.ok(loaded.includes('@azure/keyvault-secrets'))
  assert.ok(!loaded.includes('@azure/storage-blob'))
  assert.ok(!loaded.includes('@azure/identity'))
})

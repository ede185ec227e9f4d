// What the settings change in the parts that the composition root makes.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { simulatedCloud } from '../simulator/cloud.ts'
import type { Fault } from '../simulator/faults.ts'
import { createAzureClients } from '../src/azure/clients.ts'
import { clouds } from '../src/azure/clouds.ts'
import { composer } from '../src/compose.ts'
import { Secret } from '../src/engine/secret.ts'
import { oldMetadata } from './memory-lease.ts'
import { connect } from './simulated-azure.ts'

const subscription = '/subscriptions/00000000-0000-0000-0000-000000000000'
const vision = {
  name: 'vision',
  provider: 'cognitive-services',
  resource: `${subscription}/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/vision`,
  secrets: { 'vision-key': 'key' },
}

async function appFolder(t: TestContext, targets: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-compose-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'targets.json'), JSON.stringify(targets))
  return folder
}

test('targets that name no vault are in the vault of the settings', async (t) => {
  const compose = composer({
    env: {
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
      AzureWebJobsScriptRoot: await appFolder(t, { targets: [vision] }),
      ROTATION_VAULT: 'https://kv-made.vault.azure.net',
    },
  })

  const composed = await compose()

  assert.ok('app' in composed, JSON.stringify(composed))
  assert.equal(composed.app.targetNamed('vision')?.vault, 'https://kv-made.vault.azure.net')
})

test('Messages can be put back while settings are bad, unless the settings do not say where', async () => {
  const account = { AzureWebJobsStorage__accountName: 'stprod' }

  const [badSchedule, badCloud] = await Promise.all([
    composer({ env: { ...account, AZURE_CLOUD: 'china', ROTATION_SCHEDULE: 'often' } })(),
    composer({ env: { ...account, AZURE_CLOUD: 'moon' } })(),
  ])

  assert.equal('problems' in badSchedule && badSchedule.queue !== undefined, true)
  assert.equal('problems' in badCloud && badCloud.queue === undefined, true)
})

test('when a probe does not send a key, the log line names the target and the host', async (t) => {
  const cloud = simulatedCloud({ faults: [accountsAt('https://evil.example/')] })
  const account = cloud.cognitiveServices.add({ name: 'vision' })
  const compose = composer({
    env: {
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
      AzureWebJobsScriptRoot: await appFolder(t, { targets: [{ ...vision, resource: account.resourceId }] }),
      ROTATION_VAULT: 'https://kv-made.vault.azure.net',
    },
    azure: connect(cloud),
  })
  const composed = await compose()
  assert.ok('app' in composed, JSON.stringify(composed))
  const lines: object[] = []
  const ports = composed.app.ports((level, message, fields) => lines.push({ level, message, ...fields }))

  const holder = await ports.open(composed.app.targetNamed('vision')!)
  const verdict = await holder.probe!('Key1', { key: Secret.of(account.keyOf('Key1')) }, new AbortController().signal)

  assert.equal(verdict, 'unknown')
  assert.deepEqual(lines, [
    {
      level: 'warn',
      message: 'the probe did not send the key to this host',
      target: 'vision',
      host: 'evil.example',
      why: 'it is not a host of this service in the configured cloud',
    },
  ])
})

function accountsAt(endpoint: string): Fault {
  return {
    name: 'accountsAt',
    install: () => ({
      after: (call, reply) =>
        call.operation.operation === 'cognitive-services/getAccount'
          ? { ...reply, body: { ...(reply.body as object), properties: { endpoint } } }
          : undefined,
    }),
  }
}

test('targets outside the cloud’s storage get no token, and nothing is sent there', async () => {
  const asked: string[] = []
  const azure = createAzureClients({
    cloud: clouds.public,
    credential: {
      getToken: async (scope) => {
        asked.push(`token for ${[scope].flat().join()}`)
        return null
      },
    },
    httpClient: {
      sendRequest: async (request) => {
        asked.push(request.url)
        throw new TypeError('nothing may be sent')
      },
    },
  })

  for (const location of [
    'https://evil.example/t.json',
    'https://169.254.169.254/metadata/instance',
    'https://stprod.blob.core.windows.net.evil.example/a/t.json',
    'https://stprod.blob.core.windows.net:444/a/t.json',
  ]) {
    const env = { AzureWebJobsStorage: 'UseDevelopmentStorage=true', ROTATION_TARGETS: location }
    const composed = await composer({ env, azure })()

    assert.ok('problems' in composed, location)
    assert.deepEqual(
      composed.problems.map(({ path }) => path),
      ['ROTATION_TARGETS'],
    )
  }
  assert.deepEqual(asked, [])
})

/** A target whose key1 is in a setting of the app, and what opens it as the app does. */
async function ownAccount(t: TestContext, setting: string, fields: object = {}) {
  const cloud = simulatedCloud()
  const account = cloud.storageAccounts.add({ name: 'stprod' })
  const storage = {
    name: 'storage',
    provider: 'storage-account',
    resource: account.resourceId,
    secrets: { 'storage-key': 'key' },
    ...fields,
  }
  const own = `DefaultEndpointsProtocol=https;AccountName=stprod;AccountKey=${account.keyOf('key1')};EndpointSuffix=core.windows.net`
  const env = {
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    AzureWebJobsScriptRoot: await appFolder(t, { targets: [storage] }),
    ROTATION_VAULT: 'https://kv-made.vault.azure.net',
    [setting]: own,
  }
  const composed = await composer({ env, azure: connect(cloud) })()
  assert.ok('app' in composed, JSON.stringify(composed))
  const holder = await composed.app.ports(() => {}).open(composed.app.targetNamed('storage')!)
  const { signal } = new AbortController()
  return { account, holder, call: { signal, keepLease: async () => {}, metadata: oldMetadata() } }
}

for (const setting of ['AzureWebJobsStorage', 'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING']) {
  test(`A storage account whose key is in ${setting} keeps that key`, async (t) => {
    const { account, holder, call } = await ownAccount(t, setting)
    const before = account.keys()

    await assert.rejects(holder.regenerate('key1', call), { code: 'NotSupported' })
    await holder.regenerate('key2', call)

    assert.equal(account.keyOf('key1'), before['key1'])
    assert.notEqual(account.keyOf('key2'), before['key2'])
  })
}

test('A storage account whose key the app itself uses gets a new one where its target says so', async (t) => {
  const { account, holder, call } = await ownAccount(t, 'AzureWebJobsStorage', { regenerateOwnKey: true })
  const before = account.keys()

  await holder.regenerate('key1', call)

  assert.notEqual(account.keyOf('key1'), before['key1'])
  assert.equal(account.keyOf('key2'), before['key2'])
})

// Room: tests of the composition root: what of the settings arrives where.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { composer } from '../src/compose.ts'

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

test('messages can wait while settings are bad, unless nobody can say where', async () => {
  const account = { AzureWebJobsStorage__accountName: 'stprod' }

  const [badSchedule, badCloud] = await Promise.all([
    composer({ env: { ...account, AZURE_CLOUD: 'china', ROTATION_SCHEDULE: 'often' } })(),
    composer({ env: { ...account, AZURE_CLOUD: 'moon' } })(),
  ])

  assert.equal('problems' in badSchedule && badSchedule.queue !== undefined, true)
  assert.equal('problems' in badCloud && badCloud.queue === undefined, true)
})

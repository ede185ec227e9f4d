// `npm run doctor` in a process of its own, against the simulated Azure: it names what is missing, where, and what to do, and
// changes nothing.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { findSettings } from '../scripts/doctor/doctor-settings.ts'
import type { Report } from '../scripts/doctor/examine.ts'
import { type Cloud, simulatedCloud } from '../simulator/cloud.ts'
import { type SimulatorServer, startServer } from '../simulator/server.ts'
import { providers } from './providers/all-providers.ts'
import { fleet } from './providers/provider-fleet.ts'
import { type Azurite, startAzurite } from './started-azurite.ts'

const doctor = fileURLToPath(new URL('../scripts/doctor.ts', import.meta.url))
const preload = new URL('../simulator/preload.ts', import.meta.url).href
const openVault = 'kv-prod.vault.azure.net'
const closedVault = 'kv-closed.vault.azure.net'
const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'

interface Surroundings {
  readonly cloud: Cloud
  readonly server: SimulatorServer
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
}

interface Diagnosis {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

let azurite: Azurite
const opened: Surroundings[] = []

before(async () => {
  azurite = await startAzurite()
})

after(async () => {
  for (const { server, folder } of opened) {
    await server.close()
    rmSync(folder, { recursive: true })
  }
  await azurite.close()
})

async function surroundings(targetsIn: (cloud: Cloud) => readonly object[]): Promise<Surroundings> {
  const cloud = simulatedCloud()
  cloud.vault(openVault)
  cloud.vault(closedVault)
  const server = await startServer(cloud)
  const folder = mkdtempSync(join(tmpdir(), 'rekey-doctor-'))
  const targets = join(folder, 'targets.json')
  writeFileSync(targets, JSON.stringify({ defaults: { vault: `https://${openVault}` }, targets: targetsIn(cloud) }))
  const settings = {
    AzureWebJobsStorage: azurite.connectionString,
    ROTATION_TARGETS: targets,
    ROTATION_TOPIC: cloud.topic(topicHost).endpoint,
  }
  opened.push({ cloud, server, folder, settings })
  return opened.at(-1)!
}

async function diagnose(
  { server, folder }: Surroundings,
  settings: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<Diagnosis> {
  const child = spawn(process.execPath, ['--import', preload, doctor, ...options], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...server.environment, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { code, out, err }
}

/** A target of every provider. */
function wholeFleet(cloud: Cloud): readonly object[] {
  return providers.map(({ id }) => ({
    ...{ name: id, provider: id },
    ...fleet[id]!(cloud, `${id}-1`).fields,
    secrets: { [`${id}-key`]: 'key' },
  }))
}

function account(cloud: Cloud, name: string, fields: object = {}) {
  const { resourceId } = cloud.cognitiveServices.add({ name, disableLocalAuth: name === 'no-local-auth' })
  return { name, provider: 'cognitive-services', resource: resourceId, secrets: { [`${name}-key`]: 'key' }, ...fields }
}

async function assertUnchanged({ cloud }: Surroundings): Promise<void> {
  const effects = cloud.history.filter(({ effect }) => effect).map(({ operation }) => operation)
  assert.deepEqual(
    effects.filter((operation) => operation !== 'event-grid/publish'),
    [],
  )
  // What it publishes to be refused or not is an empty list.
  assert.deepEqual(cloud.topic(topicHost).events, [])
  assert.deepEqual([...cloud.vault(openVault).names(), ...cloud.vault(closedVault).names()], [])
  const containers = BlobServiceClient.fromConnectionString(azurite.connectionString).listContainers()
  const queues = QueueServiceClient.fromConnectionString(azurite.connectionString).listQueues()
  assert.equal((await containers.next()).done, true)
  assert.equal((await queues.next()).done, true)
}

describe('The report of npm run doctor', { concurrency: 5 }, () => {
  test('The doctor reports success where everything is granted, for every provider, and changes nothing', async () => {
    const around = await surroundings(wholeFleet)

    const { code, out, err } = await diagnose(around, around.settings)

    assert.equal(code, 0, out + err)
    assert.match(out, /^Settings: the environment/)
    // More than twenty that are alike are only counted.
    assert.match(out, new RegExp(`^target +${providers.length} of ${providers.length} +ok`, 'm'))
    for (const { id } of providers) assert.match(out, new RegExp(`^permissions: ${id} +\\S+ +(ok|not checked)`, 'm'))
    assert.match(out, /^identity +\S+ +ok +the service principal [0-9a-f-]{36}$/m)
    assert.match(out, /^vault: write secrets +\S+ +not checked/m)
    assert.match(out, /All checks passed\. Nothing was changed\./)
    assert.doesNotMatch(out, /FAILED/)
    assert.ok(err.includes(`Reading the targets: ${providers.length} of ${providers.length}`), err)
    assert.ok(around.cloud.history.length > 20)
    await assertUnchanged(around)
  })

  test('The doctor names every permission that is taken away, the place, the target, and the line that grants it', async () => {
    const around = await surroundings((cloud) => {
      const listless = account(cloud, 'listless')
      const missing = account(cloud, 'vision')
      const closed = account(cloud, 'closed', { vault: `https://${closedVault}` })
      cloud.identity.deny('Microsoft.CognitiveServices/accounts/listKeys/action', listless.resource)
      cloud.identity.deny(
        'Microsoft.KeyVault/vaults/secrets/getSecret/action',
        `${cloud.vault(closedVault).resourceId}`,
      )
      cloud.identity.deny('Microsoft.EventGrid/events/send/action')
      return [
        ...[listless, closed, account(cloud, 'fine'), account(cloud, 'no-local-auth')],
        { ...missing, name: 'mistyped', resource: `${missing.resource}x`, secrets: { 'mistyped-key': 'key' } },
      ]
    })

    const { code, out, err } = await diagnose(around, around.settings, '--json')

    const report: Report = JSON.parse(out)
    const failed = report.checks.filter(({ status }) => status === 'failed')
    const failure = (check: string, target: string) => {
      const found = failed.find(
        (each) => each.check === check && (each.place.startsWith(target) || each.targets?.includes(target)),
      )
      assert.ok(found, `${check} of ${target} fails`)
      return `${found.code}: ${found.detail} ${found.remedy}`
    }
    const grant =
      'az role assignment create --assignee-object-id [0-9a-f-]{36} --assignee-principal-type ServicePrincipal --scope'
    const says = (text: string, ...parts: readonly string[]) => assert.match(text, new RegExp(parts.join('.*')))
    assert.deepEqual([code, report.status, report.failed], [1, 'unhealthy', failed.length], err)
    const list = 'Microsoft.CognitiveServices/accounts/listKeys/action'
    says(
      failure('permissions: cognitive-services', 'listless'),
      'PermissionDenied',
      list,
      grant,
      '/accounts/listless',
      list,
    )
    says(failure('target', 'listless'), 'PermissionDenied', grant, '/accounts/listless', 'az role definition list')
    const vaultGrant = [grant, 'az keyvault show --name kv-closed', 'secrets/setSecret/action'] as const
    says(failure('vault: read secrets', `https://${closedVault}`), 'PermissionDenied', ...vaultGrant)
    says(failure('target', 'closed'), 'PermissionDenied', ...vaultGrant)
    says(failure('topic: announce', 'https://rekey.'), 'PermissionDenied', grant, 'EventGrid Data Sender')
    says(failure('target', 'mistyped'), 'ResourceNotFound', 'Correct its name or id in targets.json')
    says(failure('target', 'no-local-auth'), 'LocalAuthDisabled', 'disableLocalAuth: false')
    assert.equal(failed.length, 7, JSON.stringify(failed, null, 2))
    await assertUnchanged(around)
  })

  test('The doctor names the rights of every provider that are taken away, and the command that grants them', async () => {
    const around = await surroundings((cloud) => {
      const targets = wholeFleet(cloud)
      for (const { name } of providers.flatMap(({ actions }) => actions)) cloud.identity.deny(name)
      return targets
    })

    const { out } = await diagnose(around, around.settings, '--json')

    const report: Report = JSON.parse(out)
    for (const { id, actions, grant } of providers) {
      const failures = report.checks.filter(
        ({ status, place, targets }) => status === 'failed' && (targets?.includes(id) || place.startsWith(id)),
      )
      const said = failures.map(({ code, detail, remedy }) => `${code}: ${detail} ${remedy}`).join('\n')
      const missing = actions.filter(({ name }) => !said.toLowerCase().includes(name.toLowerCase()))
      assert.match(said, /PermissionDenied/, id)
      // What belongs to no resource of Resource Manager is seen by the first call alone.
      if (failures.length > 1) assert.deepEqual(missing, [], said)
      else assert.ok(missing.length < actions.length, said)
      assert.match(
        said,
        grant.resourceType === undefined ? /graph-permission\.sh/ : /az role assignment create .* --scope/,
        id,
      )
    }
    await assertUnchanged(around)
  })

  test('The doctor reads local.settings.json where it exists, and names a storage account that cannot be reached', async () => {
    const around = await surroundings((cloud) => [account(cloud, 'vision')])
    const closed = azurite.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9')
    const Values = { ...around.settings, AzureWebJobsStorage: closed }
    writeFileSync(join(around.folder, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values }))

    const { code, out } = await diagnose(around, {})

    assert.equal(code, 1)
    assert.match(out, /^Settings: .*local\.settings\.json$/m)
    assert.match(out, /^FAILED {2}storage: leases, container rekey-leases: /m)
    assert.match(out, /^FAILED {2}storage: requests, queue rekey-requests: /m)
    assert.match(
      out,
      /ServiceUnavailable\. What to do:\n +On your own machine: start Azurite \(npx azurite --skipApiVersionCheck\)/,
    )
    assert.match(out, /^target +vision \(cognitive-services\) +ok /m)
    assert.match(out, /3 things need fixing\. Nothing was changed\./)
    await assertUnchanged(around)
  })

  test('The doctor names an identity endpoint without a token, an unmanaged secret, and a vault that does not exist', async () => {
    const around = await surroundings((cloud) => {
      cloud.vault(openVault).set('vision-key', 'another owner’s')
      return [account(cloud, 'vision'), account(cloud, 'away', { vault: 'https://kv-nowhere.vault.azure.net' })]
    })

    const [withToken, without] = await Promise.all([
      diagnose(around, around.settings),
      diagnose(around, { ...around.settings, IDENTITY_HEADER: 'wrong' }, '--json'),
    ])

    assert.match(withToken.out, /^FAILED {2}target, vision \(cognitive-services\): .*not a live key/m)
    assert.match(withToken.out, /Unmanaged\. What to do:\n +Correct the secret name in targets\.json/)
    assert.match(withToken.out, /^FAILED {2}vault: read secrets, https:\/\/kv-nowhere\.vault\.azure\.net: /m)
    assert.match(withToken.out, /ServiceUnavailable\. What to do:\n +Check that the name is right/)
    const report = JSON.parse(without.out) as Report
    const identity = report.checks.find(({ check }) => check === 'identity')
    // One reason is one failure: nothing that needs a token is said to have failed as well.
    assert.equal(report.failed, 1, JSON.stringify(report.checks))
    assert.deepEqual([without.code, identity?.status, identity?.code], [1, 'failed', 'PermissionDenied'])
    assert.match(identity?.remedy ?? '', /AZURE_CLIENT_ID/)
  })

  test('The doctor lists every problem of a bad configuration, and checks nothing else', async () => {
    const around = await surroundings(() => [{ name: 'unknown', provider: 'no-such-service', secrets: {} }])

    const targets = await diagnose(around, around.settings)
    const settings = await diagnose(
      around,
      { ...around.settings, AZURE_CLOUD: 'moon', ROTATION_SCHEDULE: 'often' },
      '--json',
    )

    assert.equal(targets.code, 1)
    assert.match(targets.out, /^FAILED {2}\$\.targets\[0\]\.provider \(target "unknown", line \d+\): /m)
    const { problems } = JSON.parse(settings.out) as Report
    assert.equal(settings.code, 1)
    assert.deepEqual(problems.map(({ path }) => path).sort(), ['AZURE_CLOUD', 'ROTATION_SCHEDULE'])
    assert.deepEqual(around.cloud.history, [])
  })
})

describe('The settings of npm run doctor', () => {
  const inFolder = (content: string | undefined, environment: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), 'rekey-doctor-'))
    if (content !== undefined) writeFileSync(join(folder, 'local.settings.json'), content)
    const found = findSettings(folder, environment)
    rmSync(folder, { recursive: true })
    return found
  }

  test('The doctor uses the settings of local.settings.json, except those that the environment sets, as Core Tools does', () => {
    const found = inFolder(JSON.stringify({ Values: { A: 'file', B: 'file' } }), { B: 'environment' })

    assert.ok('env' in found)
    assert.deepEqual(found.env, { A: 'file', B: 'environment' })
    assert.match(found.from, /local\.settings\.json, but from the environment: B$/)
  })

  for (const [why, content] of [
    ['is not valid JSON', '{ "Values": { "key": "secret" '],
    ['is encrypted', JSON.stringify({ IsEncrypted: true, Values: {} })],
    ['has no object "Values"', '{}'],
    ['has something else than text in "Values.A"', JSON.stringify({ Values: { A: 1 } })],
  ] as const) {
    test(`The doctor refuses local.settings.json where the file ${why}, without quoting it`, () => {
      const found = inFolder(content, {})

      assert.ok('problem' in found)
      assert.equal(found.problem.message, why)
      assert.ok(found.problem.remedy)
      assert.doesNotMatch(JSON.stringify(found), /secret/)
    })
  }
})

// The account SAS of a storage account: the official SDK and Azurite judge it. How its end bounds secrets and settings.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  generateAccountSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { certificateAuthority } from '../../simulator/certificates.ts'
import { type Azurite, startAzurite } from '../../simulator/local/run-azurite.ts'
import { createVault } from '../../src/azure/key-vault.ts'
import { parseTargets } from '../../src/config/targets.ts'
import { Secret } from '../../src/engine/secret.ts'
import { days } from '../../src/engine/target.ts'
import { storageAccount } from '../../src/providers/storage-account.ts'
import { accountSas } from '../../src/providers/wire/account-sas.ts'
import { estate, vaultHost } from '../matrix/crash-estate.ts'
import { connect } from '../simulated-azure.ts'
import { opened } from './opened.ts'

const sas = { sasServices: 'bq', sasResourceTypes: 'sco', sasPermissions: 'rl' }

for (const [services, resourceTypes, permissions] of [
  ['b', 'o', 'r'],
  ['qb', 'cos', 'lwr'],
  ['ftqb', 'ocs', 'yipucaltfxdwr'],
] as const) {
  test(`An account SAS for ${services}, ${resourceTypes} and ${permissions} is the one that the official SDK makes`, () => {
    const key = Buffer.from(Array.from({ length: 64 }, (_, index) => index)).toString('base64')
    const expiresAt = Date.parse('2026-01-02T03:04:05.678Z')
    const expected = generateAccountSASQueryParameters(
      {
        version: '2021-12-02',
        services: AccountSASServices.parse(services).toString(),
        resourceTypes: AccountSASResourceTypes.parse(resourceTypes).toString(),
        permissions: AccountSASPermissions.parse(permissions),
        expiresOn: new Date(expiresAt),
        protocol: SASProtocol.Https,
      },
      new StorageSharedKeyCredential('rekeytest', key),
    )

    const made = accountSas('rekeytest', Secret.of(key), {
      services,
      resourceTypes,
      permissions,
      expiresAt,
    })

    const parameters = (text: string) => Object.fromEntries(new URLSearchParams(text))
    assert.deepEqual(parameters(made.reveal()), parameters(expected.toString()))
  })
}

test('An account SAS is the same however often the keys are read, and another one for each slot', async () => {
  const { holder, signal } = opened(storageAccount)

  const [one, two] = [await holder.read(signal), await holder.read(signal)]

  assert.ok(one['key1']!['sas']!.equals(two['key1']!['sas']))
  assert.ok(!one['key1']!['sas']!.equals(one['key2']!['sas']))
})

// Recorded: `creationTime` 02:45:51.015 in an answer with the date 02:45:50 (Azure/azure-cli, test_renew_account_key.yaml, 2022-08-19).
test('An account SAS is accepted as soon as its key is, although the key counts as created a second later', async () => {
  const { holder, handle, call, signal } = opened(storageAccount)
  await holder.read(signal)

  const ring = await holder.regenerate('key2', call)

  assert.ok(handle.accepts(ring['key2']!['key']!.reveal()))
  assert.ok(handle.accepts(ring['key2']!['sas']!.reveal()))
})

test('An account SAS of a key whose creation is not known is not made, and the error says which slot to regenerate', async () => {
  const { holder, cloud, signal } = opened(storageAccount)
  cloud.faults.add({
    name: 'old key',
    install: () => ({
      after: ({ operation }, { body }) => {
        if (operation.operation === 'storage-account/listKeys')
          Object.assign((body as Listing).keys[1]!, { creationTime: null })
        return undefined
      },
    }),
  })

  await assert.rejects(holder.read(signal), { code: 'UnexpectedAnswer', message: /key2/ })
})

interface Listing {
  keys: object[]
}

const resource =
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/orders'
for (const [says, fields, field] of [
  ['that would end before a secret and the overlap do', { ...sas, sasLifetime: 'P91D' }, 'sasLifetime'],
  ['without its lifetime', sas, 'sasLifetime'],
  ['without its permissions', { sasServices: 'b', sasResourceTypes: 'o', sasLifetime: 'P120D' }, 'sasPermissions'],
  ['with a permission that there is not', { ...sas, sasPermissions: 'rz', sasLifetime: 'P120D' }, 'sasPermissions'],
  ['with a service twice', { ...sas, sasServices: 'bb', sasLifetime: 'P120D' }, 'sasServices'],
  ['with a lifetime in months', { ...sas, sasLifetime: 'P4M' }, 'sasLifetime'],
] as const) {
  test(`A target with an account SAS ${says} is refused`, () => {
    const problems = problemsOf(fields)

    assert.equal(problems.length > 0 && JSON.stringify(problems).includes(field), true)
  })
}

test('A target with an account SAS that lasts as long as a secret and the overlap is taken', () => {
  assert.deepEqual(problemsOf({ ...sas, sasLifetime: 'P92D' }), [])
})

function problemsOf(fields: object) {
  const secrets = { 'orders-sas': 'sas' }
  const vault = 'https://kv-prod.vault.azure.net'
  const targets = [{ name: 'orders', provider: 'storage-account', resource, vault, secrets, ...fields }]
  const parsed = parseTargets(JSON.stringify({ targets }), [storageAccount], 'public', Date.UTC(2026, 0, 1))
  return 'problems' in parsed ? parsed.problems : []
}

/** A target with a secret for each output, whose keys are this old when it is adopted. */
async function adoptedAt(age: number) {
  const on = estate(storageAccount)
  on.cloud.clock.advance(age)
  const outcome = await on.deliver(on.request())
  assert.ok(outcome !== 'crashed')
  const secret = on.target.secrets.find(({ output }) => output === 'sas')!
  return { on, outcome, secret, vault: on.cloud.vault(vaultHost) }
}

test('A secret with an account SAS expires with it, where its key is old', async () => {
  const { on, secret } = await adoptedAt(days(40))
  const vault = createVault(on.target.vault, connect(on.cloud))

  const stored = await vault.current(secret.name, new AbortController().signal)

  const end = Date.parse(new URLSearchParams(stored!.value!.reveal()).get('se')!)
  assert.equal(stored!.expiresOn, end)
  assert.ok(end < on.cloud.clock.now() + on.target.validFor)
})

test('An account SAS that has ended is not published, and the error says which slot to regenerate', async () => {
  const { outcome, secret, vault } = await adoptedAt(days(130))

  assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'NotSupported'])
  assert.ok(outcome.error?.details.remedy?.includes('key1'))
  assert.equal(vault.read(secret.name), undefined)
})

test('Azurite accepts an account SAS made from a new key, and refuses one made from the key before it', async (t) => {
  const on = opened(storageAccount, undefined, (cloud) => {
    const handle = cloud.storageAccounts.add({ name: 'clitest000002' })
    return { fields: { resource: handle.resourceId, ...sas, sasLifetime: 'P3650D' }, handle }
  })
  const directory = await mkdtemp(join(tmpdir(), 'rekey-azurite-'))
  const tls = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  const authority = await certificateAuthority()
  await Promise.all([writeFile(tls.cert, authority.certificate.cert), writeFile(tls.key, authority.certificate.key)])
  const before = process.env['AZURITE_ACCOUNTS']
  let azurite: Azurite | undefined
  t.after(async () => {
    await azurite?.close()
    if (before === undefined) delete process.env['AZURITE_ACCOUNTS']
    else process.env['AZURITE_ACCOUNTS'] = before
    await rm(directory, { recursive: true })
  })
  const old = await on.holder.read(on.signal)
  const made = await on.holder.regenerate('key1', on.call)
  process.env['AZURITE_ACCOUNTS'] = `clitest000002:${on.handle.keyOf('key1')}:${on.handle.keyOf('key2')}`
  azurite = await startAzurite({ blob: 0, queue: 0 }, tls)

  const statuses = []
  for (const { sas } of [made['key1']!, old['key1']!, old['key2']!]) {
    statuses.push(await statusOf(azurite.queueUrl, authority.caPem, sas!.reveal()))
  }

  assert.deepEqual(statuses, [200, 403, 200])
})

/** What the queue service answers to a read of its settings with this signature. */
function statusOf(queueUrl: string, ca: string, signature: string): Promise<number | undefined> {
  const host = 'clitest000002.queue.core.windows.net'
  const path = `/?restype=service&comp=properties&${signature}`
  const { port } = new URL(queueUrl)
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, ca, servername: 'queue.core.windows.net', headers: { host } },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode))
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

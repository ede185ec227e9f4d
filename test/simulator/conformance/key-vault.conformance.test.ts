// What the real Key Vault was recorded or documented to answer, fact by fact, each with its public source. Where the
// simulator says otherwise, the simulator is wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../../simulator/clock.ts'
import { type Fault, simulatedCloud } from '../../../simulator/cloud.ts'
import { throttle } from '../../../simulator/faults.ts'
import {
  claimsChallenges,
  emptyFirstPages,
  expiringTokens,
  networkRule,
  slowSoftDelete,
} from '../../../simulator/wire-faults.ts'
import { anonymousCaller, caller } from '../raw-caller.ts'

const host = 'kv-prod.vault.azure.net'
const at = (path: string): string => `https://${host}${path}?api-version=2026-04-01`
const seconds = 1000

function world(...faults: Fault[]) {
  const clock = virtualClock(Date.parse('2026-01-01T00:00:00Z'))
  const cloud = simulatedCloud({ clock, faults })
  return { clock, cloud, vault: cloud.vault(host), call: caller(cloud) }
}

// Azure/azure-cli, command_modules/keyvault/tests/latest/recordings/test_keyvault_secret.yaml, 2022-06-21.
test('Key Vault challenges a call without a token with login.windows.net, its resource, and AKV10000', async () => {
  const { cloud } = world()

  const answer = await anonymousCaller(cloud)('GET', at('/secrets/a'))

  assert.equal(answer.status, 401)
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer authorization="https://login.windows.net/${cloud.identity.tenant}", resource="https://vault.azure.net"`,
  )
  assert.deepEqual(answer.body, {
    error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' },
  })
})

// Azure/azure-sdk-for-python issue 27266, a Function App's log of 2022-11-01: 24 hours after its start.
test('Key Vault answers an expired token with its usual challenge and TokenExpired, without error or claims', async () => {
  const { call, clock, cloud } = world(expiringTokens({ ms: 3600 * seconds }))
  await call('GET', at('/secrets'))
  clock.advance(3601 * seconds)

  const answer = await call('GET', at('/secrets'))

  assert.deepEqual(
    [answer.status, answer.body.error],
    [401, { code: 'Unauthorized', message: "[TokenExpired] Error validating token: 'S2S12086'." }],
  )
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer authorization="https://login.windows.net/${cloud.identity.tenant}", resource="https://vault.azure.net"`,
  )
})

// MicrosoftDocs/azure-docs, articles/active-directory/develop/claims-challenge.md, 2021-05-11.
test('A claims challenge is a 401 whose WWW-Authenticate says insufficient_claims and carries the claims in base64', async () => {
  const { call } = world(claimsChallenges({ times: 1 }))

  const answer = await call('GET', at('/secrets'))

  const header = answer.headers.get('www-authenticate') ?? ''
  assert.equal(answer.status, 401)
  assert.match(header, /^Bearer realm="", .*error="insufficient_claims"/)
  const claims = JSON.parse(Buffer.from(/claims="([^"]+)"/.exec(header)![1]!, 'base64').toString())
  assert.equal(claims.access_token.nbf.essential, true)
})

// Azure/azure-cli, test_keyvault_secret.yaml, 2022-06-21.
test('Key Vault answers a PUT with 200, the value, a versioned id and the recovery level', async () => {
  const { call } = world()

  const { status, body } = await call('PUT', at('/secrets/a'), { value: 'v' })

  assert.equal(status, 200)
  assert.deepEqual(
    [body.value, body.attributes.recoveryLevel, body.attributes.recoverableDays],
    ['v', 'Recoverable+Purgeable', 90],
  )
  assert.match(body.id, /^https:\/\/kv-prod\.vault\.azure\.net\/secrets\/a\/[0-9a-f]{32}$/)
})

// Azure/azure-cli, test_keyvault_secret.yaml, 2022-06-21.
test('Key Vault pages by links with :443, without values, and its last page has a nextLink of null', async () => {
  const { call, vault } = world()
  vault.set('a', '1')
  vault.set('b', '2')

  const first = await call('GET', `${at('/secrets')}&maxresults=1`)
  const last = await call('GET', first.body.nextLink)

  assert.match(
    first.body.nextLink,
    /^https:\/\/kv-prod\.vault\.azure\.net:443\/secrets\?api-version=[^&]+&%24skiptoken=.+&maxresults=1$/,
  )
  assert.deepEqual([first.body.value.length, last.body.value.length, last.body.nextLink], [1, 1, null])
  assert.equal('value' in first.body.value[0], false)
})

// Azure/azure-sdk-for-go issue 10711, 2020-06-22, and Azure/azure-libraries-for-net issue 999.
test('A listing of Key Vault may begin with empty pages that have a nextLink', async () => {
  const { call, vault } = world(emptyFirstPages({ pages: 2, times: 1 }))
  vault.set('a', '1')

  const first = await call('GET', at('/secrets'))
  const second = await call('GET', first.body.nextLink)
  const third = await call('GET', second.body.nextLink)

  assert.deepEqual([first.body.value, second.body.value], [[], []])
  assert.deepEqual(
    third.body.value.map(({ id }: { id: string }) => id),
    [`https://${host}/secrets/a`],
  )
  assert.equal(third.body.nextLink, null)
})

// Azure/azure-cli, test_keyvault_secret.yaml, 2022-06-21: the skip token is a name or a version's id. Inferred from it.
test('Key Vault lists secrets by name and versions by id, in no order of time', async () => {
  const { call, vault, clock } = world()
  for (const name of ['c', 'a', 'b']) {
    vault.set(name, 'v')
    clock.advance(seconds)
  }
  for (let n = 0; n < 10; n += 1) vault.set('a', String(n))
  const ids = (body: { value: { id: string }[] }) => body.value.map(({ id }) => id.split('/').at(-1)!)

  const secrets = ids((await call('GET', at('/secrets'))).body)
  const versions = ids((await call('GET', at('/secrets/a/versions'))).body)

  assert.deepEqual(secrets, ['a', 'b', 'c'])
  assert.deepEqual(versions, versions.toSorted())
  assert.notDeepEqual(
    versions,
    vault
      .versions('a')
      .map(({ id }) => id)
      .reverse(),
  )
})

// Azure/azure-cli, test_keyvault_secret_soft_delete.yaml, 2020-02-13; Azure/azure-cli issue 12722, 2020-03-23: "Secret is currently
// being deleted."; hashicorp/terraform-provider-azurerm issue 10454, 2021-02-03, the same.
test('A deleted secret is gone at once, shown as deleted only seconds later, and meanwhile neither purged nor written', async () => {
  const { call, vault, clock } = world()
  vault.set('a', 'v')

  const deleted = await call('DELETE', at('/secrets/a'))
  const early = {
    read: await call('GET', at('/secrets/a')),
    shown: await call('GET', at('/deletedsecrets/a')),
    purged: await call('DELETE', at('/deletedsecrets/a')),
    written: await call('PUT', at('/secrets/a'), { value: 'w' }),
  }
  clock.advance(5 * seconds)
  const late = await call('GET', at('/deletedsecrets/a'))

  assert.deepEqual([deleted.status, deleted.body.recoveryId], [200, `https://${host}/deletedsecrets/a`])
  assert.ok(deleted.body.deletedDate < deleted.body.scheduledPurgeDate)
  assert.deepEqual([early.read.status, early.shown.status], [404, 404])
  for (const { status, body } of [early.purged, early.written]) {
    assert.deepEqual([status, body.error.code, body.error.innererror.code], [409, 'Conflict', 'ObjectIsBeingDeleted'])
  }
  assert.equal(early.purged.body.error.message, 'Secret is currently being deleted.')
  assert.equal(late.status, 200)
})

// Azure/azure-sdk-for-js, sdk/keyvault/keyvault-secrets: the recover poller reads until it is no longer 404; captured traffic:
// "currently being recovered and cannot be re-created; retry later", also when that poller has ended.
test('A recovered secret can be read before it can be written', async () => {
  const { call, vault, clock } = world(slowSoftDelete({ ms: 8 * seconds }))
  vault.set('a', 'v')
  vault.delete('a')

  const recovered = await call('POST', at('/deletedsecrets/a/recover'))
  const early = await call('GET', at('/secrets/a'))
  clock.advance(5 * seconds)
  const read = await call('GET', at('/secrets/a'))
  const written = await call('PUT', at('/secrets/a'), { value: 'w' })
  clock.advance(5 * seconds)
  const late = await call('PUT', at('/secrets/a'), { value: 'w' })

  assert.deepEqual([recovered.status, early.status, read.status, late.status], [200, 404, 200, 200])
  assert.deepEqual([written.status, written.body.error.innererror.code], [409, 'ObjectIsBeingRecovered'])
})

// Azure/azure-sdk-for-net issue 26027, 2021-12-21 (one to five seconds), and issue 34322, 2023-02-17 (the body).
test('A purged secret is 404 in every way, and its name is still taken for seconds', async () => {
  const { call, vault, clock } = world()
  vault.set('a', 'v')
  vault.delete('a')

  const purged = await call('DELETE', at('/deletedsecrets/a'))
  const [read, shown] = [await call('GET', at('/secrets/a')), await call('GET', at('/deletedsecrets/a'))]
  const early = await call('PUT', at('/secrets/a'), { value: 'w' })
  clock.advance(5 * seconds)
  const late = await call('PUT', at('/secrets/a'), { value: 'w' })

  assert.deepEqual([purged.status, read.status, shown.status, late.status], [204, 404, 404, 200])
  assert.equal(early.status, 409)
  assert.deepEqual(early.body.error, {
    code: 'Conflict',
    message: 'Secret a is currently being deleted and cannot be re-created; retry later.',
    innererror: { code: 'ObjectIsBeingDeleted' },
  })
})

// Azure/azure-sdk-for-js, sdk/keyvault/keyvault-secrets/test: 403 for a disabled secret.
test('Key Vault answers 403 SecretDisabled for a disabled version', async () => {
  const { call, vault } = world()
  vault.set('a', 'v')
  vault.disable('a')

  const { status, body } = await call('GET', at('/secrets/a'))

  assert.equal(status, 403)
  assert.deepEqual(body.error, {
    code: 'Forbidden',
    message: 'Operation get is not allowed on a disabled secret.',
    innererror: { code: 'SecretDisabled' },
  })
})

// Messages that users of Azure quote in public issues: "Caller is not authorized to perform action on resource", "Client address is
// not authorized and caller is not a trusted service", with these inner codes.
test('Key Vault distinguishes a missing role from a closed network by the inner code of a 403', async () => {
  const { call, cloud, vault } = world()
  vault.set('a', 'v')
  cloud.identity.deny('Microsoft.KeyVault/vaults/secrets/getSecret/action')

  const role = await call('GET', at('/secrets/a'))
  cloud.faults.add(networkRule({ service: 'key-vault' }))
  const network = await call('GET', at('/secrets/a'))

  const inner = ({ status, body }: typeof role) => [status, body.error.code, body.error.innererror.code]
  assert.deepEqual(inner(role), [403, 'Forbidden', 'ForbiddenByRbac'])
  assert.match(role.body.error.message, /Action: 'Microsoft\.KeyVault\/vaults\/secrets\/getSecret\/action'/)
  assert.deepEqual(inner(network), [403, 'Forbidden', 'ForbiddenByFirewall'])
})

// vcsjones/AzureSignTool issue 219, 2023-12-04: headers and body.
test('Key Vault throttles with 429 Throttled, says VaultRequestTypeLimitReached, and gives no Retry-After', async () => {
  const { call } = world(throttle({ capacity: 0, perSecond: 1 }))

  const { status, headers, body } = await call('GET', at('/secrets'))

  assert.deepEqual([status, headers.get('retry-after'), body.error.code], [429, null, 'Throttled'])
  assert.match(body.error.message, /too many requests were received\. Reason: VaultRequestTypeLimitReached$/)
})

// MicrosoftDocs/azure-docs, articles/key-vault/secrets/about-secrets.md: 25 KB as octets, content type 255 characters, 15 tags,
// tag names and values 512 characters (issue 117407, 2023-11-24, and what became of it).
test('Key Vault counts a secret in bytes, and content types and tags in characters', async () => {
  const { call } = world()
  const put = async (body: object) => (await call('PUT', at('/secrets/a'), body)).status
  const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, 'x']))

  const taken = [
    await put({ value: 'é'.repeat(12_800) }),
    await put({ value: 'v', contentType: 'é'.repeat(255) }),
    await put({ value: 'v', tags: tags(15) }),
    await put({ value: 'v', tags: { ['n'.repeat(512)]: 'é'.repeat(512) } }),
  ]
  const refused = [
    await put({ value: `${'é'.repeat(12_800)}v` }),
    await put({ value: 'v', contentType: 'x'.repeat(256) }),
    await put({ value: 'v', tags: tags(16) }),
    await put({ value: 'v', tags: { ['n'.repeat(513)]: 'x' } }),
    await put({ value: 'v', tags: { n: 'x'.repeat(513) } }),
  ]

  assert.deepEqual([new Set(taken), new Set(refused)], [new Set([200]), new Set([400])])
})

// Azure/azure-rest-api-specs, keyvault/data-plane: api-version is required. The words of the refusal are unverified.
test('Key Vault refuses a call without an api-version with its own message, not with that of Azure Resource Manager', async () => {
  const { call } = world()

  const { status, body } = await call('GET', `https://${host}/secrets`)

  assert.deepEqual([status, body.error.code], [400, 'BadParameter'])
})

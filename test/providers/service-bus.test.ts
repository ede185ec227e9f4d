// Service Bus: what Azure was recorded or documented to answer about authorization rules and their keys, and what the provider makes
// of it. The answers to both calls were also read with @azure/arm-servicebus 6.1.0, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { parseTargets } from '../../src/config/targets.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { Secret } from '../../src/engine/secret.ts'
import { serviceBus } from '../../src/providers/service-bus.ts'
import { sharedAccessSignature } from '../../src/providers/wire/sas.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

const recorded = (name: string, date: string): Source => ({
  repository: 'Azure/azure-cli',
  file: `command_modules/servicebus/tests/latest/recordings/${name}.yaml`,
  date,
})
const rules = recorded('test_sb_auth_rule', '2023-02-07')
const pair = recorded('test_sb_alias', '2023-05-03')
const documented: Source = {
  repository: 'MicrosoftDocs/azure-docs',
  file: 'service-bus-resource-manager-exceptions.md',
  date: '2024',
}
const liveTests: Source = {
  repository: 'Azure/azure-sdk-for-go',
  file: 'sdk/messaging/azservicebus/admin/admin_client_test.go (TestAdminClient_LackPermissions_Queue)',
  date: '2022',
}
const explorer: Source = {
  repository: 'paolosalvatori/ServiceBusExplorer',
  file: 'issues 376, 707 and 718',
  date: '2020 to 2023',
}

const { signal } = new AbortController()
const call = { signal, keepLease: async () => {}, metadata: oldMetadata() }
const wrongKey = Buffer.alloc(32, 7).toString('base64')

type Options = Partial<Parameters<Cloud['serviceBus']['add']>[0]>

function rule(options: Options = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.serviceBus.add({ namespace: 'contoso-messages', rule: 'send', ...options })
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2021-11-01'), body)
  return { cloud, handle, post, send, ...provider(cloud, { resource: handle.resourceId }) }
}

function provider(cloud: Cloud, fields: object, outputs?: readonly string[]) {
  const holder = serviceBus.open(serviceBus.resource.parse(fields), connect(cloud), outputs)
  const verdict = (key: string) => holder.probe!('primary', { key: Secret.of(key) }, signal)
  return { holder, verdict }
}

/** The answer to a signed request for the first queue. */
async function listed(
  cloud: Cloud,
  key: string,
  { policy = 'send', resource = 'https://contoso-messages.servicebus.windows.net/' } = {},
) {
  const authorization = sharedAccessSignature(
    { resource, policy, key: Secret.of(key), bytes: 'utf8' },
    cloud.clock.now() + 60_000,
  )
  const url = 'https://contoso-messages.servicebus.windows.net/$Resources/queues?api-version=2021-05&$top=1'
  const answer = await cloud.fetch(new Request(url, { headers: { authorization } }))
  return { status: answer.status, text: await answer.text() }
}

async function errorOf(run: () => Promise<unknown>): Promise<RekeyError> {
  const error = await run().then(
    () => assert.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof RekeyError)
  return error
}

fact(
  'the keys of a rule are listed with two connection strings and the name of the rule, which is no slot',
  rules,
  async () => {
    const { handle, post } = rule()
    const { primary, secondary } = handle.keys()

    const { status, body, headers } = await post('listKeys')

    const text = (key: string | undefined) =>
      `Endpoint=sb://contoso-messages.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`
    assert.equal(status, 200)
    assert.deepEqual(body, {
      primaryConnectionString: text(primary),
      secondaryConnectionString: text(secondary),
      primaryKey: primary,
      secondaryKey: secondary,
      keyName: 'send',
    })
    assert.match(primary!, /^[A-Za-z0-9+/]{43}=$/)
    assert.ok(headers.has('x-ms-ratelimit-remaining-subscription-writes'))
  },
)

fact('regenerating answers both keys at once, and only the one that keyType names has changed', rules, async () => {
  const { handle, post } = rule()
  const before = handle.keys()

  const { status, body, headers } = await post('regenerateKeys', { keyType: 'SecondaryKey' })

  assert.deepEqual([status, body.primaryKey], [200, before['primary']])
  assert.notEqual(body.secondaryKey, before['secondary'])
  for (const name of ['location', 'azure-asyncoperation', 'retry-after']) assert.equal(headers.get(name), null)
})

fact('a key that is given is taken, and so is one that was replaced a moment ago, in both slots', rules, async () => {
  const { handle, post } = rule()
  const { primary, secondary } = handle.keys()

  const given = await post('regenerateKeys', { keyType: 'PrimaryKey', key: secondary })
  const back = await post('regenerateKeys', { keyType: 'SecondaryKey', key: primary })

  assert.deepEqual([given.body.primaryKey, given.body.secondaryKey], [secondary, secondary])
  assert.deepEqual([back.body.primaryKey, back.body.secondaryKey], [secondary, primary])
})

fact(
  'the alias of paired namespaces lists the same keys, with connection strings of its own instead',
  pair,
  async () => {
    const { cloud, handle, send } = rule({ alias: 'contoso-pair' })
    const namespace = handle.resourceId.replace('/authorizationRules/send', '')

    const { status, body } = await send(
      'POST',
      arm(`${namespace}/disasterRecoveryConfigs/contoso-pair/authorizationRules/send/listKeys`, '2021-11-01'),
    )

    const text = (key: string | undefined) =>
      `Endpoint=sb://contoso-pair.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`
    const { primary, secondary } = handle.keys()
    assert.equal(status, 200)
    assert.deepEqual(body, {
      aliasPrimaryConnectionString: text(primary),
      aliasSecondaryConnectionString: text(secondary),
      primaryKey: primary,
      secondaryKey: secondary,
      keyName: 'send',
    })
    assert.ok(
      cloud.history.some(({ permission }) =>
        permission?.endsWith('/disasterRecoveryConfigs/authorizationRules/listkeys/action'),
      ),
    )
  },
)

fact(
  'a rule that does not exist is 404 with a string for a body',
  { repository: 'pulumi/pulumi-azure-nextgen', file: 'issue 247', date: '2021-01-28' },
  async () => {
    const { cloud, handle, send } = rule()
    const other = handle.resourceId.replace(/send$/, 'testRule')

    const { status, body } = await send('POST', arm(`${other}/listKeys`, '2021-11-01'))
    const error = await errorOf(() => provider(cloud, { resource: other }).holder.read(signal))

    assert.deepEqual([status, body], [404, 'The requested resource testRule does not exist.'])
    assert.equal(error.code, 'ResourceNotFound')
  },
)

fact(
  'another change of the same rule is 429 with SubCode=40901: the rule is busy, and nothing was changed',
  documented,
  async () => {
    const { handle, post, holder } = rule()
    const before = handle.keys()
    handle.occupy(true)

    const { status, body } = await post('regenerateKeys', { keyType: 'PrimaryKey' })
    const error = await errorOf(() => holder.regenerate('primary', call))

    assert.deepEqual([status, body.error.code], [429, 'MessagingGatewayTooManyRequests'])
    assert.match(body.error.message, /^SubCode=40901\./)
    assert.deepEqual([error.code, error.transient, error.details.outcomeUnknown], ['ServiceBusy', true, undefined])
    assert.deepEqual(handle.keys(), before)
  },
)

fact('the secondary namespace of a pair is read-only: 401, which is no missing right', documented, async () => {
  const { handle, post, holder } = rule()
  handle.becomeSecondary(true)

  const { status } = await post('regenerateKeys', { keyType: 'PrimaryKey' })
  const error = await errorOf(() => holder.regenerate('primary', call))

  assert.equal(status, 401)
  assert.deepEqual([error.code, error.transient], ['ServiceRefused', false])
  assert.match(error.details.remedy!, /primary namespace/)
})

fact(
  'a bad signature is 401 InvalidSignature: the key is refused',
  { repository: 'Azure/azure-sdk-for-java', file: 'issue 30723', date: '2022-08' },
  async () => {
    const { cloud, handle, verdict } = rule()

    const { status, text } = await listed(cloud, wrongKey)

    assert.equal(status, 401)
    assert.match(text, /<Code>401<\/Code><Detail>InvalidSignature: The token has an invalid signature\. TrackingId:/)
    assert.deepEqual([await verdict(handle.keyOf('primary')), await verdict(wrongKey)], ['accepted', 'refused'])
  },
)

fact(
  'a valid key without Manage is 401 with the claims that are required: the key is accepted',
  liveTests,
  async () => {
    const { cloud, handle, verdict } = rule({ rights: ['Listen', 'Send'] })

    const { status, text } = await listed(cloud, handle.keyOf('primary'))

    assert.equal(status, 401)
    assert.match(text, /<Detail>Manage,EntityRead claims required for this operation\./)
    assert.deepEqual([await verdict(handle.keyOf('primary')), await verdict(wrongKey)], ['accepted', 'refused'])
  },
)

fact(
  'a valid key of a rule with Listen alone gets the same answer as a rule that is not there: nothing is concluded',
  explorer,
  async () => {
    const { cloud, handle, verdict } = rule({ rights: ['Listen'], badSignature: 'empty claim' })

    const [good, unknown] = [
      await listed(cloud, handle.keyOf('primary')),
      await listed(cloud, wrongKey, { policy: 'other' }),
    ]

    for (const { status, text } of [good, unknown]) {
      assert.equal(status, 401)
      assert.match(text, /<Detail>claim is empty or token is invalid\./)
    }
    assert.deepEqual([await verdict(handle.keyOf('primary')), await verdict(wrongKey)], ['unknown', 'unknown'])
  },
)

fact(
  'a bad key that gets the answer of an empty claim is refused where the other key is accepted by the same request',
  {
    repository: 'Azure/azure-sdk-for-python',
    file: 'test_mgmt_queues.test_mgmt_queue_list_with_negative_credential.yaml',
    date: '2020-09-29',
  },
  async () => {
    const { cloud, handle, verdict } = rule({ badSignature: 'empty claim' })

    const { text } = await listed(cloud, wrongKey)
    const before = cloud.history.length
    const refused = await verdict(wrongKey)

    assert.match(text, /claim is empty or token is invalid/)
    assert.equal(refused, 'refused')
    assert.equal(
      cloud.history.slice(before).filter(({ operation }) => operation === 'messaging/listEntities').length,
      2,
    )
    assert.equal(await verdict(handle.keyOf('secondary')), 'accepted')
  },
)

fact(
  'a token for another namespace is 401 InvalidAudience: nothing is concluded of the key',
  { repository: 'MicrosoftDocs/azure-docs', file: 'issue 76515', date: '2021' },
  async () => {
    const { cloud, handle } = rule()

    const { status, text } = await listed(cloud, handle.keyOf('primary'), {
      resource: 'https://other.servicebus.windows.net/',
    })

    assert.equal(status, 401)
    assert.match(text, /InvalidAudience/)
  },
)

fact(
  'a namespace without local authentication refuses valid keys by name: nothing is concluded of the key',
  { repository: 'Azure/azure-sdk-for-js', file: 'issue 32923', date: '2025-02-07' },
  async () => {
    const { cloud, handle, verdict } = rule()
    handle.disableLocalAuth(true)

    const { status, text } = await listed(cloud, handle.keyOf('primary'))

    assert.equal(status, 401)
    assert.match(
      text,
      /LocalAuthDisabled: Authorization failed because SAS authentication has been disabled for the namespace/,
    )
    assert.equal(await verdict(handle.keyOf('primary')), 'unknown')
  },
)

test('a rule of a queue has connection strings that end with its path, and no probe', async () => {
  const { holder, handle } = rule({ at: { part: 'queues', name: 'orders' } })

  const { secondary } = await holder.read(signal)
  const made = await holder.regenerate('primary', call)

  assert.match(secondary!['connectionString']!.reveal(), /;SharedAccessKey=[^;]+;EntityPath=orders$/)
  assert.equal(made['primary']!['key']!.reveal(), handle.keyOf('primary'))
  assert.match(handle.resourceId, /\/namespaces\/contoso-messages\/queues\/orders\/authorizationRules\/send$/)
  assert.equal(holder.probe, undefined)
})

test('the connection string of the alias has the keys of the listing, and costs one call for a reconcile', async () => {
  const { cloud, handle } = rule({ alias: 'contoso-pair' })
  const { holder } = provider(cloud, { resource: handle.resourceId, alias: 'contoso-pair' }, ['aliasConnectionString'])

  await holder.read(signal)
  const made = await holder.regenerate('primary', call)
  const again = await holder.read(signal)

  const text = `Endpoint=sb://contoso-pair.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${handle.keyOf('primary')}`
  assert.equal(made['primary']!['aliasConnectionString']!.reveal(), text)
  assert.equal(again['primary']!['aliasConnectionString']!.reveal(), text)
  assert.equal(cloud.history.filter(({ operation }) => operation === 'service-bus/listAliasKeys').length, 1)
  assert.equal(await holder.probe!('primary', { aliasConnectionString: Secret.of(text) }, signal), 'accepted')
})

test('the alias is asked for only where a secret holds its connection string', async () => {
  const { cloud, handle } = rule({ alias: 'contoso-pair' })
  const { holder } = provider(cloud, { resource: handle.resourceId, alias: 'contoso-pair' }, [
    'key',
    'connectionString',
  ])

  const { primary } = await holder.read(signal)

  assert.deepEqual(Object.keys(primary!), ['key', 'connectionString'])
  assert.equal(cloud.history.filter(({ operation }) => operation === 'service-bus/listAliasKeys').length, 0)
})

for (const [says, fields, field] of [
  ['needs the name of the alias', {}, 'secrets'],
  ['is not there for a rule of a queue', { at: 'queues/orders/', alias: 'contoso-pair' }, 'alias'],
] as const) {
  test(`the output aliasConnectionString ${says}: targets.json is refused where it is wrong`, () => {
    const { at = '', ...others } = fields as { at?: string; alias?: string }
    const resource = `/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.ServiceBus/namespaces/contoso/${at}authorizationRules/send`
    const secrets = { 'bus-connection': 'aliasConnectionString' }
    const targets = [
      { name: 'bus', provider: 'service-bus', resource, vault: 'https://kv-prod.vault.azure.net', secrets, ...others },
    ]

    const parsed = parseTargets(JSON.stringify({ targets }), [serviceBus], 'public', Date.UTC(2026, 0, 1))

    assert.ok('problems' in parsed)
    assert.equal(parsed.problems.length, 1)
    assert.ok(JSON.stringify(parsed.problems).includes(field))
  })
}

// The scripts for sh, run for real, with an `az` that notes what it is asked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './fake-az.ts'

const subscription = '/subscriptions/11111111-1111-4111-8111-111111111111'
const vaultId = `${subscription}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-prod`
const outputs = {
  AZURE_ENV_NAME: 'prod',
  FUNCTION_APP_ID: `${subscription}/resourceGroups/rg-prod/providers/Microsoft.Web/sites/func-rekey`,
  IDENTITY_CLIENT_ID: 'client-of-app',
  STORAGE_ACCOUNT_ID: `${subscription}/resourceGroups/rg-prod/providers/Microsoft.Storage/storageAccounts/strekey`,
  ACTION_GROUP_ID: `${subscription}/resourceGroups/rg-prod/providers/Microsoft.Insights/actionGroups/ag`,
  KEY_VAULT_IDS: vaultId,
  NEAR_EXPIRY_ROUTE: 'function',
}

const hook = 'infra/hooks/postdeploy.sh'
const topic = (source: string, name: string, group: string, principal: string, environment: string) =>
  [source, name, group, principal, environment].join('\t')

test('a vault without a system topic gets one in its resource group, which calls the function', () => {
  const { status, stderr, parameters, option } = run(hook, outputs)

  assert.equal(status, 0, stderr)
  assert.equal(option('--resource-group'), 'rg-keys')
  assert.equal(option('--template-file'), 'infra/events/near-expiry.bicep')
  assert.deepEqual(parameters, {
    vaultId,
    location: 'westeurope',
    systemTopicName: 'evgt-rekey-kv-prod',
    ownTopic: 'true',
    foreignPrincipalId: '',
    route: 'function',
    functionAppId: outputs.FUNCTION_APP_ID,
    storageAccountId: outputs.STORAGE_ACCOUNT_ID,
    actionGroupId: outputs.ACTION_GROUP_ID,
    environmentName: 'prod',
  })
})

test('a second run deploys the same to the topic that the first one made', () => {
  const first = run(hook, outputs)

  const topics = [topic(vaultId, 'evgt-rekey-kv-prod', 'rg-keys', 'principal-1', 'prod')]
  const second = run(hook, outputs, { topics })

  assert.equal(second.status, 0, second.stderr)
  assert.deepEqual(second.deployed, first.deployed)
})

test('a system topic of another deployment is used and not changed, whatever the case of its source', () => {
  const topics = [
    topic(`${vaultId}-other`, 'not-this-one', 'rg-x', 'None', 'None'),
    topic(vaultId.toUpperCase(), 'evgt-theirs', 'rg-theirs', 'principal-2', 'None'),
  ]

  const { status, stderr, parameters, option } = run(hook, outputs, { topics })

  assert.equal(status, 0, stderr)
  assert.equal(option('--resource-group'), 'rg-theirs')
  assert.equal(parameters['systemTopicName'], 'evgt-theirs')
  assert.equal(parameters['ownTopic'], 'false')
  assert.equal(parameters['foreignPrincipalId'], 'principal-2')
})

test('A foreign topic without an identity still calls the function, and the hook says what is missing', () => {
  const topics = [topic(vaultId, 'evgt-theirs', 'rg-theirs', 'None', 'None')]

  const { status, stderr, parameters } = run(hook, outputs, { topics })

  assert.equal(status, 0, stderr)
  assert.equal(parameters['foreignPrincipalId'], '')
  assert.match(stderr, /az eventgrid system-topic update .*--name evgt-theirs --identity systemassigned/)
})

test('a foreign topic without an identity cannot write to the queue: nothing is deployed, and the remedy is named', () => {
  const topics = [topic(vaultId, 'evgt-theirs', 'rg-theirs', 'None', 'None')]

  const { status, stderr, deployed } = run(hook, { ...outputs, NEAR_EXPIRY_ROUTE: 'queue' }, { topics })

  assert.equal(status, 1)
  assert.deepEqual(deployed, [])
  assert.match(stderr, /az eventgrid system-topic update .*--name evgt-theirs --identity systemassigned/)
})

test('a deployment that is refused at first is tried again', () => {
  const { status, stderr, deployed } = run(hook, outputs, { failures: 2 })

  assert.equal(status, 0, stderr)
  assert.equal(deployed.length, 3)
  assert.match(stderr, /slept 30[\s\S]*slept 60/)
})

test('a deployment that stays refused fails the hook, and says that rotation goes on', () => {
  const { status, stderr } = run(hook, outputs, { failures: 9 })

  assert.equal(status, 1)
  assert.match(stderr, /the events of kv-prod are not wired up\. Rotation goes on by the schedule/)
})

test('topics that cannot be listed are not treated as absent', () => {
  const { status, deployed } = run(hook, outputs, { list: 'fails' })

  assert.notEqual(status, 0)
  assert.deepEqual(deployed, [])
})

test('several vaults are wired up one after the other', () => {
  const second = vaultId.replace('kv-prod', 'kv-test')

  const { deployed } = run(hook, { ...outputs, KEY_VAULT_IDS: `${vaultId},${second}` })

  assert.deepEqual(
    deployed.map((call) => /vaultId=(\S+)/.exec(call)?.[1]),
    [vaultId, second],
  )
})

test('Announcements are also kept in the queue where that is configured', () => {
  const topicId = `${subscription}/resourceGroups/rg-prod/providers/Microsoft.EventGrid/topics/evgt-rekey`

  const { status, stderr, deployed, parameters, option } = run(hook, { ...outputs, ANNOUNCEMENT_TOPIC_ID: topicId })

  assert.equal(status, 0, stderr)
  assert.equal(deployed.length, 2)
  assert.equal(option('--template-file'), 'infra/events/announcements.bicep')
  assert.equal(option('--resource-group'), 'rg-prod')
  assert.deepEqual(parameters, { topicId, storageAccountId: outputs.STORAGE_ACCOUNT_ID })
})

const eventGroup = `${subscription}/resourceGroups/rg-prod`
const withEvents = { ...outputs, RESOURCE_EVENT_GROUPS: eventGroup }

test('A subscription without a system topic gets one in the group that is named, and its events call the function', () => {
  const { status, stderr, deployed, parameters, option } = run(hook, withEvents)

  assert.equal(status, 0, stderr)
  assert.equal(deployed.length, 2)
  assert.equal(option('--resource-group'), 'rg-prod')
  assert.equal(option('--template-file'), 'infra/events/resource-events.bicep')
  assert.deepEqual(parameters, {
    systemTopicName: 'evgt-rekey-11111111-1111-4111-8111-111111111111',
    ownTopic: 'true',
    foreignPrincipalId: '',
    route: 'function',
    identityClientId: 'client-of-app',
    functionAppId: outputs.FUNCTION_APP_ID,
    storageAccountId: outputs.STORAGE_ACCOUNT_ID,
    actionGroupId: outputs.ACTION_GROUP_ID,
    environmentName: 'prod',
  })
})

test('The system topic that a subscription has already is used and not changed', () => {
  const topics = [topic(subscription.toUpperCase(), 'evgt-theirs', 'rg-theirs', 'None', 'None')]

  const { status, stderr, parameters, option } = run(hook, withEvents, { topics })

  assert.equal(status, 0, stderr)
  assert.equal(option('--resource-group'), 'rg-theirs')
  assert.deepEqual([parameters['systemTopicName'], parameters['ownTopic']], ['evgt-theirs', 'false'])
})

test('Where the topic of a subscription cannot write to the queue, the vaults are wired up all the same, and the hook says what is missing', () => {
  const topics = [topic(subscription, 'evgt-theirs', 'rg-theirs', 'None', 'None')]

  const { status, stderr, deployed } = run(hook, { ...withEvents, NEAR_EXPIRY_ROUTE: 'queue' }, { topics })

  assert.equal(status, 0, stderr)
  assert.equal(deployed.length, 1)
  assert.match(stderr, /found by the daily resync.*az eventgrid system-topic update .*--name evgt-theirs/)
})

test('Events of a subscription that stay refused do not fail the deployment, and the hook says what goes on', () => {
  const { status, stderr } = run(hook, { ...withEvents, KEY_VAULT_IDS: ',' }, { failures: 9 })

  assert.equal(status, 0, stderr)
  assert.match(stderr, /are not wired up, so keys regenerated by hand are found by the daily resync/)
})

for (const name of Object.keys(outputs)) {
  test(`without ${name} the hook stops and names it`, () => {
    const { [name]: _, ...rest } = outputs as Record<string, string>

    const { status, stderr, asked } = run(hook, rest)

    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`${name} is not set: run azd provision`))
    assert.deepEqual(asked, [''])
  })
}

test('without azd, the outputs are read from the deployment that is named', () => {
  const { AZURE_ENV_NAME: _, FUNCTION_APP_ID: __, ...rest } = outputs

  const { status, stderr, parameters } = run(hook, rest, {}, ['rekey'])

  assert.equal(status, 0, stderr)
  assert.equal(parameters['environmentName'], 'read')
  assert.equal(parameters['functionAppId'], '/read/app')
})

const permission = 'infra/scripts/graph-permission.sh'

test('the Graph permission is granted once', () => {
  const first = run(permission, { IDENTITY_PRINCIPAL_ID: 'me' })
  const second = run(permission, { IDENTITY_PRINCIPAL_ID: 'me' }, { granted: 'grant-1' })

  const posts = (asked: readonly string[]) => asked.filter((call) => call.includes('--method post'))
  assert.equal(first.status, 0, first.stderr)
  assert.equal(posts(first.asked).length, 1)
  assert.match(posts(first.asked)[0]!, /"principalId":"me","resourceId":"graph-1","appRoleId":"role-1"/)
  assert.equal(second.status, 0, second.stderr)
  assert.deepEqual(posts(second.asked), [])
})

test('The Graph permission is requested at the endpoint of the cloud', () => {
  const { asked } = run(permission, {}, { graph: 'https://graph.microsoft.us/' }, ['me'])

  const urls = asked.flatMap((call) => /--url (\S+)/.exec(call)?.[1] ?? [])
  assert.notEqual(urls.length, 0)
  for (const url of urls) assert.match(url, /^https:\/\/graph\.microsoft\.us\/v1\.0\//)
})

test('the Graph permission script reports that there is nothing to grant in China', () => {
  const { status, stderr, asked } = run(permission, {}, { cloud: 'AzureChinaCloud' }, ['me'])

  assert.equal(status, 1)
  assert.match(stderr, /China/)
  assert.deepEqual(
    asked.filter((call) => call.startsWith('rest')),
    [],
  )
})

test('The app registration is made once, and configured the same way each time', () => {
  const signIn = 'infra/scripts/sign-in.sh'

  const first = run(signIn, {})
  const second = run(signIn, {}, { registered: 'client-1' })

  const made = (asked: readonly string[]) =>
    asked.filter((call) => / create /.test(call)).map((call) => call.slice(0, 12))
  assert.equal(first.status, 0, first.stderr)
  assert.deepEqual(made(first.asked), ['ad app creat', 'ad sp create'])
  assert.equal(second.status, 0, second.stderr)
  assert.deepEqual(made(second.asked), [])
  assert.ok(second.asked.some((call) => call.includes('--app-roles @app-roles.json')))
  assert.deepEqual(
    second.asked.flatMap((call) => /--method patch --url (\S+) .*--body @(\S+)/.exec(call)?.slice(1) ?? []),
    ['app-scope.json', 'app-callers.json'].flatMap((body) => [
      'https://graph.microsoft.com/v1.0/applications/object-1',
      body,
    ]),
  )
  assert.ok(second.asked.some((call) => call.includes('appRoleAssignmentRequired=true')))
})

test('The app registration lets the page sign in, once its address is known, and keeps the addresses of other apps', () => {
  const callback = 'https://func-rekey.azurewebsites.net/.auth/login/aad/callback'
  const other = 'https://func-other.azurewebsites.net/.auth/login/aad/callback'
  const world = { registered: 'client-1', redirects: [other, callback] }

  const without = run('infra/scripts/sign-in.sh', {}, world, ['Rekey'])
  const asked = run('infra/scripts/sign-in.sh', {}, world, ['Rekey', 'https://func-rekey.azurewebsites.net/'])

  const redirects = (calls: readonly string[]) => calls.filter((call) => call.includes('redirect-uris'))
  assert.deepEqual(redirects(without.asked), [])
  assert.equal(asked.status, 0, asked.stderr)
  assert.deepEqual(redirects(asked.asked), [
    `ad app update --id client-1 --enable-id-token-issuance true --web-redirect-uris ${other} ${callback} --output none`,
  ])
})

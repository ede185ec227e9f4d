// What main.bicep makes of its parameters: an entry that would give no right, or an alert that would fire with every
// tick, ends the deployment.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { providers } from '../providers/all-providers.ts'
import { loadGrammar } from './bicep.ts'
import { variableOf } from './evaluate.ts'
import { projectOf, readTexts } from './project.ts'

await loadGrammar()
const texts = readTexts()
const main = projectOf(texts).files.find(({ path }) => path === 'infra/main.bicep')!

const subscription = '/subscriptions/11111111-1111-4111-8111-111111111111'
const group = `${subscription}/resourceGroups/ai`
const account = `${group}/providers/Microsoft.CognitiveServices/accounts/vision`
const hub = `${group}/providers/Microsoft.Devices/IotHubs/hub1`
const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-prod`

const granted = (grants: string) =>
  ['subscriptionGrants', 'groupGrants', 'resourceGrants'].map((list) => variableOf(texts, main, list, { grants }))

test('a grant goes to the subscription, the resource group or the resource that it names', () => {
  const lists = granted(
    `cognitive-services=${subscription}, log-analytics=${group} ,cognitive-services=${account.toLowerCase()},`,
  )

  assert.deepEqual(lists, [
    [`cognitive-services=${subscription}`],
    [`log-analytics=${group}`.toLowerCase()],
    [`cognitive-services=${account}`.toLowerCase()],
  ])
})

test('a grant that is given twice, in whatever case, is assigned once', () => {
  const twice = granted(`cognitive-services=${account},cognitive-services=${account.toLowerCase()}`)

  assert.deepEqual(twice, [[], [], [`cognitive-services=${account}`.toLowerCase()]])
})

test('the health role is assigned once at each scope, however many providers are granted there', () => {
  const grants = [`iot-hub-policy=${hub}`, `iot-hub-device=${hub}`, `log-analytics=${group}`, `iot-hub-policy=${group}`]
  const scopes = ['subscriptionScopes', 'groupScopes', 'resourceScopes'].map((list) =>
    variableOf(texts, main, list, { grants: grants.join(',') }),
  )

  assert.deepEqual(scopes, [[], [group.toLowerCase()], [hub.toLowerCase()]])
})

test('Each granted subscription is listened to once, and none where that is switched off', () => {
  const second = subscription.replaceAll('1111', '2222')
  const grants = `cognitive-services=${subscription},log-analytics=${group},batch=${second}/resourceGroups/rg`

  const listened = [true, false].map((resourceEvents) =>
    variableOf(texts, main, 'grantedSubscriptions', { grants, resourceEvents }),
  )

  assert.deepEqual(listened, [[subscription, second], []])
})

test('a deployment without grants is valid', () => {
  assert.deepEqual(granted(''), [[], [], []])
})

test('the app may read the subscriptions and resource groups that discovery names, each once, and nothing by default', () => {
  const found = (discoveryScopes: string) =>
    ['subscriptionDiscovery', 'groupDiscovery'].map((list) => variableOf(texts, main, list, { discoveryScopes }))

  assert.deepEqual(found(''), [[], []])
  assert.deepEqual(
    found(`${subscription} , ${group},${subscription.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions')}`),
    [[subscription], [group.toLowerCase()]],
  )
  for (const wrong of [`${subscription}/`, account, '/providers/Microsoft.Management/managementGroups/mg', 'mine']) {
    assert.throws(() => found(wrong), /^Error: DISCOVERY_SCOPES: /)
  }
})

/** [what is wrong, the entry, what is said of it] */
const mistakes: readonly (readonly [string, string, RegExp])[] = [
  ['a slash at the end of a resource', `cognitive-services=${account}/`, /without a slash at its end/],
  ['a slash at the end of a resource group', `cognitive-services=${group}/`, /without a slash at its end/],
  [
    'part of a resource',
    `cognitive-services=${account}/deployments/gpt`,
    /a subscription, a resource group or a resource/,
  ],
  ['no provider', group, /write provider=scope/],
  ['no scope', 'cognitive-services', /write provider=scope/],
  ['a scope that begins elsewhere', `cognitive-services=${group.slice(1)}/x`, /write provider=scope/],
  ['a mistyped provider', `cognitive-service=${group}`, /a provider of .*cognitive-services, .*log-analytics/],
  ['a provider without an Azure role', `defender-sensor=${group}`, /a provider of .*cognitive-services/],
  ['a resource of another type', `log-analytics=${account}`, /of another type/],
  ['a hub for a provider of accounts', `cognitive-services=${hub}`, /of another type/],
]

for (const [what, entry, says] of mistakes) {
  test(`${what} ends the deployment, with the entry in the message`, () => {
    const run = () => granted(`iot-hub-policy=${hub},${entry}`)

    assert.throws(run, (error: Error) => {
      assert.match(error.message, says)
      assert.ok(error.message.startsWith(`ROTATION_GRANTS: ${entry}: `), error.message)
      return true
    })
  })
}

test('a role on a single resource is assigned on that resource, whatever its type', () => {
  const { resources } = JSON.parse(texts['infra/roles/at-resource.json']!)

  assert.deepEqual(resources, [
    {
      type: 'Microsoft.Authorization/roleAssignments',
      apiVersion: '2022-04-01',
      scope: "[parameters('resourceId')]",
      name: "[guid(parameters('resourceId'), parameters('principalId'), parameters('roleName'))]",
      properties: {
        principalId: "[parameters('principalId')]",
        principalType: 'ServicePrincipal',
        roleDefinitionId: "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', parameters('roleName'))]",
      },
    },
  ])
})

test('An address range of two addresses, which a storage account refuses, ends the deployment', () => {
  const ranges = (allowedIpRanges: string) => variableOf(texts, main, 'givenIpRanges', { allowedIpRanges })

  assert.deepEqual(ranges('192.0.2.1/32, 198.51.100.0/24'), ['192.0.2.1/32', '198.51.100.0/24'])
  assert.throws(() => ranges('192.0.2.1/32,192.0.2.8/31'), /^Error: ALLOWED_IP_RANGES: 192\.0\.2\.8\/31: /)
})

for (const { id, actions } of providers) {
  test(`${id} needs rights on resources of the type that its grants are checked against`, () => {
    const { resourceType } = JSON.parse(texts['infra/provider-actions.json']!)[id] as { resourceType: string }

    const azure = actions.filter(({ kind }) => kind !== 'appRole').map(({ name }) => name.toLowerCase())

    assert.equal(resourceType === '', azure.length === 0)
    for (const name of azure) assert.ok(name.startsWith(`${resourceType.toLowerCase()}/`), name)
  })
}

test('The silence that raises an alert follows the schedule: two ticks of the default, and another must be set', () => {
  const silence = (schedule: string, scheduleSilence: string) =>
    variableOf(texts, main, 'silence', { schedule, scheduleSilence })
  const usual = main.parameters.find(({ name }) => name === 'schedule')!.fallback!

  assert.equal(silence(usual, ''), 'PT30M')
  assert.equal(silence(usual, 'PT2H'), 'PT2H')
  assert.equal(silence('0 0 * * * *', 'PT2H'), 'PT2H')
  assert.throws(() => silence('0 0 * * * *', ''), /^Error: SCHEDULE_SILENCE: .*0 0 \* \* \* \*/)
})

test('The deployment uses the vaults that are named, and no other', () => {
  assert.deepEqual(variableOf(texts, main, 'givenVaultIds', { vaultIds: ` ${vault},` }), [vault])
})

for (const id of [`${vault}/`, 'kv-prod', account]) {
  test(`${id} is not taken for a vault`, () => {
    const run = () => variableOf(texts, main, 'givenVaultIds', { vaultIds: `${vault},${id}` })

    assert.throws(run, (error: Error) => error.message.startsWith(`EXISTING_VAULT_IDS: ${id}: `))
  })
}

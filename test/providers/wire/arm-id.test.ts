// Resource ids of Azure Resource Manager are parsed, compared and refused.

import assert from 'node:assert/strict'
import test from 'node:test'
import { type ArmType, armPlace, armResource, parseArmId } from '../../../src/providers/wire/arm-id.ts'

const hubs: ArmType = {
  type: 'Microsoft.Devices/IotHubs',
  name: /^[a-z0-9-]{3,50}$/i,
  rule: '3 to 50 letters, digits or -',
}
const subscription = '11111111-2222-3333-4444-555555555555'
const id = `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub1`

test('an ARM id is read by its segment names, in any case', () => {
  const shouted = `/SUBSCRIPTIONS/${subscription}/resourcegroups/My-Group/Providers/microsoft.devices/iothubs/Hub1/`

  const parsed = parseArmId(shouted, hubs)

  assert.deepEqual(parsed, {
    subscription,
    group: 'My-Group',
    name: 'Hub1',
    names: ['Hub1'],
    type: 'Microsoft.Devices/IotHubs',
    id: `/subscriptions/${subscription}/resourceGroups/My-Group/providers/Microsoft.Devices/IotHubs/Hub1`,
    topId: `/subscriptions/${subscription}/resourceGroups/My-Group/providers/Microsoft.Devices/IotHubs/Hub1`,
  })
})

const any = { name: /^[\w-]+$/, rule: 'letters, digits, _ or -' }
const rules = [
  { type: 'Microsoft.ServiceBus/namespaces/authorizationRules', above: [any], ...any },
  { type: 'Microsoft.ServiceBus/namespaces/queues/authorizationRules', above: [any, any], ...any },
] as const
const namespace = `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.ServiceBus/namespaces/bus`

test('a child resource is read as the type that its id has, and its rights are granted at the outermost resource', () => {
  const ofQueue = parseArmId(`${namespace}/Queues/orders/authorizationrules/send`, rules)
  const ofNamespace = parseArmId(`${namespace}/AuthorizationRules/all`, rules)

  assert.deepEqual([ofQueue.name, ofQueue.names, ofQueue.type], ['send', ['bus', 'orders', 'send'], rules[1].type])
  assert.equal(ofQueue.id, `${namespace}/queues/orders/authorizationRules/send`)
  assert.deepEqual([ofNamespace.names, ofNamespace.type], [['bus', 'all'], rules[0].type])
  assert.deepEqual([armPlace('bus', ofQueue).scope, armPlace('bus', ofNamespace).scope], [namespace, namespace])
})

test('An id of none of several types is refused, with all of their forms', () => {
  for (const [text, expected] of [
    [namespace, /'authorizationRules' is missing/],
    [`${namespace}/queues/orders`, /'authorizationRules' is missing/],
    [`${namespace}/authorizationRules/no spaces`, /name of the resource must be letters/],
    [`${namespace} 2/authorizationRules/all`, /name after 'namespaces' must be letters/],
  ] as const) {
    const [issue] = armResource(rules).safeParse(text).error!.issues
    assert.match(issue!.message, expected)
    assert.match(issue!.message, /namespaces\/<name>\/authorizationRules\/<name>, or .*queues\/<name>/)
  }
})

test('an ARM id that does not parse is refused with what is wrong and what was expected', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['hub1', /starts with \/subscriptions\//],
    ['/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub1', /'subscriptions' is missing/],
    [id.replace(subscription, 'my-subscription'), /subscription is not a GUID/],
    [id.replace('resourceGroups', 'groups'), /'resourceGroups' is missing/],
    [id.replace('/rg/', '/rg./'), /name of the resource group/],
    [id.replace('providers/', 'provider/'), /'providers' is missing/],
    [id.replace('Microsoft.Devices', 'Microsoft.Storage'), /not one of Microsoft\.Devices/],
    [id.replace('IotHubs', 'hubs'), /'IotHubs' is missing/],
    [id.replace('hub1', 'h'), /must be 3 to 50 letters/],
    [`${id}/IotHubKeys/service`, /goes on where it should end/],
  ]

  const messages = wrong.map(([text]) =>
    armResource(hubs)
      .safeParse(text)
      .error?.issues.map((issue) => issue.message),
  )

  for (const [index, [text, expected]] of wrong.entries()) {
    assert.equal(messages[index]?.length, 1, text)
    assert.match(messages[index]![0]!, expected)
    assert.match(messages[index]![0]!, /expected \/subscriptions\/<guid>\/.*\/Microsoft\.Devices\/IotHubs\/<name>$/)
  }
})

test('two spellings of one id are one credential, and keep one address', () => {
  const spelled = parseArmId(id, hubs)
  const shouted = parseArmId(id.toUpperCase().replace('HUB1', 'hub1').replace('/RG/', '/rg/'), hubs)

  assert.equal(armPlace('iot-hub-policy', spelled).credential, armPlace('iot-hub-policy', shouted).credential)
  assert.equal(armPlace('iot-hub-policy', spelled).address, armPlace('iot-hub-policy', shouted).address)
})

test('a kind of resource may be called as the segment of the Azure subscription is', () => {
  const name = { name: /^[a-z]+$/, rule: 'letters' }
  const rule = { type: 'Microsoft.ApiManagement/service/subscriptions', above: [name], ...name }
  const below = `/subscriptions/${subscription}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso`

  const parsed = parseArmId(`${below}/subscriptions/orders`, rule)

  assert.deepEqual([parsed.subscription, parsed.names], [subscription, ['contoso', 'orders']])
  assert.equal(armResource(rule).safeParse(below).success, false)
})

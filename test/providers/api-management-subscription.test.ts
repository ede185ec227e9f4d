// Subscriptions of API Management: what only this service does, and what Azure was recorded or documented to answer. The answers of the
// simulated control plane were read by @azure/arm-apimanagement 10.0.0 as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { missingPermission, staleReads } from '../../simulator/faults.ts'
import { apimSubscription } from '../../src/providers/api-management-subscription.ts'
import { fact } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'
import { failure, opened, revealed } from './opened.ts'

const right = 'Microsoft.ApiManagement/service/subscriptions'

function subscription() {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.apiManagementSubscriptions.add({ service: 'contoso', name: 'orders' })
  const send = caller(cloud)
  const post = (action: string) => send('POST', arm(`${handle.resourceId}/${action}`, '2024-05-01'))
  return { handle, post }
}

fact(
  "a subscription's secrets are its two keys and nothing else",
  {
    repository: 'Azure/azure-powershell',
    file: 'src/ApiManagement/ApiManagement.ServiceManagement.Test/SessionRecords, SubscriptionNewModelCrudTest.json',
    date: '2022-04-01',
  },
  async () => {
    const { post, handle } = subscription()

    const { status, body } = await post('listSecrets')

    assert.equal(status, 200)
    assert.deepEqual(body, { primaryKey: handle.keyOf('primary'), secondaryKey: handle.keyOf('secondary') })
  },
)

fact(
  'each key of a subscription has an action that makes it anew, with 204 and no body',
  {
    repository: 'Azure/azure-rest-api-specs',
    file: 'specification/apimanagement, ApiManagementSubscriptionRegeneratePrimaryKey.json, …SecondaryKey.json',
    date: '2024-05-01',
  },
  async () => {
    const { post, handle } = subscription()
    const before = handle.keys()

    const first = await post('regeneratePrimaryKey')
    const between = handle.keys()
    const second = await post('regenerateSecondaryKey')

    assert.deepEqual([first.status, first.text, second.status], [204, '', 204])
    assert.notEqual(between['primary'], before['primary'])
    assert.equal(between['secondary'], before['secondary'])
    assert.equal(handle.keyOf('primary'), between['primary'])
    assert.notEqual(handle.keyOf('secondary'), before['secondary'])
  },
)

test("a subscription's new key is listed until the listing shows it", async () => {
  const on = opened(apimSubscription)
  await on.holder.read(on.signal)
  on.cloud.clock.advance(60_000)
  on.cloud.faults.add(staleReads({ ms: 5000 }))

  const made = revealed(await on.holder.regenerate('secondary', on.call))

  assert.equal(made['secondary'], on.handle.keyOf('secondary'))
})

test('a regenerate that lacks the right of its slot names that right', async () => {
  for (const [slot, name] of [
    ['primary', `${right}/regeneratePrimaryKey/action`],
    ['secondary', `${right}/regenerateSecondaryKey/action`],
  ] as const) {
    const on = opened(apimSubscription)

    const error = await failure(on, [missingPermission({ action: name })], () => on.holder.regenerate(slot, on.call))

    assert.equal(error.code, 'PermissionDenied')
    assert.ok(error.details.remedy!.includes(name))
  }
})

fact(
  'a subscription of a workspace has the same three actions below its workspace',
  {
    repository: 'Azure/azure-rest-api-specs',
    file: 'specification/apimanagement, ApiManagementWorkspaceSubscriptionListSecrets.json, …RegeneratePrimaryKey.json',
    date: '2024-05-01',
  },
  async () => {
    const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
    const { resourceId, ...handle } = cloud.apiManagementSubscriptions.add({
      service: 'contoso',
      workspace: 'payments',
      name: 'orders',
    })
    const before = handle.keys()
    const post = (action: string) => caller(cloud)('POST', arm(`${resourceId}/${action}`, '2024-05-01'))

    const [made, listed] = [await post('regeneratePrimaryKey'), await post('listSecrets')]

    assert.match(resourceId, /\/service\/contoso\/workspaces\/payments\/subscriptions\/orders$/)
    assert.deepEqual([made.status, made.text, listed.status], [204, '', 200])
    assert.deepEqual(listed.body, { primaryKey: handle.keyOf('primary'), secondaryKey: before['secondary'] })
    assert.notEqual(handle.keyOf('primary'), before['primary'])
  },
)

test('a subscription of a workspace is rotated with rights of its own, which the role has', async () => {
  const inWorkspace = (name: string) => `Microsoft.ApiManagement/service/workspaces/subscriptions/${name}/action`
  const on = opened(apimSubscription, undefined, (cloud) => {
    const handle = cloud.apiManagementSubscriptions.add({ service: 'contoso', workspace: 'payments', name: 'orders' })
    return { fields: { resource: handle.resourceId }, handle }
  })
  await on.holder.read(on.signal)

  const made = revealed(await on.holder.regenerate('secondary', on.call))
  const error = await failure(on, [missingPermission({ action: inWorkspace('regeneratePrimaryKey') })], () =>
    on.holder.regenerate('primary', on.call),
  )

  assert.equal(made['secondary'], on.handle.keyOf('secondary'))
  assert.ok(error.details.remedy!.includes(inWorkspace('regeneratePrimaryKey')))
  for (const name of ['listSecrets', 'regeneratePrimaryKey', 'regenerateSecondaryKey']) {
    assert.ok(apimSubscription.actions.some((action) => action.name === inWorkspace(name)))
  }
})

test('ids of subscriptions are taken as API Management allows them, and none that leads elsewhere', () => {
  const below =
    '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.ApiManagement'
  const taken = (service: string, name: string) =>
    apimSubscription.resource.safeParse({ resource: `${below}/service/${service}/subscriptions/${name}` }).success

  assert.deepEqual(
    [taken('contoso-apim', 'master'), taken('a', '5f3e_a.b-c'), taken('a', 'a'.repeat(256))],
    [true, true, true],
  )
  assert.deepEqual(
    [
      taken('1a', 'x'),
      taken('a-', 'x'),
      taken('a', '..'),
      taken('a', 'x%2fy'),
      taken('a', 'x?y'),
      taken('a', 'a'.repeat(257)),
    ],
    Array(6).fill(false),
  )
})

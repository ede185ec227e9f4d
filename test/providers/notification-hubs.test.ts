// Notification Hubs: what Azure was recorded or reported to answer about authorization rules and their keys. What it has in common
// with Service Bus is tested there. The answers to both calls were also read with @azure/arm-notificationhubs 2.1.0, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import { Secret } from '../../src/engine/secret.ts'
import { notificationHubs } from '../../src/providers/notification-hubs.ts'
import { oldMetadata } from '../memory-lease.ts'
import { connect } from '../simulated-azure.ts'
import { fact, type Source } from '../simulator/conformance/fact.ts'
import { arm, caller } from '../simulator/raw-caller.ts'

const recorded: Source = {
  repository: 'Azure/azure-cli-extensions',
  file: 'src/notification-hub/azext_notification_hub/tests/latest/recordings/test_notificationhubs.yaml',
  date: '2023-07-24',
}
const regenerated: Source = {
  repository: 'Azure/azure-sdk-for-net',
  file: 'sdk/notificationhubs/Azure.ResourceManager.NotificationHubs/tests/SessionRecords, RegenerateKeys.json of a namespace and of a hub',
  date: '2022-08-29',
}
const listing: Source = {
  repository: 'Azure/azure-notificationhubs-java-backend',
  file: 'NamespaceManager.java',
  date: '2021',
}

const { signal } = new AbortController()
const hub = { part: 'notificationHubs', name: 'news' }
const wrongKey = Buffer.alloc(32, 7).toString('base64')

function rule(options: Partial<Parameters<Cloud['notificationHubs']['add']>[0]> = {}) {
  const cloud = simulatedCloud({ clock: virtualClock(Date.UTC(2026, 0, 1)) })
  const handle = cloud.notificationHubs.add({ namespace: 'contoso-push', rule: 'send', ...options })
  const azure = connect(cloud)
  const holder = notificationHubs.open(notificationHubs.resource.parse({ resource: handle.resourceId }), azure)
  const verdict = (key: string) => holder.probe!('primary', { key: Secret.of(key) }, signal)
  const send = caller(cloud)
  const post = (action: string, body?: unknown) =>
    send('POST', arm(`${handle.resourceId}/${action}`, '2017-04-01'), body)
  return { cloud, handle, holder, verdict, azure, post }
}

for (const [where, at] of [
  ['a namespace', {}],
  ['a hub', { at: hub }],
] as const) {
  fact(
    `the keys of a rule of ${where} are listed with two connection strings and the name of the rule`,
    recorded,
    async () => {
      const { handle, post } = rule(at)

      const { status, body } = await post('listKeys')

      const { primary, secondary } = handle.keys()
      const text = (key: string | undefined) =>
        `Endpoint=sb://contoso-push.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${key}`
      assert.equal(status, 200)
      assert.deepEqual(body, {
        primaryConnectionString: text(primary),
        secondaryConnectionString: text(secondary),
        primaryKey: primary,
        secondaryKey: secondary,
        keyName: 'send',
      })
    },
  )
}

fact('a regenerate names the slot in policyKey, and answers what a listing answers', regenerated, async () => {
  const { handle, holder, post } = rule({ at: hub })
  const before = handle.keys()

  const { status, body } = await post('regenerateKeys', { policyKey: 'PrimaryKey' })
  const made = await holder.regenerate('secondary', { signal, keepLease: async () => {}, metadata: oldMetadata() })

  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body), Object.keys((await post('listKeys')).body))
  assert.notEqual(body.primaryKey, before['primary'])
  assert.equal(body.secondaryKey, before['secondary'])
  assert.equal(made['secondary']!['key']!.reveal(), handle.keyOf('secondary'))
  assert.notEqual(handle.keyOf('secondary'), before['secondary'])
})

fact('the hubs of a namespace are listed to a valid key of the namespace', listing, async () => {
  const { handle, verdict, azure } = rule()

  assert.equal(await verdict(handle.keyOf('secondary')), 'accepted')

  const { host, pathname, search } = azure.sent.at(-1)!.url
  assert.equal(
    `${host}${pathname}${search}`,
    'contoso-push.servicebus.windows.net/$Resources/NotificationHubs?api-version=2014-09&$top=1',
  )
})

fact(
  'a bad signature is 401 InvalidSignature: the key is refused',
  { repository: 'Azure/azure-notificationhubs-java-backend', file: 'issue 108', date: '2021-10-26' },
  async () => {
    const { cloud, verdict } = rule()

    assert.equal(await verdict(wrongKey), 'refused')
    assert.equal(cloud.history.at(-1)!.status, 401)
  },
)

fact(
  'a valid key without Manage is 401 with the claim that is required: the key is accepted',
  { repository: 'paolosalvatori/ServiceBusExplorer', file: 'issue 128', date: '2017-06-27' },
  async () => {
    const { cloud, handle, verdict } = rule({ rights: ['Send', 'Listen'] })
    const detail = 'Manage claim is required for this operation..TrackingId:1745cb27,TimeStamp:6/27/2017 11:32:19 AM'
    cloud.faults.add({
      name: 'claim',
      install: () => ({
        after: ({ operation }) =>
          operation.operation === 'messaging/listEntities'
            ? { status: 401, text: `<Error><Code>401</Code><Detail>${detail}</Detail></Error>` }
            : undefined,
      }),
    })

    assert.equal(await verdict(handle.keyOf('primary')), 'accepted')
  },
)

test('a rule of a notification hub has no probe: what is sent to a hub may reach devices', () => {
  assert.equal(rule({ at: hub }).holder.probe, undefined)
})

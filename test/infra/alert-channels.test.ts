// The workflow that posts alerts to Teams and Slack reads what Azure Monitor sends, and keeps the addresses out of its history.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadGrammar, named, propertiesOf, valueAt } from './bicep.ts'
import { variableOf } from './evaluate.ts'
import { projectOf, readTexts } from './project.ts'

await loadGrammar()
const texts = readTexts()
const workflow = JSON.parse(texts['infra/app/alert-channels.json']!)
const alerts = projectOf(texts).files.find(({ path }) => path === 'infra/app/alerts.bicep')!

/** Of a log alert, as Microsoft documents it ("Sample alert payloads": monitoringService Log Alerts V2), shortened. */
const sample = {
  data: {
    essentials: {
      alertId: '/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a',
      alertRule: 'rekey-rotation-failed',
      severity: 'Sev2',
      signalType: 'Log',
      monitorCondition: 'Fired',
      monitoringService: 'Log Alerts V2',
      firedDateTime: '2026-03-02T10:00:00Z',
      description: 'One alert per target.',
    },
    alertContext: {
      conditionType: 'LogQueryCriteria',
      condition: { allOf: [{ dimensions: [{ name: 'target', value: 'vision' }], metricValue: 1 }] },
    },
  },
}

test('Every field that the workflow reads is in Microsoft’s sample of the common alert schema', () => {
  const reads = [...JSON.stringify(workflow).matchAll(/triggerBody\(\)((?:\?\[[^\]]+\])+)/g)].map(([, path]) =>
    [...path!.matchAll(/\['?(\w+)'?\]/g)].map(([, name]) => name!),
  )

  assert.ok(reads.length >= 5)
  for (const path of reads) {
    // biome-ignore lint/suspicious/noExplicitAny: the path is what is tested
    const found = path.reduce<any>((value, name) => value?.[name], sample)
    assert.notEqual(found, undefined, path.join('.'))
  }
})

test('Every action that the workflow waits for or takes the outcome of is one of its own', () => {
  const names = Object.keys(workflow.actions)
  const waited = Object.values<{ runAfter: object }>(workflow.actions).flatMap(({ runAfter }) => Object.keys(runAfter))
  const taken = [...JSON.stringify(workflow).matchAll(/(?:outputs|body)\('(\w+)'\)/g)].map(([, name]) => name!)

  assert.deepEqual(
    [...waited, ...taken].filter((name) => !names.includes(name)),
    [],
  )
})

test('The addresses are secure parameters, and no run shows what was posted to them', () => {
  const given = [
    ...propertiesOf(
      valueAt(alerts.resources.find(({ name }) => name === 'channels')?.body, 'properties.parameters'),
    ).keys(),
  ]
  const posts = Object.values<{ actions?: Record<string, unknown> }>(workflow.actions).flatMap(({ actions = {} }) =>
    Object.values(actions),
  )

  assert.deepEqual(given.sort(), Object.keys(workflow.parameters).sort())
  for (const { type } of Object.values<{ type: string }>(workflow.parameters)) assert.equal(type, 'SecureString')
  assert.equal(posts.length, 2)
  for (const post of posts as { runtimeConfiguration: object }[]) {
    assert.deepEqual(post.runtimeConfiguration, { secureData: { properties: ['inputs'] } })
  }
})

test('An address without https ends the deployment, and the message does not repeat it', () => {
  const given = { teamsWebhook: '', slackWebhook: 'hooks.slack.com/services/secret', webhooks: 'https://a.example, ' }

  assert.throws(
    () => variableOf(texts, alerts, 'givenWebhooks', given),
    (error: Error) => {
      assert.match(error.message, /^ALERT_WEBHOOKS.* 1 of the addresses/)
      assert.ok(!error.message.includes('secret'))
      return true
    },
  )
  assert.deepEqual(variableOf(texts, alerts, 'givenWebhooks', { ...given, slackWebhook: '' }), ['https://a.example'])
})

test('The trigger that the action group calls is the workflow’s', () => {
  const group = alerts.resources.find(({ name }) => name === 'actionGroup')!
  const receivers = valueAt(group.body, 'properties.logicAppReceivers')!

  const [, trigger] = /\/triggers\/(\w+)'/.exec(receivers.text) ?? []
  assert.deepEqual(Object.keys(workflow.triggers), [trigger])
  assert.equal(named(receivers).length, 3)
})

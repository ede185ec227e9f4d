// The alerts on the logs. Alerts on Event Grid's own failures are in delivery-alerts.bicep. The names in these queries
// are the app's: its functions, its custom events (src/azure/telemetry.ts) and its log lines. A test compares them with
// the code.

param actionGroupName string
param location string
param tags object
param componentId string

@description('Mail addresses, those of channels too.')
param emails string[]

@secure()
@description('https addresses that take the common alert schema, comma-separated.')
param webhooks string

@secure()
@description('Address of a Teams workflow that posts a card. Empty: none.')
param teamsWebhook string

@secure()
@description('Address of a Slack incoming webhook. Empty: none.')
param slackWebhook string

@description('Two intervals of the schedule.')
param scheduleSilence string

var rules = [
  {
    name: 'rotation-failed'
    title: 'A rotation failed'
    description: 'One alert per target. docs/reference/error-codes.md says what to do for each code.'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: [{ name: 'target', operator: 'Include', values: ['*'] }]
    query: '''
      customEvents
      | where name == "RotationFailed"
      | extend target = tostring(customDimensions.target), code = tostring(customDimensions.code)
      | project timestamp, target, code
    '''
  }
  {
    name: 'target-overdue'
    title: 'A key is overdue'
    description: 'More than a day past its due date, window allowing: see the target\'s last failure in GET /api/targets.'
    severity: 2
    every: 'PT10M'
    window: scheduleSilence
    operator: 'GreaterThan'
    threshold: 0
    dimensions: [{ name: 'target', operator: 'Include', values: ['*'] }]
    query: '''
      customEvents
      | where name == "TargetOverdue"
      | extend target = tostring(customDimensions.target)
      | project timestamp, target
    '''
  }
  {
    name: 'target-paused'
    title: 'A secret is disabled for more than a day'
    description: 'An operator disabled it, so its target is not rotated. Enable it, or set enabled to false for the target in targets.json.'
    severity: 3
    every: 'PT1H'
    // Two resyncs, a day apart; each target has one a day. Azure Monitor queries no longer period than this.
    window: 'P2D'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: [{ name: 'target', operator: 'Include', values: ['*'] }]
    query: '''
      customEvents
      | where name == "RotationPaused"
      | extend target = tostring(customDimensions.target)
      | summarize since = min(timestamp), timestamp = max(timestamp) by target
      | where timestamp - since > 20h
      | project timestamp, target
    '''
  }
  {
    name: 'poison-messages'
    title: 'A queue message was moved to a poison queue'
    description: 'It is in rekey-requests-poison, rekey-near-expiry-poison or rekey-resource-events-poison. The daily resync queues what is due again; repeat requests that a caller sent.'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
    query: '''
      traces
      | where message has "MaxDequeueCount"
      | where message has "rekey-requests-poison" or message has "rekey-near-expiry-poison" or message has "rekey-resource-events-poison"
      | project timestamp, message
    '''
  }
  {
    name: 'revocation-poison'
    title: 'A revoke was moved to the poison queue'
    description: 'Its message is in rekey-revocations-poison, and the leaked key may still be accepted. Read the message, and send the revoke again.'
    severity: 0
    // Evaluated more often than the others; the windows overlap, because log lines may arrive minutes late.
    every: 'PT5M'
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
    query: '''
      traces
      | where message has "MaxDequeueCount"
      | where message has "rekey-revocations-poison"
      | project timestamp, message
    '''
  }
  {
    name: 'no-schedule'
    title: 'The schedule has stopped'
    description: 'No tick for two intervals. POST /admin/functions/schedule, with the master key, and with a token where the sign-in is on, runs it by hand; a restart of the app brings a stuck timer back.'
    severity: 1
    every: 'PT10M'
    window: scheduleSilence
    operator: 'LessThan'
    threshold: 1
    dimensions: []
    // The host's own record of the run counts as well. Nothing that alerts depend on is sampled (host.json).
    query: '''
      union isfuzzy=true
        (traces | where message startswith "schedule finished"),
        (requests | where name == "schedule" and success == true)
      | project timestamp
    '''
  }
  {
    name: 'schedule-incomplete'
    title: 'A tick of the schedule failed'
    description: 'It could not read a vault, queue a target or use the configuration. GET /api/health names the cause and the remedy.'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
    query: '''
      requests
      | where name == "schedule" and success == false
      | project timestamp
    '''
  }
  {
    name: 'targets-removed'
    title: 'Most targets were removed'
    description: 'One change of targets.json removed more than half of the targets, and their keys are no longer rotated. If that was intended, the alert ends a day after the change.'
    severity: 2
    every: 'PT10M'
    window: scheduleSilence
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
    query: '''
      customEvents
      | where name == "TargetsRemoved"
      | extend removed = tostring(customDimensions.removed), of = tostring(customDimensions.of)
      | project timestamp, removed, of
    '''
  }
]

var enteredWebhooks = filter(map(split(webhooks, ','), uri => trim(uri)), uri => !empty(uri))
var addresses = filter([teamsWebhook, slackWebhook], uri => !empty(uri))
// The addresses let whoever has them post: no message repeats one.
var badAddresses = filter(concat(enteredWebhooks, addresses), uri => !startsWith(uri, 'https://'))
var badMessage = 'ALERT_WEBHOOKS, ALERT_TEAMS_WEBHOOK, ALERT_SLACK_WEBHOOK: ${length(badAddresses)} of the addresses do not begin with https://'
var givenWebhooks = empty(badAddresses) ? enteredWebhooks : fail(badMessage)
var hasChannels = !empty(addresses)

// Teams and Slack take messages of their own form, and Azure Monitor has none for them: a workflow writes them. Only where one is asked for.
resource channels 'Microsoft.Logic/workflows@2019-05-01' = if (hasChannels) {
  name: '${actionGroupName}-channels'
  location: location
  tags: tags
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('alert-channels.json')
    parameters: {
      teams: { value: teamsWebhook }
      slack: { value: slackWebhook }
    }
  }
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'rekey'
    enabled: true
    emailReceivers: [
      for (address, i) in emails: { name: 'mail-${i}', emailAddress: address, useCommonAlertSchema: true }
    ]
    webhookReceivers: [
      for (uri, i) in givenWebhooks: { name: 'webhook-${i}', serviceUri: uri, useCommonAlertSchema: true }
    ]
    // The address of the workflow above, with its signature: an action group takes no identity for it.
    logicAppReceivers: hasChannels
      ? [
          {
            name: 'channels'
            resourceId: channels.id
            callbackUrl: listCallbackUrl('${channels.id}/triggers/alert', '2019-05-01').value
            useCommonAlertSchema: true
          }
        ]
      : []
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'rekey-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Rekey: ${rule.title}'
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [componentId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: rule.operator
            threshold: rule.threshold
            dimensions: rule.dimensions
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [actionGroup.id] }
    }
  }
]

output actionGroupId string = actionGroup.id

// Alerts on an Event Grid topic, ours or a vault's: an event that was not accepted, was dead-lettered, or was dropped.
// Single failed attempts are retried for a day, so only many of them count.

param topicId string
param tags object
param actionGroupId string

var topicName = last(split(topicId, '/'))
var topicType = '${split(topicId, '/')[6]}/${split(topicId, '/')[7]}'
var measures = [
  { metric: 'PublishFailCount', threshold: 0, severity: 2 }
  { metric: 'DeadLetteredCount', threshold: 0, severity: 2 }
  { metric: 'DroppedEventCount', threshold: 0, severity: 1 }
  { metric: 'DeliveryAttemptFailCount', threshold: 10, severity: 3 }
]

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for measure in measures: {
    // Two environments may watch one vault's topic: each has alerts of its own, which call its own action group.
    name: 'rekey-${topicName}-${measure.metric}-${uniqueString(actionGroupId)}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid topic ${topicName}: ${measure.metric} above ${measure.threshold} in 15 minutes.'
      severity: measure.severity
      enabled: true
      scopes: [topicId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: measure.metric
            metricNamespace: topicType
            metricName: measure.metric
            operator: 'GreaterThan'
            threshold: measure.threshold
            timeAggregation: 'Total'
          }
        ]
      }
      actions: [{ actionGroupId: actionGroupId }]
    }
  }
]

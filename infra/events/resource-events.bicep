// The second step for one subscription in which Rekey rotates keys: its events that a key was regenerated, or written. It runs after the code
// is deployed (infra/hooks/postdeploy), as near-expiry.bicep does. Deployed into the resource group of the subscription's system topic.
// Checked by a parser and lint rules, not compiled.

@description('Name of the subscription\'s system topic. A subscription has at most one.')
param systemTopicName string

@description('False: the topic belongs to another deployment; it is used, and not changed.')
param ownTopic bool

@description('Principal of a foreign topic\'s system-assigned identity. Empty where it has none: then without dead letters.')
param foreignPrincipalId string

@description('function: Event Grid calls resourceEvents. queue: it writes to rekey-resource-events, for an app it cannot reach.')
@allowed(['function', 'queue'])
param route string

@description('Client id of the app\'s identity: what the app itself regenerates is not delivered.')
param identityClientId string

param functionAppId string
param storageAccountId string
param actionGroupId string
param environmentName string

var tags = { 'azd-env-name': environmentName, app: 'rekey' }
// A topic of a global source was long refused an identity, even the word that it has none. So ours gets one only where nothing is
// delivered without: to a queue, for which the account takes no keys.
var ownIdentity = route == 'queue' ? { type: 'SystemAssigned' } : null
var hasIdentity = ownTopic ? route == 'queue' : !empty(foreignPrincipalId)

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (ownTopic) {
  name: systemTopicName
  location: 'global'
  tags: tags
  identity: ownIdentity
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

module storageAccess 'storage-access.bicep' = if (hasIdentity) {
  name: 'rekey-resource-events-storage-access'
  scope: resourceGroup(split(storageAccountId, '/')[2], split(storageAccountId, '/')[4])
  params: {
    storageAccountName: last(split(storageAccountId, '/'))
    principalId: ownTopic ? topic!.identity.principalId : foreignPrincipalId
    queueName: route == 'queue' ? 'rekey-resource-events' : ''
  }
}

module keyChanges 'subscription.bicep' = {
  name: 'rekey-resource-events-subscription'
  params: {
    systemTopicName: systemTopicName
    subscriptionName: 'rekey-${uniqueString(functionAppId)}'
    filter: {
      includedEventTypes: [
        'Microsoft.Resources.ResourceActionSuccess'
        'Microsoft.Resources.ResourceWriteSuccess'
      ]
      // Both must match. One subscription takes 25 values in all, and compares them without case.
      advancedFilters: [
        {
          operatorType: 'StringContains'
          key: 'data.operationName'
          values: loadJsonContent('../key-operations.json').operations
        }
        { operatorType: 'StringNotIn', key: 'data.claims.appid', values: [identityClientId] }
      ]
    }
    route: route
    functionAppId: functionAppId
    functionName: 'resourceEvents'
    destinationQueue: 'rekey-resource-events'
    storageAccountId: storageAccountId
    deadLetter: hasIdentity
  }
  dependsOn: [topic, storageAccess]
}

module deliveryAlerts '../app/delivery-alerts.bicep' = {
  name: 'rekey-resource-events-alerts'
  params: {
    topicId: resourceId('Microsoft.EventGrid/systemTopics', systemTopicName)
    tags: tags
    actionGroupId: actionGroupId
  }
  dependsOn: [topic]
}

// The second step: Key Vault's near-expiry events for one vault. It runs after the code is deployed
// (infra/hooks/postdeploy), because Event Grid refuses a function that is not there yet. No keys: the function is named
// by its resource id, the queue is written with the topic's own identity. Deployed into the resource group of the
// vault's system topic. Checked by a parser and lint rules, not compiled.

@description('Id of the vault.')
param vaultId string

@description('Region of the vault: a system topic is in the region of its source.')
param location string

@description('Name of the vault\'s system topic. A vault has at most one.')
param systemTopicName string

@description('False: the topic belongs to another deployment; it is used, and not changed.')
param ownTopic bool

@description('Principal of a foreign topic\'s system-assigned identity. Empty where it has none: then without dead letters.')
param foreignPrincipalId string

@description('function: Event Grid calls nearExpiry. queue: it writes to rekey-near-expiry, for an app it cannot reach.')
@allowed(['function', 'queue'])
param route string

param functionAppId string
param storageAccountId string
param actionGroupId string
param environmentName string

var tags = { 'azd-env-name': environmentName, app: 'rekey' }

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (ownTopic) {
  name: systemTopicName
  location: location
  tags: tags
  // System-assigned: Event Grid refuses a user-assigned identity for delivery to a storage queue.
  identity: { type: 'SystemAssigned' }
  properties: {
    source: vaultId
    topicType: 'Microsoft.KeyVault.vaults'
  }
}

module storageAccess 'storage-access.bicep' = if (ownTopic || !empty(foreignPrincipalId)) {
  name: 'rekey-near-expiry-storage-access'
  scope: resourceGroup(split(storageAccountId, '/')[2], split(storageAccountId, '/')[4])
  params: {
    storageAccountName: last(split(storageAccountId, '/'))
    principalId: ownTopic ? topic!.identity.principalId : foreignPrincipalId
    queueName: route == 'queue' ? 'rekey-near-expiry' : ''
  }
}

module nearExpiry 'subscription.bicep' = {
  name: 'rekey-near-expiry-subscription'
  params: {
    systemTopicName: systemTopicName
    // Not the environment's name: two of the same name, in two subscriptions, may share a vault.
    subscriptionName: 'rekey-${uniqueString(functionAppId)}'
    filter: {
      // Not SecretNewVersionCreated: our own writes raise it, and each would start another resync.
      includedEventTypes: ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired']
    }
    route: route
    functionAppId: functionAppId
    functionName: 'nearExpiry'
    destinationQueue: 'rekey-near-expiry'
    storageAccountId: storageAccountId
    deadLetter: ownTopic || !empty(foreignPrincipalId)
  }
  dependsOn: [topic, storageAccess]
}

module deliveryAlerts '../app/delivery-alerts.bicep' = {
  name: 'rekey-near-expiry-alerts'
  params: {
    topicId: resourceId('Microsoft.EventGrid/systemTopics', systemTopicName)
    tags: tags
    actionGroupId: actionGroupId
  }
  dependsOn: [topic]
}

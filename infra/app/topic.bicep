// Room: the infrastructure. The custom topic that announcements go to, and one subscription of it as proof and example.

param name string
param location string
param tags object

@allowed(['CloudEvent', 'EventGrid'])
param eventSchema string
param vnetEnabled bool
param storageAccountName string
param announcementQueue bool
param identityPrincipalId string

var eventGridDataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'
var wireSchema = eventSchema == 'CloudEvent' ? 'CloudEventSchemaV1_0' : 'EventGridSchema'

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  // System-assigned: Event Grid refuses a user-assigned identity for delivery to a storage queue.
  identity: { type: 'SystemAssigned' }
  properties: {
    inputSchema: wireSchema
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: vnetEnabled ? 'Disabled' : 'Enabled'
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, identityPrincipalId, eventGridDataSender)
  scope: topic
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventGridDataSender)
  }
}

module storageAccess '../events/storage-access.bicep' = {
  name: 'rekey-topic-storage-access'
  params: {
    storageAccountName: storageAccountName
    principalId: topic.identity.principalId
    queueName: 'rekey-announcements'
  }
}

resource announcements 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = if (announcementQueue) {
  parent: topic
  name: 'rekey-announcements'
  properties: {
    eventDeliverySchema: wireSchema
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: resourceId('Microsoft.Storage/storageAccounts', storageAccountName)
          queueName: 'rekey-announcements'
          queueMessageTimeToLiveInSeconds: 604800
        }
      }
    }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: resourceId('Microsoft.Storage/storageAccounts', storageAccountName)
          blobContainerName: 'rekey-dead-letters'
        }
      }
    }
  }
  dependsOn: [storageAccess]
}

output id string = topic.id
output endpoint string = topic.properties.endpoint

// The custom topic that announcements go to. What its own identity may write is granted here, long before the second
// step (events/announcements.bicep) asks Event Grid to use it.

param name string
param location string
param tags object

@allowed(['CloudEvent', 'EventGrid'])
param eventSchema string
param vnetEnabled bool
param storageAccountName string
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

output id string = topic.id
output endpoint string = topic.properties.endpoint

// Keeps every announcement in a storage queue too, with a dead-letter: proof of the first rotation, and an example of a
// subscription. A second step like near-expiry.bicep: Event Grid checks the rights of the topic's identity as it makes
// the subscription, and rights made in the same deployment are not seen yet. Deployed into the topic's resource group.
// Checked by a parser and lint rules, not compiled.

param topicId string
param storageAccountId string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: last(split(topicId, '/'))
}

resource announcements 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'rekey-announcements'
  properties: {
    eventDeliverySchema: topic.properties.inputSchema
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: storageAccountId
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
        properties: { resourceId: storageAccountId, blobContainerName: 'rekey-dead-letters' }
      }
    }
  }
}

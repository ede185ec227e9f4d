// The subscription of a vault's system topic: two event types, to the function or to the queue.

param systemTopicName string
param subscriptionName string

@allowed(['function', 'queue'])
param route string
param functionAppId string
param storageAccountId string
param deadLetter bool

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

var toFunction = {
  destination: {
    endpointType: 'AzureFunction'
    properties: {
      resourceId: '${functionAppId}/functions/nearExpiry'
      maxEventsPerBatch: 1
      preferredBatchSizeInKilobytes: 64
    }
  }
}
var toQueue = {
  deliveryWithResourceIdentity: {
    identity: { type: 'SystemAssigned' }
    destination: {
      endpointType: 'StorageQueue'
      properties: {
        resourceId: storageAccountId
        queueName: 'rekey-near-expiry'
        queueMessageTimeToLiveInSeconds: 604800
      }
    }
  }
}
var toDeadLetters = {
  deadLetterWithResourceIdentity: {
    identity: { type: 'SystemAssigned' }
    deadLetterDestination: {
      endpointType: 'StorageBlob'
      properties: { resourceId: storageAccountId, blobContainerName: 'rekey-dead-letters' }
    }
  }
}

resource nearExpiry 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: subscriptionName
  properties: union(
    {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: {
        // Not SecretNewVersionCreated: our own writes raise it, and each would start another resync.
        includedEventTypes: ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired']
      }
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    },
    route == 'function' ? toFunction : toQueue,
    deadLetter ? toDeadLetters : {}
  )
}

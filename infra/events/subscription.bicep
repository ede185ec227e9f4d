// One event subscription of a system topic, to a function of the app or to a queue that another function reads.

param systemTopicName string
param subscriptionName string

@description('What Event Grid delivers: event types, and advanced filters.')
param filter object

@allowed(['function', 'queue'])
param route string
param functionAppId string
param functionName string
param destinationQueue string
param storageAccountId string
param deadLetter bool

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

var toFunction = {
  destination: {
    endpointType: 'AzureFunction'
    properties: {
      resourceId: '${functionAppId}/functions/${functionName}'
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
        queueName: destinationQueue
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

resource events 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: subscriptionName
  properties: union(
    {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: filter
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    },
    route == 'function' ? toFunction : toQueue,
    deadLetter ? toDeadLetters : {}
  )
}

// The storage account of the Functions host: package, leases, queues, dead letters, targets.json. Nothing in it is
// needed to recover: the state of keys is in the vault. Shared keys are off; every client uses an identity.

param name string
param location string
param tags object
param vnetEnabled bool
param allowedIpRanges string[]
param identityPrincipalId string
param deployerPrincipalId string

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

var targetsContainer = 'rekey-targets'
var containers = [
  'app-package'
  'rekey-leases'
  'rekey-operations'
  'rekey-state'
  'rekey-dead-letters'
  targetsContainer
]
var queues = ['rekey-requests', 'rekey-revocations', 'rekey-near-expiry', 'rekey-resource-events', 'rekey-announcements']

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    // Deny instead of switching public access off: Event Grid delivers near-expiry events and dead letters from
    // outside, as a trusted service with its own identity, and only this lets it through.
    networkAcls: {
      defaultAction: vnetEnabled ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
      // Storage wants a single address without its /32, the app wants it with.
      ipRules: [for cidr in allowedIpRanges: { value: replace(cidr, '/32', ''), action: 'Allow' }]
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource each 'containers' = [
      for container in containers: {
        name: container
        properties: { publicAccess: 'None' }
      }
    ]
  }

  // The results of operations are kept as long as their callers may read them: two weeks (docs/reference/operations.md).
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'old-operations'
            enabled: true
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['rekey-operations/'] }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 14 } } }
            }
          }
        ]
      }
    }
  }

  resource queueService 'queueServices' = {
    name: 'default'

    resource each 'queues' = [
      for queue in queues: {
        name: queue
      }
    ]
  }
}

// What the Functions host documents for identity-based AzureWebJobsStorage: blobs for keys, timers and leases.
resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identityPrincipalId, storageBlobDataOwner)
  scope: account
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

resource queueContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identityPrincipalId, storageQueueDataContributor)
  scope: account
  properties: {
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

resource targets 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: account::blobs
  name: targetsContainer
}

// On the one container, and without a principal type: a user deploys by hand, a service principal in a pipeline.
resource targetsEditor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, targetsContainer, deployerPrincipalId, storageBlobDataContributor)
  scope: targets
  properties: {
    principalId: deployerPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
  dependsOn: [account::blobs::each]
}

output id string = account.id
output name string = account.name
output packageContainer string = '${account.properties.primaryEndpoints.blob}app-package'
output targetsUrl string = '${account.properties.primaryEndpoints.blob}${targetsContainer}/targets.json'

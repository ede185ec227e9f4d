// The function app on Flex Consumption, its settings, and who may call it. Every setting that src/config/settings.ts reads is
// set here; a test compares the two.

param name string
param planName string
param location string
param tags object
param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param identityId string
param identityClientId string
param storageAccountName string
param packageContainer string
param insightsConnectionString string
param topicEndpoint string
param eventSchema string
param targets string
param vaultUrl string
param schedule string
param stopped bool
param vnetEnabled bool
param appSubnetId string
param allowedIpRanges string[]
param signInClientId string

var storageSuffix = environment().suffixes.storage

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // A private app is closed to the internet, save for the ranges that are named (a build agent that deploys).
    publicNetworkAccess: vnetEnabled && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: vnetEnabled ? appSubnetId : null
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictionsDefaultAction: vnetEnabled ? 'Deny' : 'Allow'
      ipSecurityRestrictions: [
        for (cidr, i) in allowedIpRanges: { ipAddress: cidr, action: 'Allow', priority: 100 + i, name: 'allowed-${i}' }
      ]
      scmIpSecurityRestrictionsUseMain: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainer
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }

  // No FUNCTIONS_WORKER_RUNTIME, WEBSITE_RUN_FROM_PACKAGE or WEBSITE_NODE_DEFAULT_VERSION: Flex refuses to deploy with them.
  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      AzureWebJobsStorage__blobServiceUri: 'https://${storageAccountName}.blob.${storageSuffix}'
      AzureWebJobsStorage__queueServiceUri: 'https://${storageAccountName}.queue.${storageSuffix}'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      AZURE_CLIENT_ID: identityClientId
      AZURE_CLOUD: environment().name
      ROTATION_TARGETS: targets
      ROTATION_VAULT: vaultUrl
      ROTATION_SCHEDULE: schedule
      ROTATION_STOPPED: '${stopped}'
      ROTATION_SIGN_IN: signInClientId
      ROTATION_TOPIC: topicEndpoint
      ROTATION_EVENT_SCHEMA: eventSchema
    }
  }

  // Deployments use an Entra token; publishing passwords would be one more key to rotate. Two resources, not a loop: the compiler
  // cannot check the type of a resource whose name it learns from a loop. One after the other, as both write to the site.
  resource ftpPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scmPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
    dependsOn: [ftpPasswords]
  }
}

module signIn 'sign-in.bicep' = if (!empty(signInClientId)) {
  name: 'rekey-sign-in'
  params: {
    appName: app.name
    clientId: signInClientId
  }
}

output id string = app.id
output url string = 'https://${app.properties.defaultHostName}'

// Room: the infrastructure. Gives the app roles on a single resource. Bicep wants the type of a scope spelt out,
// so there is one block for each service.

param principalId string

@description('Names (GUIDs) of roles from definitions.bicep.')
param roleNames string[]
param resourceType string
param resourceName string

var kind = toLower(resourceType)
var rights = [
  for roleName in roleNames: {
    name: guid(resourceGroup().id, kind, resourceName, principalId, roleName)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
    }
  }
]

resource cognitiveAccount 'Microsoft.CognitiveServices/accounts@2023-05-01' existing = {
  name: resourceName
}

resource cognitiveRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for right in rights: if (kind == 'microsoft.cognitiveservices/accounts') {
    name: right.name
    scope: cognitiveAccount
    properties: right.properties
  }
]

resource communicationService 'Microsoft.Communication/communicationServices@2023-04-01' existing = {
  name: resourceName
}

resource communicationRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for right in rights: if (kind == 'microsoft.communication/communicationservices') {
    name: right.name
    scope: communicationService
    properties: right.properties
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: resourceName
}

resource workspaceRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for right in rights: if (kind == 'microsoft.operationalinsights/workspaces') {
    name: right.name
    scope: workspace
    properties: right.properties
  }
]

resource iotHub 'Microsoft.Devices/IotHubs@2023-06-30' existing = {
  name: resourceName
}

resource iotHubRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for right in rights: if (kind == 'microsoft.devices/iothubs') {
    name: right.name
    scope: iotHub
    properties: right.properties
  }
]

// Room: the infrastructure. Gives the app roles on a resource group.

param principalId string

@description('Names (GUIDs) of roles from definitions.bicep.')
param roleNames string[]

resource rights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleName in roleNames: {
    name: guid(resourceGroup().id, principalId, roleName)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
    }
  }
]

// Gives the app one role on a resource group.

param principalId string

@description('Name (GUID) of a role from definitions.bicep, or of a built-in one.')
param roleName string

resource rights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleName)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
  }
}

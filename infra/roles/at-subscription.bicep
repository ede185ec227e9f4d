// Room: the infrastructure. Gives the app roles on a whole subscription.

targetScope = 'subscription'

param principalId string

@description('Names (GUIDs) of roles from definitions.bicep.')
param roleNames string[]

resource rights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleName in roleNames: {
    name: guid(subscription().id, principalId, roleName)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleName)
    }
  }
]

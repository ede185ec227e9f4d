// The custom roles: one per provider, from provider-actions.json, a narrow one for vaults, and one to see its own
// permissions. provider-actions.json says what each provider's code calls; a test compares it with `actions` in
// src/providers. Azure knows no role for defender-sensor: its right is an application permission of Microsoft Graph
// (infra/scripts/graph-permission.sh).

targetScope = 'subscription'

@description('Role names are unique in a tenant: this keeps apart two environments, also of the same name in two subscriptions.')
param suffix string

@description('Subscriptions in which the roles may be assigned: on themselves, their groups, their resources.')
param assignableScopes string[]

var providerActions = loadJsonContent('../provider-actions.json')
var withRoles = filter(items(providerActions), entry => !empty(concat(entry.value.actions, entry.value.dataActions)))
var providerRoles = toObject(withRoles, entry => entry.key, entry => guid(subscription().id, 'rekey', suffix, entry.key))
var vaultRole = guid(subscription().id, 'rekey', suffix, 'vault')
var healthRole = guid(subscription().id, 'rekey', suffix, 'health')

resource providerDefinitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for entry in withRoles: {
    name: providerRoles[entry.key]
    properties: {
      roleName: 'Rekey: ${entry.value.title} (${suffix})'
      description: 'Exactly what Rekey calls to rotate ${entry.key}.'
      type: 'CustomRole'
      permissions: [
        { actions: entry.value.actions, dataActions: entry.value.dataActions, notActions: [], notDataActions: [] }
      ]
      assignableScopes: assignableScopes
    }
  }
]

// No delete, purge, recover, backup or restore, as Key Vault Secrets Officer has: a rotator needs none of them.
resource vaultDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: vaultRole
  properties: {
    roleName: 'Rekey: Key Vault secrets (${suffix})'
    description: 'Read, write and tag secrets. Neither deletes nor purges.'
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.KeyVault/vaults/secrets/getSecret/action'
          'Microsoft.KeyVault/vaults/secrets/setSecret/action'
          'Microsoft.KeyVault/vaults/secrets/readMetadata/action'
          'Microsoft.KeyVault/vaults/secrets/update/action'
        ]
        notDataActions: []
      }
    ]
    assignableScopes: assignableScopes
  }
}

// For GET /api/health and `npm run doctor`, which compare what the identity may do with what the providers need.
resource healthDefinition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: healthRole
  properties: {
    roleName: 'Rekey: see its own permissions (${suffix})'
    description: 'Ask Azure Resource Manager what this identity may do. Nothing else.'
    type: 'CustomRole'
    permissions: [
      { actions: ['Microsoft.Authorization/permissions/read'], notActions: [], dataActions: [], notDataActions: [] }
    ]
    assignableScopes: assignableScopes
  }
}

output providerRoleNames object = providerRoles
output vaultRoleName string = vaultRole
output healthRoleName string = healthRole

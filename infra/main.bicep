// The whole of Rekey in one resource group, and the rights it needs elsewhere. Checked by a parser and lint rules
// (test/infra), not compiled: run `az bicep build --file infra/main.bicep`, or `azd provision --preview`, before the
// first use.

targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the environment: part of the resource group\'s name, and the tag azd finds its resources by.')
param environmentName string

@minLength(1)
@description('Region of everything that is created here.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Principal id of the deployer, who may write the blob that holds targets.json.')
param principalId string = deployer().objectId

@description('Node.js version of the runtime. What a region has: az functionapp list-flexconsumption-runtimes --location <region> --runtime node.')
@allowed(['24', '22'])
param nodeVersion string = '24'

@description('Memory of one instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('Most instances of one function group. Not a lock: leases ensure that one worker changes one credential. Whether Flex Consumption takes fewer than 40 is unverified.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('ROTATION_TARGETS: a path in the package, or the URL of a blob (TARGETS_URL in the outputs is one we keep ready).')
param targets string = './targets.json'

@description('ROTATION_STOPPED: stops everything that changes anything. Set here as well as in the app, or the next deployment starts it again.')
param stopped bool = false

@description('ROTATION_SCHEDULE: six-field NCRONTAB. With any other schedule, scheduleSilence is required.')
param schedule string = '0 */15 * * * *'

@description('Two intervals of the schedule: no tick for this long raises an alert. Azure Monitor accepts only these values. Empty: two intervals of the default schedule.')
@allowed(['', 'PT10M', 'PT30M', 'PT1H', 'PT2H', 'PT4H', 'PT6H', 'P1D', 'P2D'])
param scheduleSilence string = ''

@description('ROTATION_EVENT_SCHEMA: the schema that the custom topic accepts. It cannot be changed later.')
@allowed(['CloudEvent', 'EventGrid'])
param eventSchema string = 'CloudEvent'

@description('Keep every announcement in the storage queue rekey-announcements as well, with a dead-letter: proof of the first rotation, and an example of a subscription.')
param announcementQueue bool = true

@description('Ids of existing vaults, comma-separated. They must use RBAC. The first is ROTATION_VAULT. Empty: a new vault is created for it.')
param vaultIds string = ''

@description('What may be rotated: comma-separated provider=scope, scope a subscription, a resource group or a single resource. Empty: nothing yet.')
param grants string = ''

@description('Where the app looks for resources that have keys and no target: comma-separated ids of subscriptions or resource groups, at which it gets Reader. Empty: it sees what grants names.')
param discoveryScopes string = ''

@description('Put the app, its storage, the vault and the topic behind private endpoints. Near-expiry events then come through a storage queue.')
param vnetEnabled bool = false

@description('Address range of the virtual network, /24 or larger.')
param addressPrefix string = '10.71.0.0/24'

@description('With vnetEnabled: comma-separated CIDR ranges that still reach app and storage from outside, for example a build agent that deploys. Empty: none.')
param allowedIpRanges string = ''

@description('Client id of the app registration that guards the HTTP routes (infra/scripts/sign-in.sh makes one). Empty: function keys alone.')
param signInClientId string = ''

@description('Email address for alerts. Empty: alerts appear only in the portal.')
param alertEmail string = ''

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param retentionDays int = 90

var silenceMessage = 'SCHEDULE_SILENCE: say two intervals of the schedule ${schedule}, or an alert is raised between its ticks'
var silence = !empty(scheduleSilence) ? scheduleSilence : schedule == '0 */15 * * * *' ? 'PT30M' : fail(silenceMessage)

var abbrs = loadJsonContent('abbreviations.json')
var tags = { 'azd-env-name': environmentName, app: 'rekey' }
var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var groupName = '${abbrs.resourcesResourceGroups}${environmentName}'
var appName = '${abbrs.webSitesFunctions}rekey-${resourceToken}'

var enteredVaultIds = filter(map(split(vaultIds, ','), id => trim(id)), id => !empty(id))
var badVaultIds = filter(enteredVaultIds, id => length(split(id, '/')) != 9 || !contains(toLower(id), '/microsoft.keyvault/vaults/'))
var badVaultIdsMessage = 'EXISTING_VAULT_IDS: ${join(badVaultIds, ', ')}: write the resource id of a vault, without a slash at its end'
var givenVaultIds = empty(badVaultIds) ? enteredVaultIds : fail(badVaultIdsMessage)
var newVaultName = '${abbrs.keyVaultVaults}${resourceToken}'
var newVaultId = '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.KeyVault/vaults/${newVaultName}'
var allVaultIds = empty(givenVaultIds) ? [newVaultId] : givenVaultIds
var allVaultUrls = map(allVaultIds, id => 'https://${last(split(id, '/'))}${environment().suffixes.keyvaultDns}')

var enteredIpRanges = filter(map(split(allowedIpRanges, ','), cidr => trim(cidr)), cidr => !empty(cidr))
var pairs = filter(enteredIpRanges, cidr => endsWith(cidr, '/31'))
var pairsMessage = 'ALLOWED_IP_RANGES: ${join(pairs, ', ')}: a storage account takes no /31, so write its two addresses, each with /32'
var givenIpRanges = empty(pairs) ? enteredIpRanges : fail(pairsMessage)

// provider=/subscriptions/S has 3 segments, a resource group 5, a resource 9. What is none of these would give no right and
// say nothing, so it ends the deployment before it begins. fail() needs Bicep 0.33 (January 2025).
var rights = loadJsonContent('provider-actions.json')
var grantable = filter(objectKeys(rights), id => !empty(rights[id].resourceType))
var enteredGrants = filter(map(split(grants, ','), entry => trim(entry)), entry => !empty(entry))
var badGrants = filter(enteredGrants, entry => !contains(grantable, split(entry, '=')[0]) || !startsWith(last(split(entry, '=')), '/subscriptions/') || !contains([3, 5, 9], length(split(entry, '/'))))
var badGrantsMessage = 'ROTATION_GRANTS: ${join(badGrants, ', ')}: write provider=scope, with a provider of ${join(grantable, ', ')}, and as scope the id of a subscription, a resource group or a resource, without a slash at its end'
var readableGrants = empty(badGrants) ? enteredGrants : fail(badGrantsMessage)
var readableResources = filter(readableGrants, entry => length(split(entry, '/')) == 9)
var misplacedGrants = filter(readableResources, entry => toLower('${split(entry, '/')[6]}/${split(entry, '/')[7]}') != toLower(rights[split(entry, '=')[0]].resourceType))
var misplacedMessage = 'ROTATION_GRANTS: ${join(misplacedGrants, ', ')}: the resource is of another type than the provider rotates keys of'
var givenGrants = empty(misplacedGrants) ? union(map(readableGrants, entry => toLower(entry)), []) : fail(misplacedMessage)
var subscriptionGrants = filter(givenGrants, entry => length(split(entry, '/')) == 3)
var groupGrants = filter(givenGrants, entry => length(split(entry, '/')) == 5)
var resourceGrants = filter(givenGrants, entry => length(split(entry, '/')) == 9)
// The health role is given once at each scope, however many providers are granted there: two assignments of one name collide.
var subscriptionScopes = union(map(subscriptionGrants, entry => last(split(entry, '='))), [])
var groupScopes = union(map(groupGrants, entry => last(split(entry, '='))), [])
var resourceScopes = union(map(resourceGrants, entry => last(split(entry, '='))), [])
var otherSubscriptions = map(concat(givenGrants, allVaultIds), entry => '/subscriptions/${split(entry, '/')[2]}')

// Built in: Reader.
var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var enteredDiscovery = filter(map(split(discoveryScopes, ','), id => trim(id)), id => !empty(id))
var badDiscovery = filter(enteredDiscovery, id => !startsWith(id, '/subscriptions/') || !contains([3, 5], length(split(id, '/'))))
var badDiscoveryMessage = 'DISCOVERY_SCOPES: ${join(badDiscovery, ', ')}: write the id of a subscription or a resource group, without a slash at its end. A deployment to a subscription cannot reach a management group: docs/guides/discovery.md has the command for that'
var givenDiscovery = empty(badDiscovery) ? union(map(enteredDiscovery, id => toLower(id)), []) : fail(badDiscoveryMessage)
var subscriptionDiscovery = filter(givenDiscovery, id => length(split(id, '/')) == 3)
var groupDiscovery = filter(givenDiscovery, id => length(split(id, '/')) == 5)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'rekey-identity'
  scope: group
  params: {
    name: '${abbrs.managedIdentityUserAssignedIdentities}rekey-${resourceToken}'
    location: location
    tags: tags
  }
}

module roles 'roles/definitions.bicep' = {
  name: 'rekey-roles-${resourceToken}'
  params: {
    suffix: '${environmentName}-${resourceToken}'
    assignableScopes: union([subscription().id], otherSubscriptions)
  }
}

module subscriptionRights 'roles/at-subscription.bicep' = [
  for (entry, i) in subscriptionGrants: {
    name: 'rekey-grant-subscription-${i}-${resourceToken}'
    scope: subscription(split(entry, '/')[2])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.providerRoleNames[split(entry, '=')[0]]
    }
  }
]

module subscriptionHealth 'roles/at-subscription.bicep' = [
  for (id, i) in subscriptionScopes: {
    name: 'rekey-health-subscription-${i}-${resourceToken}'
    scope: subscription(split(id, '/')[2])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.healthRoleName
    }
  }
]

module groupRights 'roles/at-group.bicep' = [
  for (entry, i) in groupGrants: {
    name: 'rekey-grant-group-${i}-${resourceToken}'
    scope: resourceGroup(split(entry, '/')[2], split(entry, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.providerRoleNames[split(entry, '=')[0]]
    }
  }
]

module groupHealth 'roles/at-group.bicep' = [
  for (id, i) in groupScopes: {
    name: 'rekey-health-group-${i}-${resourceToken}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.healthRoleName
    }
  }
]

module resourceRights 'roles/at-resource.json' = [
  for (entry, i) in resourceGrants: {
    name: 'rekey-grant-resource-${i}-${resourceToken}'
    scope: resourceGroup(split(entry, '/')[2], split(entry, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.providerRoleNames[split(entry, '=')[0]]
      resourceId: last(split(entry, '='))
    }
  }
]

module resourceHealth 'roles/at-resource.json' = [
  for (id, i) in resourceScopes: {
    name: 'rekey-health-resource-${i}-${resourceToken}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleName: roles.outputs.healthRoleName
      resourceId: id
    }
  }
]

module subscriptionReading 'roles/at-subscription.bicep' = [
  for (id, i) in subscriptionDiscovery: {
    name: 'rekey-discovery-subscription-${i}-${resourceToken}'
    scope: subscription(split(id, '/')[2])
    params: {
      principalId: identity.outputs.principalId
      roleName: reader
    }
  }
]

module groupReading 'roles/at-group.bicep' = [
  for (id, i) in groupDiscovery: {
    name: 'rekey-discovery-group-${i}-${resourceToken}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      principalId: identity.outputs.principalId
      roleName: reader
    }
  }
]

module monitoring 'app/monitoring.bicep' = {
  name: 'rekey-monitoring'
  scope: group
  params: {
    workspaceName: '${abbrs.operationalInsightsWorkspaces}rekey-${resourceToken}'
    componentName: '${abbrs.insightsComponents}rekey-${resourceToken}'
    location: location
    tags: tags
    retentionDays: retentionDays
    identityPrincipalId: identity.outputs.principalId
  }
}

module storage 'app/storage.bicep' = {
  name: 'rekey-storage'
  scope: group
  params: {
    name: '${abbrs.storageStorageAccounts}${resourceToken}'
    location: location
    tags: tags
    vnetEnabled: vnetEnabled
    allowedIpRanges: givenIpRanges
    identityPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
  }
}

module vault 'app/vault.bicep' = if (empty(givenVaultIds)) {
  name: 'rekey-vault'
  scope: group
  params: {
    name: newVaultName
    location: location
    tags: tags
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vaultAccess 'app/vault-access.bicep' = [
  for (id, i) in allVaultIds: {
    name: 'rekey-vault-access-${i}-${resourceToken}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      vaultName: last(split(id, '/'))
      principalId: identity.outputs.principalId
      roleName: roles.outputs.vaultRoleName
    }
    dependsOn: [vault]
  }
]

module topic 'app/topic.bicep' = {
  name: 'rekey-topic'
  scope: group
  params: {
    name: '${abbrs.eventGridTopics}rekey-${resourceToken}'
    location: location
    tags: tags
    eventSchema: eventSchema
    vnetEnabled: vnetEnabled
    storageAccountName: storage.outputs.name
    identityPrincipalId: identity.outputs.principalId
  }
}

module network 'app/network.bicep' = if (vnetEnabled) {
  name: 'rekey-network'
  scope: group
  params: {
    name: '${abbrs.networkVirtualNetworks}rekey-${resourceToken}'
    location: location
    tags: tags
    addressPrefix: addressPrefix
  }
}

module dataEndpoints 'app/private-endpoints.bicep' = if (vnetEnabled) {
  name: 'rekey-data-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    namePrefix: abbrs.networkPrivateEndpoints
    subnetId: network!.outputs.endpointSubnetId
    endpoints: concat(
      [
        { name: 'blob', targetId: storage.outputs.id, group: 'blob', zoneId: network!.outputs.blobZoneId }
        { name: 'queue', targetId: storage.outputs.id, group: 'queue', zoneId: network!.outputs.queueZoneId }
        { name: 'topic', targetId: topic.outputs.id, group: 'topic', zoneId: network!.outputs.topicZoneId }
      ],
      map(allVaultIds, id => {
        name: last(split(id, '/'))
        targetId: id
        group: 'vault'
        zoneId: network!.outputs.vaultZoneId
      })
    )
  }
  dependsOn: [vault]
}

module functionApp 'app/function-app.bicep' = {
  name: 'rekey-function-app'
  scope: group
  params: {
    name: appName
    planName: '${abbrs.webServerFarms}rekey-${resourceToken}'
    location: location
    tags: union(tags, { 'azd-service-name': 'rekey' })
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    insightsConnectionString: monitoring.outputs.connectionString
    topicEndpoint: topic.outputs.endpoint
    eventSchema: eventSchema
    targets: targets
    vaultUrl: allVaultUrls[0]
    schedule: schedule
    stopped: stopped
    vnetEnabled: vnetEnabled
    appSubnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    allowedIpRanges: givenIpRanges
    signInClientId: signInClientId
  }
  // The app reads its package and its vault as it starts: both must be reachable by then.
  dependsOn: [dataEndpoints, vaultAccess]
}

module appEndpoint 'app/private-endpoints.bicep' = if (vnetEnabled) {
  name: 'rekey-app-endpoint'
  scope: group
  params: {
    location: location
    tags: tags
    namePrefix: abbrs.networkPrivateEndpoints
    subnetId: network!.outputs.endpointSubnetId
    endpoints: [
      { name: 'app', targetId: functionApp.outputs.id, group: 'sites', zoneId: network!.outputs.siteZoneId }
    ]
  }
}

module alerts 'app/alerts.bicep' = {
  name: 'rekey-alerts'
  scope: group
  params: {
    actionGroupName: '${abbrs.insightsActionGroups}rekey-${resourceToken}'
    location: location
    tags: tags
    email: alertEmail
    componentId: monitoring.outputs.componentId
    scheduleSilence: silence
  }
}

module topicAlerts 'app/delivery-alerts.bicep' = {
  name: 'rekey-topic-alerts'
  scope: group
  params: {
    topicId: topic.outputs.id
    tags: tags
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'rekey-workbook'
  scope: group
  params: {
    location: location
    tags: tags
    componentId: monitoring.outputs.componentId
  }
}

// azd makes each output an environment variable; infra/hooks/postdeploy reads them. No secrets here, ever.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = appName
output FUNCTION_APP_ID string = functionApp.outputs.id
output FUNCTION_APP_URL string = functionApp.outputs.url
output PAGE_URL string = '${functionApp.outputs.url}/api/page'
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output KEY_VAULT_IDS string = join(allVaultIds, ',')
output KEY_VAULT_URLS string = join(allVaultUrls, ',')
output STORAGE_ACCOUNT_ID string = storage.outputs.id
output TARGETS_URL string = storage.outputs.targetsUrl
output ANNOUNCEMENT_TOPIC_ID string = announcementQueue ? topic.outputs.id : ''
output TOPIC_ENDPOINT string = topic.outputs.endpoint
output ACTION_GROUP_ID string = alerts.outputs.actionGroupId
output NEAR_EXPIRY_ROUTE string = vnetEnabled ? 'queue' : 'function'

// What the infrastructure may name: api-versions, roles, functions. Extend a list only with something that was checked
// in the documentation; a version that the service does not know fails only at deployment.

/** Newest stable ones known to exist; older ones where a newer brings nothing. */
export const apiVersions: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.Authorization/roleAssignments': ['2022-04-01'],
  'Microsoft.Authorization/roleDefinitions': ['2022-04-01'],
  'Microsoft.EventGrid/systemTopics': ['2025-02-15'],
  'Microsoft.EventGrid/systemTopics/eventSubscriptions': ['2025-02-15'],
  'Microsoft.EventGrid/topics': ['2025-02-15'],
  'Microsoft.EventGrid/topics/eventSubscriptions': ['2025-02-15'],
  'Microsoft.Insights/actionGroups': ['2023-01-01'],
  'Microsoft.Insights/components': ['2020-02-02'],
  'Microsoft.Insights/diagnosticSettings': ['2021-05-01-preview'],
  'Microsoft.Insights/metricAlerts': ['2018-03-01'],
  'Microsoft.Insights/scheduledQueryRules': ['2023-12-01', '2026-03-01'],
  'Microsoft.Insights/workbooks': ['2023-06-01'],
  // Every older one retires on 2027-02-27.
  'Microsoft.KeyVault/vaults': ['2026-02-01'],
  'Microsoft.Logic/workflows': ['2019-05-01'],
  'Microsoft.ManagedIdentity/userAssignedIdentities': ['2024-11-30'],
  'Microsoft.Network/privateDnsZones': ['2020-06-01'],
  'Microsoft.Network/privateDnsZones/virtualNetworkLinks': ['2020-06-01'],
  'Microsoft.Network/privateEndpoints': ['2024-05-01'],
  'Microsoft.Network/privateEndpoints/privateDnsZoneGroups': ['2024-05-01'],
  'Microsoft.Network/virtualNetworks': ['2024-05-01'],
  'Microsoft.OperationalInsights/workspaces': ['2025-07-01'],
  'Microsoft.Resources/resourceGroups': ['2024-03-01'],
  'Microsoft.Storage/storageAccounts': ['2025-06-01', '2026-04-01'],
  'Microsoft.Storage/storageAccounts/managementPolicies': ['2025-06-01', '2026-04-01'],
  'Microsoft.Storage/storageAccounts/blobServices/containers': ['2025-06-01', '2026-04-01'],
  'Microsoft.Web/serverfarms': ['2025-03-01'],
  'Microsoft.Web/sites': ['2025-03-01'],
  'Microsoft.Web/sites/config': ['2025-03-01'],
}

/** Built-in roles, by the name that the variable holding the id must have. */
export const roleIds: Readonly<Record<string, string>> = {
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7',
}

/** The one function that reads a secret: the signed address of a workflow of our own, for which an action group takes no identity. */
export const addressFunction = 'listCallbackUrl'

/** Of Bicep's functions, those that our files may call. None of them reads a key. */
export const functions: ReadonlySet<string> = new Set(
  (
    'cidrSubnet concat contains deployer empty endsWith environment fail filter guid items join last length listCallbackUrl loadJsonContent loadTextContent map objectKeys ' +
    'objectKeys replace resourceGroup resourceId split startsWith subscription subscriptionResourceId tenant toLower toObject trim union uniqueString'
  ).split(' '),
)

export const decorators: ReadonlySet<string> = new Set(
  'allowed batchSize description maxLength maxValue metadata minLength minValue secure'.split(' '),
)

/** What a resource of a type must say, wherever it is made. */
export const required: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Microsoft.Storage/storageAccounts': {
    'properties.allowSharedKeyAccess': 'false',
    'properties.allowBlobPublicAccess': 'false',
    'properties.minimumTlsVersion': "'TLS1_2'",
    'properties.networkAcls.defaultAction': "vnetEnabled ? 'Deny' : 'Allow'",
  },
  'Microsoft.EventGrid/topics': {
    'properties.disableLocalAuth': 'true',
    'properties.publicNetworkAccess': "vnetEnabled ? 'Disabled' : 'Enabled'",
    'identity.type': "'SystemAssigned'",
  },
  'Microsoft.Insights/components': { 'properties.DisableLocalAuth': 'true' },
  'Microsoft.OperationalInsights/workspaces': { 'properties.features.disableLocalAuth': 'true' },
  'Microsoft.KeyVault/vaults': {
    'properties.enableRbacAuthorization': 'true',
    'properties.enablePurgeProtection': 'true',
    'properties.publicNetworkAccess': "vnetEnabled ? 'Disabled' : 'Enabled'",
    'properties.networkAcls.defaultAction': "vnetEnabled ? 'Deny' : 'Allow'",
  },
  'Microsoft.Web/sites': {
    'properties.httpsOnly': 'true',
    'properties.publicNetworkAccess': "vnetEnabled && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'",
    'properties.siteConfig.ipSecurityRestrictionsDefaultAction': "vnetEnabled ? 'Deny' : 'Allow'",
    'identity.type': "'UserAssigned'",
  },
}

/**
 * Every role assignment there is: file and symbol, the role, and on what; no place: on the group or subscription that the
 * file is deployed to.
 */
export const assignments: Readonly<Record<string, readonly [role: string, place?: string]>> = {
  'infra/app/monitoring.bicep publisher': ['monitoringMetricsPublisher', 'component'],
  'infra/app/storage.bicep blobOwner': ['storageBlobDataOwner', 'account'],
  'infra/app/storage.bicep queueContributor': ['storageQueueDataContributor', 'account'],
  'infra/app/storage.bicep targetsEditor': ['storageBlobDataContributor', 'targets'],
  'infra/app/topic.bicep sender': ['eventGridDataSender', 'topic'],
  'infra/app/vault-access.bicep access': ['roleName', 'vault'],
  'infra/events/storage-access.bicep deadLetterWriter': ['storageBlobDataContributor', 'account::blobs::deadLetters'],
  'infra/events/storage-access.bicep messageSender': ['storageQueueDataMessageSender', 'account::queueService::queue'],
  'infra/roles/at-group.bicep rights': ['roleName'],
  'infra/roles/at-subscription.bicep rights': ['roleName'],
}

/** Every `queueName` that is written down, by file. */
export const queueNames: Readonly<Record<string, string>> = {
  'infra/app/topic.bicep': "'rekey-announcements'",
  'infra/events/announcements.bicep': "'rekey-announcements'",
  'infra/events/near-expiry.bicep': "route == 'queue' ? 'rekey-near-expiry' : ''",
  'infra/events/resource-events.bicep': "route == 'queue' ? 'rekey-resource-events' : ''",
  'infra/events/subscription.bicep': 'destinationQueue',
}

/** Every `destinationQueue` that a subscription is made with, by file. */
export const destinationQueues: Readonly<Record<string, string>> = {
  'infra/events/near-expiry.bicep': "'rekey-near-expiry'",
  'infra/events/resource-events.bicep': "'rekey-resource-events'",
}

/** Where events go that cannot be delivered: every container that a subscription, or a right to write to one, names. */
export const deadLetterContainer = 'rekey-dead-letters'

/** Of the events that Key Vault has, those that the app handles. */
export const keyVaultEvents = ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired']

/** Of the events that a subscription has, those that the app handles. */
export const resourceEvents = ['Microsoft.Resources.ResourceActionSuccess', 'Microsoft.Resources.ResourceWriteSuccess']

/** Metrics that both Event Grid topics and system topics have (Azure Monitor's list of supported metrics). */
export const topicMetrics: ReadonlySet<string> = new Set(
  (
    'AdvancedFilterEvaluationCount DeadLetteredCount DeliveryAttemptFailCount DeliverySuccessCount ' +
    'DestinationProcessingDurationInMs DroppedEventCount MatchedEventCount PublishFailCount PublishSuccessCount ' +
    'PublishSuccessLatencyInMs UnmatchedEventCount'
  ).split(' '),
)

/** Every alert on the logs, and how many rows raise it. Only the alert on silence is raised by too few. */
export const alertRules: Readonly<Record<string, string>> = {
  'rotation-failed': 'GreaterThan 0',
  'target-overdue': 'GreaterThan 0',
  'target-paused': 'GreaterThan 0',
  'poison-messages': 'GreaterThan 0',
  'revocation-poison': 'GreaterThan 0',
  'no-schedule': 'LessThan 1',
  'schedule-incomplete': 'GreaterThan 0',
  'targets-removed': 'GreaterThan 0',
}

const rotation = ['target', 'provider', 'reason', 'outcome', 'slot', 'duration', 'proven'] as const
const failure = ['code', 'step', 'remedy'] as const

/** What each custom event of the app has. agreement.test.ts compares it with the app. */
export const eventProperties: Readonly<Record<string, readonly string[]>> = {
  RotationFinished: rotation,
  RotationFailed: [...rotation, ...failure],
  RotationDelayed: [...rotation, ...failure],
  RotationPaused: rotation,
  TargetOverdue: ['target', 'provider', 'dueAt'],
  TargetsRemoved: ['removed', 'of', 'at'],
  TargetSeen: ['target', 'provider', 'status', 'rotatedAt', 'dueAt', 'expiresAt'],
}

/** Types that take no tags; all others must have them. */
export const untagged: ReadonlySet<string> = new Set([
  'Microsoft.Authorization/roleAssignments',
  'Microsoft.Authorization/roleDefinitions',
  'Microsoft.EventGrid/systemTopics/eventSubscriptions',
  'Microsoft.EventGrid/topics/eventSubscriptions',
  'Microsoft.Insights/diagnosticSettings',
  'Microsoft.Network/privateEndpoints/privateDnsZoneGroups',
  'Microsoft.Web/sites/config',
])

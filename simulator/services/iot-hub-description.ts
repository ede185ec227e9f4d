// An IoT hub's description: what the hub fills in, what it masks, and what a write replaces.

export type Json = { readonly [name: string]: unknown }

/** The fields that the service fills in itself, whatever a write contains. */
const readOnly = ['id', 'name', 'type', 'etag', 'systemData', 'subscriptionid', 'resourcegroup']
const readOnlyProperties = ['state', 'provisioningState', 'hostName', 'locations', 'authorizationPolicies']
const readOnlyOfEndpoints = ['path', 'endpoint', 'partitionIds']

/** A hub as it is written: everything except what the service fills in itself. `properties` is always present. */
export function writable(description: Json): Json {
  const { sku, ...rest } = without(description, readOnly)
  const { eventHubEndpoints, rootCertificate, ...properties } = without(
    (description['properties'] ?? {}) as Json,
    readOnlyProperties,
  )
  return {
    ...rest,
    ...(isObject(sku) ? { sku: without(sku, ['tier']) } : {}),
    properties: {
      ...properties,
      ...(isObject(eventHubEndpoints) ? { eventHubEndpoints: eachOf(eventHubEndpoints, readOnlyOfEndpoints) } : {}),
      ...(isObject(rootCertificate) ? { rootCertificate: without(rootCertificate, ['lastUpdatedTimeUtc']) } : {}),
    },
  }
}

/** The properties that a GET shows in addition to what was written. */
export function filledIn(properties: Json, name: string, createdAt: number): Json {
  const { eventHubEndpoints, rootCertificate } = properties
  const ours = {
    partitionIds: [],
    path: `${name.toLowerCase()}-events`,
    endpoint: `sb://iothub-ns-${name.toLowerCase()}-1.servicebus.windows.net/`,
  }
  const endpoints = Object.entries(isObject(eventHubEndpoints) ? eventHubEndpoints : {})
  return {
    ...properties,
    eventHubEndpoints: Object.fromEntries(endpoints.map(([key, value]) => [key, { ...(value as Json), ...ours }])),
    rootCertificate: {
      ...(isObject(rootCertificate) ? rootCertificate : { enableRootCertificateV2: true }),
      lastUpdatedTimeUtc: new Date(createdAt).toISOString(),
    },
  }
}

function eachOf(object: Json, withoutNames: readonly string[]): Json {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, isObject(value) ? without(value, withoutNames) : value]),
  )
}

function without(object: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** The same with the secrets inside connection strings hidden, as every GET shows them. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\b(SharedAccessKey|AccountKey)=[^;]*/g, '$1=****')
  if (Array.isArray(value)) return value.map(masked)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner)]))
}

/** What was sent, where a mask that came back as it was shown stands for the secret that is stored. Any other string is stored unchanged. */
export function unmasked(sent: unknown, stored: unknown): unknown {
  if (typeof sent === 'string') return typeof stored === 'string' && sent === masked(stored) ? stored : sent
  if (Array.isArray(sent)) return sent.map((element, index) => unmasked(element, counterpart(element, index, stored)))
  if (!isObject(sent)) return sent
  const before = isObject(stored) ? stored : {}
  return Object.fromEntries(Object.entries(sent).map(([name, inner]) => [name, unmasked(inner, before[name])]))
}

/** Endpoints are matched by name, not by their position in the list. */
function counterpart(element: unknown, index: number, stored: unknown): unknown {
  if (!Array.isArray(stored)) return undefined
  if (!isObject(element) || typeof element['name'] !== 'string') return stored[index]
  return stored.find((other) => isObject(other) && other['name'] === element['name'])
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The description of a new hub. One property belongs to a future api-version: clients must preserve it. */
export function newDescription(options: {
  readonly group: string
  readonly subscription: string
  readonly units: number
  readonly secret: () => string
}): Json {
  const { group, subscription, units, secret } = options
  const events = `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${secret()};EntityPath=events`
  return {
    location: 'westeurope',
    tags: { team: 'facilities' },
    sku: { name: 'S1', capacity: units },
    identity: { type: 'None' },
    properties: {
      ipFilterRules: [{ filterName: 'office', action: 'Accept', ipMask: '203.0.113.0/24' }],
      minTlsVersion: '1.2',
      publicNetworkAccess: 'Enabled',
      disableLocalAuth: false,
      eventHubEndpoints: {
        events: { retentionTimeInDays: 7, partitionCount: 4 },
      },
      routing: {
        endpoints: {
          serviceBusQueues: [],
          serviceBusTopics: [],
          eventHubs: [{ name: 'events', connectionString: events, subscriptionId: subscription, resourceGroup: group }],
          storageContainers: [],
        },
        routes: [
          { name: 'all', source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true },
        ],
        fallbackRoute: { source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true },
      },
      storageEndpoints: {
        $default: {
          sasTtlAsIso8601: 'PT1H',
          connectionString: `DefaultEndpointsProtocol=https;AccountName=contosouploads;AccountKey=${secret()};EndpointSuffix=core.windows.net`,
          containerName: 'uploads',
        },
      },
      messagingEndpoints: {
        fileNotifications: { lockDurationAsIso8601: 'PT1M', ttlAsIso8601: 'PT1H', maxDeliveryCount: 10 },
      },
      enableFileUploadNotifications: false,
      cloudToDevice: { maxDeliveryCount: 10, defaultTtlAsIso8601: 'PT1H' },
      features: 'RootCertificateV2',
      rootCertificate: { enableRootCertificateV2: true },
      settingOfTomorrow: { mode: 'kept', since: 2031 },
    },
  }
}

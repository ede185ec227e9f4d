// Room: the simulator. What an IoT hub says of itself: what it fills in, what it masks, and what a write of it replaces. Imports nothing.

export type Json = { readonly [name: string]: unknown }

/** What the service fills in itself, whatever a write says. */
const readOnly = ['id', 'name', 'type', 'etag', 'systemData', 'subscriptionid', 'resourcegroup']
const readOnlyProperties = ['state', 'provisioningState', 'hostName', 'locations', 'authorizationPolicies']

/** A hub as it is written: everything but what the service fills in itself. `properties` is always there. */
export function writable(description: Json): Json {
  return {
    ...without(description, readOnly),
    properties: without((description['properties'] ?? {}) as Json, readOnlyProperties),
  }
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

/** What was sent, where a mask that came back as it was shown stands for the secret that is stored. Any other string is taken as it is. */
export function unmasked(sent: unknown, stored: unknown): unknown {
  if (typeof sent === 'string') return typeof stored === 'string' && sent === masked(stored) ? stored : sent
  if (Array.isArray(sent)) return sent.map((element, index) => unmasked(element, counterpart(element, index, stored)))
  if (!isObject(sent)) return sent
  const before = isObject(stored) ? stored : {}
  return Object.fromEntries(Object.entries(sent).map(([name, inner]) => [name, unmasked(inner, before[name])]))
}

/** Endpoints go by their names, not by their places in the list. */
function counterpart(element: unknown, index: number, stored: unknown): unknown {
  if (!Array.isArray(stored)) return undefined
  if (!isObject(element) || typeof element['name'] !== 'string') return stored[index]
  return stored.find((other) => isObject(other) && other['name'] === element['name'])
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a new hub has. One property is of an api-version yet to come: clients must carry it along. */
export function newDescription(options: {
  readonly name: string
  readonly group: string
  readonly subscription: string
  readonly units: number
  readonly secret: () => string
}): Json {
  const { name, group, subscription, units, secret } = options
  const events = `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=${secret()};EntityPath=events`
  return {
    location: 'westeurope',
    tags: { team: 'facilities' },
    sku: { name: 'S1', tier: 'Standard', capacity: units },
    identity: { type: 'None' },
    properties: {
      ipFilterRules: [{ filterName: 'office', action: 'Accept', ipMask: '203.0.113.0/24' }],
      minTlsVersion: '1.2',
      publicNetworkAccess: 'Enabled',
      disableLocalAuth: false,
      eventHubEndpoints: {
        events: {
          retentionTimeInDays: 7,
          partitionCount: 4,
          partitionIds: ['0', '1', '2', '3'],
          path: name.toLowerCase(),
        },
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
      features: 'None',
      settingOfTomorrow: { mode: 'kept', since: 2031 },
    },
  }
}

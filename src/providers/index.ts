// The registry: one line for each provider, which is loaded when it is first needed. Until then only its id is known.

import type { KeyProvider } from './provider.ts'

const registry: Readonly<Record<string, () => Promise<KeyProvider>>> = {
  'ai-search': async () => (await import('./ai-search.ts')).aiSearch,
  'api-management-subscription': async () => (await import('./api-management-subscription.ts')).apimSubscription,
  'app-configuration': async () => (await import('./app-configuration.ts')).appConfiguration,
  batch: async () => (await import('./batch.ts')).batch,
  'cognitive-services': async () => (await import('./cognitive-services.ts')).cognitiveServices,
  'communication-services': async () => (await import('./communication-services.ts')).communicationServices,
  'container-registry': async () => (await import('./container-registry.ts')).containerRegistry,
  'cosmos-db': async () => (await import('./cosmos-db.ts')).cosmosDb,
  'defender-sensor': async () => (await import('./defender-sensor.ts')).defenderSensor,
  'event-grid-domain': async () => (await import('./event-grid-domain.ts')).eventGridDomain,
  'event-grid-topic': async () => (await import('./event-grid-topic.ts')).eventGridTopic,
  'event-hubs': async () => (await import('./event-hubs.ts')).eventHubs,
  'iot-hub-device': async () => (await import('./iot-hub-device.ts')).iotHubDevice,
  'iot-hub-policy': async () => (await import('./iot-hub-policy.ts')).iotHubPolicy,
  'log-analytics': async () => (await import('./log-analytics.ts')).logAnalytics,
  'managed-redis': async () => (await import('./managed-redis.ts')).managedRedis,
  maps: async () => (await import('./maps.ts')).maps,
  'notification-hubs': async () => (await import('./notification-hubs.ts')).notificationHubs,
  'redis-cache': async () => (await import('./redis-cache.ts')).redisCache,
  relay: async () => (await import('./relay.ts')).relay,
  'service-bus': async () => (await import('./service-bus.ts')).serviceBus,
  signalr: async () => (await import('./signalr.ts')).signalr,
  'storage-account': async () => (await import('./storage-account.ts')).storageAccount,
  'web-pubsub': async () => (await import('./web-pubsub.ts')).webPubsub,
}

/** What targets.json may name, in the order of the registry. */
export const providerIds: readonly string[] = Object.keys(registry)

const loaded = new Map<string, KeyProvider>()

/** Loads these providers, by default all of them. Each must be one of `providerIds`. In the order of the registry. */
export async function loadProviders(ids: readonly string[] = providerIds): Promise<readonly KeyProvider[]> {
  const wanted = providerIds.filter((id) => ids.includes(id))
  return Promise.all(
    wanted.map(async (id) => {
      const provider = loaded.get(id) ?? (await registry[id]!())
      loaded.set(id, provider)
      return provider
    }),
  )
}

/** Loads every provider that the text of a targets.json may name. Others may be among them. */
export async function loadProvidersNamedIn(text: string): Promise<readonly KeyProvider[]> {
  // JSON may write a letter as \u and its number: then the text does not show which ids it has.
  const named = text.includes('\\u') ? providerIds : providerIds.filter((id) => text.includes(`"${id}"`))
  return loadProviders(named)
}

/** The provider with this id. Undefined: there is none, or it has not been loaded. */
export function loadedProvider(id: string): KeyProvider | undefined {
  return loaded.get(id)
}

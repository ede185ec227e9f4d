// The sample fleet: resources in the simulated Azure, what a year of rotations left in the vault, and the targets.json
// that names them.

import type { Cloud } from '../cloud.ts'

export interface SampleFleet {
  /** What goes into targets.json. */
  readonly targets: object
  /** Target → the expected result of its first round. */
  readonly expected: Readonly<Record<string, 'changed' | 'current' | 'paused'>>
  /** Leases that were held before, by name. */
  readonly leases: readonly string[]
  readonly vaultHost: string
  readonly topicHost: string
}

const hour = 3_600_000
const day = 24 * hour
const group = { subscription: '11111111-2222-4333-8444-555555555555', group: 'rg-contoso' }
const vaultHost = 'kv-contoso.vault.azure.net'
const topicHost = 'rekey-contoso.westeurope-1.eventgrid.azure.net'

/** A secret's current version as Rekey would have left it. */
interface Left {
  readonly target: string
  readonly slot: string
  /** The value of the tag `ProviderAddress`. */
  readonly address: string
  /** Secret → value. */
  readonly values: Readonly<Record<string, string>>
  /** How long ago, in milliseconds. */
  readonly age: number
}

/**
 * Due a moment ago, because the expiry comes near, and not overdue: the period of 60 days, less what it is spread by, ends
 * within a day of now. So the result of a first round does not depend on the day.
 */
const dueAge = 57.5 * day
const dueExpiry = 30 * day - hour

/** Puts the fleet into the cloud. Every kind of key at least once; the comments describe the state of each. */
export function seedSampleFleet(cloud: Cloud): SampleFleet {
  const now = cloud.clock.now()
  const vault = cloud.vault(vaultHost)
  cloud.topic(topicHost)

  function leave({ target, slot, address, values, age }: Left, expires = now - age + 90 * day): void {
    const at = (ms: number) => new Date(ms).toISOString()
    const stamps = {
      target,
      rotatedAt: at(now - age),
      createdAfter: at(now - age),
      standbyCreatedAfter: at(now - age - 60 * day),
      announced: true,
      reason: 'due',
      actor: 'schedule',
    }
    for (const [name, value] of Object.entries(values).toReversed()) {
      const tags = { rekey: JSON.stringify(stamps), ...tutorialTags(slot, address), team: 'platform' }
      vault.set(name, value, { tags, createdAt: now - age, expires })
    }
  }
  const due = (left: Omit<Left, 'age'>) => leave({ ...left, age: dueAge }, now + dueExpiry)

  // An account of before July 2019: it has no custom subdomain and answers at the host of its region; its keys are hexadecimal.
  const vision = cloud.cognitiveServices.add({
    ...group,
    name: 'contoso-vision',
    kind: 'ComputerVision',
    customSubdomain: 'none',
    keys: 'hex',
  })
  due({
    target: 'vision',
    slot: 'Key1',
    address: vision.resourceId,
    values: { 'vision-key': vision.keyOf('Key1') },
  })

  // Rotated until now by Microsoft's tutorial: its three tags, none of ours.
  const speech = cloud.cognitiveServices.add({ ...group, name: 'contoso-speech', kind: 'SpeechServices' })
  vault.set('speech-key', speech.keyOf('Key2'), {
    tags: tutorialTags('Key2', speech.resourceId),
    createdAt: now - 70 * day,
    expires: now + 20 * day,
  })

  // Shown at Translator's own host, tried at the host of its region.
  const translator = cloud.cognitiveServices.add({
    ...group,
    name: 'contoso-translator',
    kind: 'TextTranslation',
    customSubdomain: 'none',
  })
  leave({
    target: 'translator',
    slot: 'Key2',
    address: translator.resourceId,
    values: { 'translator-key': translator.keyOf('Key2') },
    age: 10 * day,
  })

  // An operator regenerated the key in the portal: the service refuses the key in the vault.
  const documents = cloud.cognitiveServices.add({ ...group, name: 'contoso-documents', kind: 'FormRecognizer' })
  leave({
    target: 'documents',
    slot: 'Key1',
    address: documents.resourceId,
    values: { 'documents-key': documents.keyOf('Key1') },
    age: 20 * day,
  })
  documents.regenerateByHand('Key1')

  // An operator disabled the secret: nothing happens until it is enabled again.
  const archive = cloud.cognitiveServices.add({ ...group, name: 'contoso-archive' })
  due({
    target: 'archive',
    slot: 'Key1',
    address: archive.resourceId,
    values: { 'archive-key': archive.keyOf('Key1') },
  })
  vault.disable('archive-key')

  const chat = cloud.communicationServices.add({ ...group, name: 'contoso-chat' })
  due({
    target: 'chat',
    slot: 'primary',
    address: chat.resourceId,
    values: {
      'chat-connection': `endpoint=https://${chat.host}/;accesskey=${chat.keyOf('primary')}`,
      'chat-key': chat.keyOf('primary'),
    },
  })

  // New in targets.json: Rekey adopts the key that the service has.
  const mail = cloud.communicationServices.add({ ...group, name: 'contoso-mail' })

  const logs = cloud.logAnalytics.add({ ...group, name: 'contoso-logs', behaviour: 'keyType' })
  due({
    target: 'logs',
    slot: 'primary',
    address: logs.resourceId,
    values: { 'logs-key': logs.keyOf('primary'), 'logs-workspace': logs.customerId },
  })

  const hub = cloud.iotHubs.add({ ...group, name: 'contoso-hub' })
  const hubHost = 'contoso-hub.azure-devices.net'
  const policy = hub.policy('service')
  due({
    target: 'hub-service',
    slot: 'primary',
    address: policy.resourceId,
    values: {
      'hub-connection': `HostName=${hubHost};SharedAccessKeyName=service;SharedAccessKey=${policy.keyOf('primary')}`,
    },
  })
  const thermostat = hub.device('thermostat-7')
  due({
    target: 'thermostat-7',
    slot: 'primary',
    address: thermostat.resourceId,
    values: { 'thermostat-7-key': thermostat.keyOf('primary') },
  })

  // A single slot: the new key replaces the old one at once.
  const sensor = cloud.defenderSensor
  due({ target: 'sensor', slot: 'key', address: sensor.resourceId, values: { 'sensor-key': sensor.keyOf('key') } })

  const target = (name: string, provider: string, where: object, secrets: Record<string, string>) => ({
    name,
    provider,
    ...where,
    secrets,
  })
  const cognitive = (name: string, { resourceId }: { resourceId: string }) =>
    target(name, 'cognitive-services', { resource: resourceId }, { [`${name}-key`]: 'key' })
  return {
    leases: [`iot-hub-policy:${hub.resourceId}`],
    vaultHost,
    topicHost,
    targets: {
      defaults: { vault: `https://${vaultHost}`, rotateEvery: 'P60D', validFor: 'P90D', overlap: 'P2D' },
      targets: [
        cognitive('vision', vision),
        cognitive('speech', speech),
        cognitive('translator', translator),
        cognitive('documents', documents),
        cognitive('archive', archive),
        target(
          'chat',
          'communication-services',
          { resource: chat.resourceId },
          { 'chat-connection': 'connectionString', 'chat-key': 'key' },
        ),
        target('mail', 'communication-services', { resource: mail.resourceId }, { 'mail-key': 'key' }),
        target(
          'logs',
          'log-analytics',
          { resource: logs.resourceId },
          { 'logs-key': 'key', 'logs-workspace': 'workspaceId' },
        ),
        target(
          'hub-service',
          'iot-hub-policy',
          { resource: hub.resourceId, policy: 'service' },
          { 'hub-connection': 'connectionString' },
        ),
        target(
          'thermostat-7',
          'iot-hub-device',
          { hub: hubHost, device: 'thermostat-7' },
          { 'thermostat-7-key': 'key' },
        ),
        target('sensor', 'defender-sensor', {}, { 'sensor-key': 'key' }),
      ],
    },
    expected: {
      vision: 'changed',
      speech: 'changed',
      translator: 'current',
      documents: 'changed',
      archive: 'paused',
      chat: 'changed',
      mail: 'changed',
      logs: 'changed',
      'hub-service': 'changed',
      'thermostat-7': 'changed',
      sensor: 'changed',
    },
  }
}

function tutorialTags(slot: string, address: string): Record<string, string> {
  return { CredentialId: slot, ProviderAddress: address, ValidityPeriodDays: '90' }
}

// Reads the app settings once and reports every problem together, each with the setting's name and what to do. A value is
// never repeated: people paste keys into the wrong field.

import { type Cloud, type CloudName, clouds } from '../azure/clouds.ts'
import type { EventSchema } from '../azure/event-grid.ts'
import { type StorageSettings, storageSettings } from '../azure/storage.ts'
import { type Hosts, objectionTo, storageHosts, telemetryHosts, topicHosts } from '../azure/trusted-hosts.ts'
import { Secret } from '../engine/secret.ts'
import { scheduleProblem } from './ncrontab.ts'
import { deploymentSettings, type SettingId, settingNames } from './setting-names.ts'
import type { Problem } from './targets/configuration-problems.ts'
import { nearest } from './targets/nearest.ts'
import { vaultAddress } from './targets/vault-address.ts'

export interface Settings {
  /** The app's name, as the platform sets it: the source of the events. */
  readonly app: string
  /** A path, relative to the app's folder, or the https URL of a blob. */
  readonly targets: string
  /** The vault of targets that name none, and whose defaults name none. */
  readonly vault?: string
  /** NCRONTAB, six fields. */
  readonly schedule: string
  /** An operator has stopped everything that changes anything. */
  readonly stopped: boolean
  readonly cloud: Cloud
  /** The user-assigned identity to use; absent: the system-assigned one. */
  readonly clientId?: string
  /** Absent: events are logged. */
  readonly topic?: { readonly endpoint: string; readonly schema: EventSchema; readonly key?: Secret }
  readonly storage: StorageSettings
  /** Absent: no telemetry. */
  readonly telemetry?: { readonly connectionString: Secret; readonly authentication?: string }
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * `warnings`: what is wrong though the app can work. `waiting`: where messages can wait until the problems are corrected; absent when that is a
 * problem itself.
 */
export type ReadSettings =
  | { readonly settings: Settings; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[]; readonly waiting?: Pick<Settings, 'cloud' | 'storage'> }

/** Reads every setting. An empty one counts as not set. Returns all settings, or all problems. Never throws. */
export function readSettings(environment: Environment): ReadSettings {
  const problems: Problem[] = []
  const report: Report = (name, message, remedy) =>
    problems.push({ path: name, message, remedy: `${remedy} ${whereToSet(name)}` })
  const get = (name: SettingId) => setOrDefault(environment, name)

  const schedule = get('ROTATION_SCHEDULE') ?? ''
  const wrong = scheduleProblem(schedule)
  if (wrong) report('ROTATION_SCHEDULE', wrong.message, wrong.remedy)
  const stopped = readStopped(get('ROTATION_STOPPED') ?? '', report)
  const knownCloud = readCloud(get('AZURE_CLOUD') ?? '', report)
  // The other settings are still checked.
  const cloud = knownCloud ?? clouds.public
  const targets = readLocation(get('ROTATION_TARGETS') ?? '', knownCloud, report)
  const vault = readVault(get('ROTATION_VAULT'), cloud, report)
  const topic = readTopic(get, cloud, report)
  const clientId = get('AZURE_CLIENT_ID')
  if (clientId && !guid.test(clientId)) report('AZURE_CLIENT_ID', 'is not a GUID', "Write the identity's client id.")
  const storage = readStorage(environment, cloud, report, knownCloud ? [knownCloud] : Object.values(clouds))
  const telemetry = readTelemetry(get, cloud, report)

  const warnings = [...unknownSettings(environment), ...wrongSignIn(get('ROTATION_SIGN_IN'))]
  if (problems.length > 0 || !storage) {
    const isPlaced = knownCloud !== undefined || !environment['AzureWebJobsStorage__accountName']
    return { problems: [...problems, ...warnings], ...(storage && isPlaced ? { waiting: { cloud, storage } } : {}) }
  }
  const app = environment['WEBSITE_SITE_NAME'] || 'rekey'
  return {
    warnings,
    settings: {
      app,
      targets,
      schedule,
      stopped,
      cloud,
      storage,
      ...(vault ? { vault } : {}),
      ...(clientId ? { clientId } : {}),
      ...(topic ? { topic } : {}),
      ...(telemetry ? { telemetry } : {}),
    },
  }
}

type Get = (name: SettingId) => string | undefined
type Report = (name: SettingId, message: string, remedy: string) => void

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function defaultOf(name: SettingId): string | undefined {
  const setting = settingNames.find((each) => each.name === name)!
  return 'default' in setting ? setting.default : undefined
}

function setOrDefault(environment: Environment, name: SettingId): string | undefined {
  return environment[name]?.trim() || defaultOf(name)
}

/**
 * Rekey's settings that the app does not know. They stop nothing: the setting may belong to a newer version, or to the deployment.
 * Without a report, a typo such as ROTATION_VALUT would count as not set.
 */
function unknownSettings(environment: Environment): readonly Problem[] {
  const known = settingNames.map(({ name }) => name).filter((name) => name.startsWith('ROTATION_'))
  const ofDeployment: readonly string[] = deploymentSettings
  return Object.keys(environment)
    .filter((name) => /^rotation_/i.test(name) && environment[name]?.trim())
    .filter((name) => !(known as readonly string[]).includes(name) && !ofDeployment.includes(name))
    .map((name) => {
      const guess = nearest(name, known)
      const remedy = guess ? `Did you mean ${guess}?` : `Remove it. Known settings: ${known.join(', ')}.`
      return { path: name.slice(0, 64), message: 'is not a setting of this app, and has no effect', remedy }
    })
}

/** It stops nothing: function keys are then needed, as without it. */
function wrongSignIn(clientId: string | undefined): readonly Problem[] {
  if (!clientId || guid.test(clientId)) return []
  const remedy = `Write the client id of the app registration, a GUID. ${whereToSet('ROTATION_SIGN_IN')}`
  return [{ path: 'ROTATION_SIGN_IN', message: 'is not a client id: callers still need a function key', remedy }]
}

function whereToSet(name: SettingId): string {
  return `Set ${name} in the app's settings in Azure; on your own machine under "Values" in local.settings.json.`
}

function readStopped(text: string, report: Report): boolean {
  const word = text.toLowerCase()
  if (word !== 'true' && word !== 'false')
    report('ROTATION_STOPPED', 'is neither true nor false', 'Write true or false.')
  return word === 'true'
}

/** The path unchanged; the URL of a blob in normalized form. */
function readLocation(location: string, cloud: Cloud | undefined, report: Report): string {
  if (!location.includes('://')) return location
  const url = URL.parse(location)
  if (url?.protocol !== 'https:') {
    report(
      'ROTATION_TARGETS',
      'is not an https URL',
      'Write the https URL of the blob, or a path such as ./targets.json.',
    )
  } else if (url.search || url.username || url.password) {
    const remedy = 'Write only the URL, and give the app’s identity the role Storage Blob Data Reader.'
    report('ROTATION_TARGETS', 'carries a signature or a password', remedy)
  } else if (cloud) {
    checkHost('ROTATION_TARGETS', location, storageHosts(cloud, 'blob'), report)
  }
  return url?.href ?? location
}

/** The app's token goes to this address: it must be one of the cloud's own. */
function checkHost(name: SettingId, address: string, hosts: Hosts, report: Report): void {
  const objection = objectionTo(address, hosts)
  if (objection === undefined) return
  const form = `Write ${hosts.form} as the portal shows it: no token is sent to another host, port or custom domain.`
  report(name, objection, `${form} The cloud is set by AZURE_CLOUD.`)
}

const cloudNames: Readonly<Record<string, CloudName>> = {
  public: 'public',
  azurecloud: 'public',
  azurepubliccloud: 'public',
  usgov: 'usgov',
  azureusgovernment: 'usgov',
  china: 'china',
  azurechinacloud: 'china',
}

function readCloud(name: string, report: Report): Cloud | undefined {
  const asked = name.toLowerCase()
  const known = Object.hasOwn(cloudNames, asked) ? cloudNames[asked] : undefined
  if (!known) report('AZURE_CLOUD', 'is not the name of a cloud', 'Write public, usgov or china.')
  return known && clouds[known]
}

function readVault(text: string | undefined, cloud: Cloud, report: Report): string | undefined {
  const address = text && vaultAddress(text, cloud.vaultSuffix)
  if (!address || typeof address === 'string') return address
  report('ROTATION_VAULT', address.message, address.remedy)
  return undefined
}

function readTopic(get: Get, cloud: Cloud, report: Report): Settings['topic'] {
  const endpoint = get('ROTATION_TOPIC')
  const schema = get('ROTATION_EVENT_SCHEMA')
  const key = get('ROTATION_TOPIC_KEY')
  if (schema !== 'CloudEvent' && schema !== 'EventGrid') {
    report(
      'ROTATION_EVENT_SCHEMA',
      'is not an event schema',
      'Write CloudEvent or EventGrid: the input schema of the topic.',
    )
  }
  if (!endpoint) {
    if (key)
      report(
        'ROTATION_TOPIC_KEY',
        'is the key of a topic that is not set',
        'Set ROTATION_TOPIC too, or remove the key.',
      )
    return undefined
  }
  const url = URL.parse(endpoint)
  const remedy = `Write https://<topic>.<region>.${cloud.topicSuffix}/api/events, as the portal shows it.`
  if (url?.protocol !== 'https:' || !['/', '/api/events'].includes(url.pathname) || url.search) {
    report('ROTATION_TOPIC', 'is not an endpoint of an Event Grid topic', remedy)
  } else {
    checkHost('ROTATION_TOPIC', endpoint, topicHosts(cloud), report)
  }
  return { endpoint, schema: schema === 'EventGrid' ? schema : 'CloudEvent', ...(key ? { key: Secret.of(key) } : {}) }
}

/** `among`: the clouds whose hosts may be named; all of them where the cloud is not known, since messages may wait there. */
function readStorage(
  environment: Environment,
  cloud: Cloud,
  report: Report,
  among: readonly Cloud[],
): StorageSettings | undefined {
  const names = settingNames.map(({ name }) => name).filter((name) => name.startsWith('AzureWebJobsStorage'))
  const set: Environment = Object.fromEntries(names.map((name) => [name, setOrDefault(environment, name)]))
  const connection = set['AzureWebJobsStorage']
  const complete = connection ? isConnectionString(connection, report) : isIdentityForm(set, report, among)
  return complete ? storageSettings(set, cloud) : undefined
}

const services = {
  AzureWebJobsStorage__blobServiceUri: 'blob',
  AzureWebJobsStorage__queueServiceUri: 'queue',
} as const

function isIdentityForm(set: Environment, report: Report, among: readonly Cloud[]): boolean {
  const account = set['AzureWebJobsStorage__accountName']
  const uris = ['AzureWebJobsStorage__blobServiceUri', 'AzureWebJobsStorage__queueServiceUri'] as const
  const missing = account ? [] : uris.filter((uri) => !set[uri])
  if (missing.length === uris.length) {
    const remedy = `In Azure, set ${uris.join(' and ')}; on your own machine write UseDevelopmentStorage=true.`
    report('AzureWebJobsStorage', 'is missing', remedy)
    return false
  }
  const wrong = uris.filter((uri) => set[uri] && !isEndpoint(uri, set[uri], report, among))
  for (const uri of missing) report(uri, 'is missing', 'Set both endpoints, or the name of the account.')
  const misnamed = account !== undefined && !/^[a-z0-9]{3,24}$/.test(account)
  if (misnamed) {
    const remedy = 'Write 3 to 24 lower-case letters and digits, without the domain.'
    report('AzureWebJobsStorage__accountName', 'is not the name of a storage account', remedy)
  }
  return missing.length + wrong.length === 0 && !misnamed
}

function isEndpoint(name: keyof typeof services, address: string, report: Report, among: readonly Cloud[]): boolean {
  const hosts = among.map((cloud) => storageHosts(cloud, services[name]))
  if (hosts.some((each) => objectionTo(address, each) === undefined)) return true
  checkHost(name, address, hosts[0]!, report)
  return false
}

function isConnectionString(text: string, report: Report): boolean {
  const names = text.split(';').map((part) => part.split('=')[0]!.trim().toLowerCase())
  const forms = [
    ['usedevelopmentstorage'],
    ['accountname', 'accountkey'],
    ['sharedaccesssignature', 'blobendpoint', 'queueendpoint'],
  ]
  if (forms.some((form) => form.every((name) => names.includes(name)))) return true
  const remedy = 'Paste the connection string as the portal shows it, or write UseDevelopmentStorage=true.'
  report('AzureWebJobsStorage', 'is not a connection string of a storage account', remedy)
  return false
}

function readTelemetry(get: Get, cloud: Cloud, report: Report): Settings['telemetry'] {
  const connection = get('APPLICATIONINSIGHTS_CONNECTION_STRING')
  const authentication = get('APPLICATIONINSIGHTS_AUTHENTICATION_STRING')
  if (authentication && !/(^|;)\s*Authorization\s*=\s*AAD\s*(;|$)/i.test(authentication)) {
    const remedy = 'Write Authorization=AAD, preceded by ClientId=<client id>; for a user-assigned identity.'
    report('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'does not say Authorization=AAD', remedy)
  }
  if (!connection) return undefined
  if (!/(^|;)\s*InstrumentationKey\s*=/i.test(connection)) {
    const remedy = 'Paste the connection string as the portal shows it, not only the instrumentation key.'
    report('APPLICATIONINSIGHTS_CONNECTION_STRING', 'names no InstrumentationKey', remedy)
  } else if (authentication && !isOurTelemetry(connection, cloud)) {
    const remedy = `Paste the connection string as the portal shows it: with Authorization=AAD, tokens go to hosts below ${cloud.telemetrySuffixes.join(', ')} only.`
    report('APPLICATIONINSIGHTS_CONNECTION_STRING', 'names a host to which this app sends no token', remedy)
  }
  return { connectionString: Secret.of(connection), ...(authentication ? { authentication } : {}) }
}

/** Whether every endpoint that a connection string names is one of the cloud's. One that it does not name is the library's own. */
function isOurTelemetry(connection: string, cloud: Cloud): boolean {
  const hosts = telemetryHosts(cloud)
  return connection.split(';').every((part) => {
    const [name = '', ...value] = part.split('=')
    const text = value.join('=').trim()
    if (/^endpointsuffix$/i.test(name.trim())) return objectionTo(`https://dc.${text}`, hosts) === undefined
    return !/endpoint$/i.test(name.trim()) || objectionTo(text, hosts) === undefined
  })
}

// The composition root: builds the app from settings, targets, providers, Azure adapters and the engine.

import type { TokenCredential } from '@azure/core-auth'
import { createLeaseNotes, createLeases, type LeaseNotes } from './azure/blob-lease.ts'
import { type AzureClients, createAzureClients } from './azure/clients.ts'
import type { Cloud } from './azure/clouds.ts'
import { credential } from './azure/credential.ts'
import { createAnnouncer, logAnnouncer } from './azure/event-grid.ts'
import { createVault, type ListedVault } from './azure/key-vault.ts'
import { logTo } from './azure/log.ts'
import { createOperationStore, type OperationStore } from './azure/operation-store.ts'
import { createPackedBlob, type PackedBlob } from './azure/packed-blob.ts'
import { createRequestQueue, type StorageRequestQueue } from './azure/request-queue.ts'
import { createStateBlob, type StateBlob } from './azure/state-blob.ts'
import { openStorage, type Storage } from './azure/storage.ts'
import { createTelemetry, type Telemetry } from './azure/telemetry.ts'
import { type Environment, readSettings, type Settings } from './config/settings.ts'
import { lastValidBlob, removalAlert } from './config/targets/last-valid.ts'
import { type Tagged, taggedReader } from './config/targets/tagged-reader.ts'
import { type TaggedSecretsSource, taggedSecretsBlob, taggedSecretsSource } from './config/targets/tagged-secrets.ts'
import type { NotTaken } from './config/targets/tagged-targets.ts'
import { type Problem, readTargetsFile, type TargetsFile } from './config/targets.ts'
import { type Configuration, type TargetsSource, targetsSource } from './config/targets-source.ts'
import type { Clock, Log, Ports } from './engine/ports.ts'
import { RekeyError } from './engine/rekey-error.ts'
import { isReminder } from './engine/reminder.ts'
import { Secret } from './engine/secret.ts'
import type { Target } from './engine/target.ts'
import { createTurns, type Turns } from './engine/turns.ts'
import { loadedProvider, loadProvidersNamedIn, providerIds } from './providers/index.ts'
import type { KeyProvider, Place } from './providers/provider.ts'
import { fieldOf } from './providers/wire/connection-string.ts'

export type { NotApplied } from './config/targets/in-force.ts'
export { keyOf, type TaggedSecret } from './config/targets/tagged-secrets.ts'
export { type NotTaken, placeOf as placeOfTagged } from './config/targets/tagged-targets.ts'
export type { Problem } from './config/targets.ts'
export { loadProviders } from './providers/index.ts'
export { mayChangeKeys } from './providers/wire/key-changes.ts'

/** Everything that a function needs, for one version of the targets. */
export interface App {
  readonly settings: Settings
  readonly clock: Clock
  /** What is rotated, in the order of targets.json, disabled ones included. */
  readonly targets: readonly Target[]
  /** What an operator renews, in the same order. They have no service, so nothing else of the app knows them. */
  readonly reminders: readonly Target[]
  /** What was announced of reminders. */
  readonly reminderState: StateBlob
  /** What the schedule has read of all targets and reminders, for the lists. */
  readonly snapshot: PackedBlob
  /** What is in force of targets.json, and what is not. */
  readonly configuration: Configuration
  /** Secrets that have the tags of Microsoft's templates, where targets.json allows it. Those that are targets are among `targets`. */
  readonly tagged: TaggedSecretsSource
  /** Tagged secrets that are no targets. */
  readonly notTaken: readonly NotTaken[]
  /** Why it is not known which secrets are targets by their tags: a name that is no target may be one of theirs. */
  readonly taggedUnread?: Problem
  /** What is wrong with settings and targets.json, though the app can work. */
  readonly problems: readonly Problem[]
  readonly azure: AzureClients
  readonly storage: Storage
  readonly queue: StorageRequestQueue
  readonly operations: OperationStore
  readonly leaseNotes: LeaseNotes
  readonly telemetry: Telemetry
  /** Of the requests that this instance saw throttled. */
  readonly turns: Turns
  /** Among `targets`. */
  targetNamed(name: string): Target | undefined
  providerOf(target: Target): KeyProvider
  placeOf(target: Target): Place
  /**
   * Ensures that the last valid file holds what is in force, for other instances and the next start; returns the configuration
   * with what only the record knows: `removal`, for a day. Throws RekeyError.
   */
  recorded(): Promise<Configuration>
  vault(url: string): ListedVault
  /** What reconcile needs, with the log of one invocation. */
  ports(log: Log): Ports
}

/** `queue`: where messages can wait until the configuration is corrected; absent when storage is not configured either. */
export type Composed =
  | { readonly app: App }
  | { readonly problems: readonly Problem[]; readonly queue?: StorageRequestQueue }

/** The app, or every problem of its configuration. Targets are read again at most once a minute. */
export type Compose = () => Promise<Composed>

/** What the app depends on. Tests pass a clock and a simulated Azure; the app passes its environment only. */
export interface Outside {
  readonly env: Environment
  readonly clock?: Clock
  readonly azure?: AzureClients
  /** Nothing is written, the last valid file neither. */
  readonly readOnly?: true
}

/** Wires everything once, with the first call; the environment is read again only while it is invalid. */
export function composer(outside: Outside): Compose {
  let wired: Wired | undefined
  let app: App | undefined
  /** What the app was made of. */
  let of: { readonly read: Configuration; readonly tagged: Tagged } | undefined
  let warnings: readonly Problem[] = []
  return async () => {
    if (wired === undefined) {
      const read = readSettings(outside.env)
      if ('problems' in read)
        return { problems: read.problems, ...(read.waiting ? { queue: queueAlone(read.waiting, outside.env) } : {}) }
      wired = wire(read.settings, outside)
      warnings = read.warnings
    }
    const read = await wired.source.read()
    const problems = [...warnings, ...read.problems]
    // Where nothing is in force because something is wrong, requests wait until it is corrected.
    if (!('targets' in read) || (isEmpty(read) && read.problems.length > 0)) {
      return { problems, queue: wired.queue }
    }
    const tagged = await wired.taggedTargets(read)
    if (of?.read !== read || of.tagged !== tagged) {
      of = { read, tagged }
      app = appOf(wired, read, tagged, problems)
    }
    return { app: app! }
  }
}

/** Nothing of it is in force. */
function isEmpty({ targets, discover }: Configuration): boolean {
  return targets.length === 0 && discover === undefined
}

/** The app of this process. */
export const compose: Compose = composer({ env: process.env })

type OfOneVersion =
  | 'targets'
  | 'reminders'
  | 'targetNamed'
  | 'configuration'
  | 'notTaken'
  | 'taggedUnread'
  | 'problems'
  | 'recorded'

interface Wired extends Omit<App, OfOneVersion> {
  readonly source: TargetsSource
  /** The same object until something changes. */
  taggedTargets(configuration: Configuration): Promise<Tagged>
}

function wire(settings: Settings, { env, clock = systemClock, azure: given, readOnly }: Outside): Wired {
  const { cloud, clientId, topic } = settings
  const credentialOf = credentials(cloud, env)
  const azure = given ?? createAzureClients({ cloud, credential: credentialOf(clientId) })
  const storage = openStorage(settings.storage, credentialOf)
  const queue = createRequestQueue(storage)
  const leases = createLeases(storage, clock.now)
  const announcer = topic && createAnnouncer({ ...topic, source: `/rekey/${settings.app}` }, azure)
  // One client per vault: the first request of each is sent twice, the first time only to learn where to get a token.
  const vault = keep((url: string) => createVault(url, azure))
  const parse = parserOf(settings, clock)
  const tagged = taggedSecretsSource(createStateBlob(storage, taggedSecretsBlob), clock, !readOnly)
  const own = ownKeys(settings, env)
  const isOwnKey = (key: Secret) => own.some((each) => each.equals(key))
  return {
    settings,
    clock,
    azure,
    storage,
    queue,
    operations: createOperationStore(storage),
    leaseNotes: createLeaseNotes(storage),
    reminderState: createStateBlob(storage, 'reminders.json'),
    snapshot: createPackedBlob(storage, 'targets-snapshot.gz'),
    vault,
    turns: createTurns(),
    providerOf,
    placeOf: placeIn,
    tagged,
    taggedTargets: taggedReader(tagged, parse, (target) => placeIn(target).credential),
    telemetry: createTelemetry({ ...settings.telemetry, credentialOf, log: logTo(console) }),
    ports: (log) => ({
      clock,
      leases,
      queue,
      log,
      vault,
      announcer: announcer ?? logAnnouncer(log),
      open: opener({ ...azure, isOwnKey }, log),
    }),
    source: targetsSource({
      location: settings.targets,
      root: rootOf(env),
      clock,
      parse,
      azure: () => azure,
      state: createStateBlob(storage, lastValidBlob),
      writes: !readOnly,
    }),
  }
}

/** Reads the text of targets.json. Loads only the providers that it names. */
function parserOf({ cloud, vault }: Settings, clock: Clock): (text: string) => Promise<TargetsFile> {
  return async (text) => {
    const registry = await loadProvidersNamedIn(text)
    return readTargetsFile(text, { registry, ids: providerIds, cloud: cloud.name, now: clock.now(), vault })
  }
}

function placeIn(target: Target): Place {
  return providerOf(target).place(target.resource)
}

/** The keys with which this app itself authenticates, or the platform for it. */
function ownKeys({ storage, topic }: Settings, env: Environment): readonly Secret[] {
  // Where a plan keeps the app's files; the platform alone uses it.
  const files = env['WEBSITE_CONTENTAZUREFILECONNECTIONSTRING']
  const connections = [
    ...(storage.by === 'connectionString' ? [storage.connectionString] : []),
    ...(files ? [Secret.of(files)] : []),
  ]
  return [...connections.map((connection) => fieldOf(connection, 'AccountKey')), topic?.key].flatMap((key) => key ?? [])
}

function appOf(
  { source, taggedTargets: _, ...wired }: Wired,
  read: Configuration,
  tagged: Tagged,
  problems: readonly Problem[],
): App {
  const configuration = tagged.targets.length === 0 ? read : { ...read, targets: [...read.targets, ...tagged.targets] }
  const targets = configuration.targets.filter((target) => !isReminder(target))
  const byName = new Map(targets.map((target) => [target.name, target]))
  return {
    ...wired,
    targets,
    reminders: configuration.targets.filter(isReminder),
    configuration,
    notTaken: tagged.notTaken,
    ...(tagged.problem && { taggedUnread: tagged.problem }),
    problems: tagged.problem ? [...problems, tagged.problem] : problems,
    targetNamed: (name) => byName.get(name),
    recorded: async () => {
      const recorded = await source.recorded()
      if (!('targets' in recorded)) return configuration
      const { removal, ...rest } = recorded
      return removal && wired.clock.now() - removal.at < removalAlert ? { ...rest, removal } : rest
    },
  }
}

/** The identity with a client id, one instance for each, so that tokens are cached. */
function credentials({ authority }: Cloud, env: Environment): (clientId: string | undefined) => TokenCredential {
  const managed = Boolean(env['IDENTITY_ENDPOINT'])
  return keep((clientId) => credential({ authority, managed, ...(clientId === undefined ? {} : { clientId }) }))
}

function opener(azure: AzureClients, log: Log): Ports['open'] {
  return async (target) => {
    const outputs = target.secrets.map(({ output }) => output)
    const logOfTarget: Log = (level, message, fields) => log(level, message, { target: target.name, ...fields })
    return providerOf(target).open(target.resource, azure, outputs, logOfTarget)
  }
}

function providerOf(target: Target): KeyProvider {
  // Loaded when the target was read.
  const provider = loadedProvider(target.provider)
  if (provider !== undefined) return provider
  throw new RekeyError('Internal', {
    target: target.name,
    message: `the provider "${target.provider}" of an accepted target is not loaded`,
    remedy: 'Report this as a bug of Rekey, with the log of the app.',
  })
}

/** Only the queue, where the settings are invalid but those of the storage account are valid. */
function queueAlone({ cloud, storage }: Pick<Settings, 'cloud' | 'storage'>, env: Environment): StorageRequestQueue {
  return createRequestQueue(openStorage(storage, credentials(cloud, env)))
}

/** The app's folder, which the host names; the working directory is not always the same. */
function rootOf(env: Environment): string {
  return env['AzureWebJobsScriptRoot'] ?? process.cwd()
}

const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after: (delay, callBack) => {
    const timer = setTimeout(callBack, delay)
    return () => clearTimeout(timer)
  },
}

/** Creates each value when it is first needed, and caches it. */
function keep<Key, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const kept = new Map<Key, Made>()
  return (key) => {
    const known = kept.get(key)
    if (known !== undefined) return known
    const made = make(key)
    kept.set(key, made)
    return made
  }
}

// The app's functions over a simulated Azure with one target, and everything that comes out of them, channel by channel.

import { inspect } from 'node:util'
import { AzureLogger, setLogLevel } from '@azure/logger'
import { BlobServiceClient } from '@azure/storage-blob'
import type { Cloud } from '../../simulator/cloud.ts'
import { badDay } from '../../simulator/wire-faults.ts'
import type { App } from '../../src/compose.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { reconcile } from '../../src/engine/reconcile.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days } from '../../src/engine/target.ts'
import type { Handler } from '../../src/functions/http/answer-request.ts'
import { logOf } from '../../src/functions/shared/invocation.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { type Answer, type HttpCall, topicHost, vaultHost, type World, world } from '../functions/functions-world.ts'
import { oldMetadata } from '../memory-lease.ts'
import { fleet } from '../providers/provider-fleet.ts'
import { accountKey, blobsIn, queuesIn, tagsIn } from './leak-places.ts'
import { tapStorage } from './storage-tap.ts'

export const target = 'target'

/** What came out, as text. */
export type Heard = Readonly<
  Record<'log' | 'SDK log' | 'answers' | 'errors' | 'events' | 'tags' | 'storage' | 'queues' | 'blobs', string>
>

export interface Listening {
  readonly world: World
  readonly cloud: Cloud
  app(): Promise<App>
  ask(handler: Handler, call?: HttpCall): Promise<Answer>
  /** Reconciles as the queue does, and keeps all that is to be known of the outcome. */
  reconcile(desired: Partial<RotationRequest>): Promise<Outcome>
  /** Calls services, vault and topic as the engine does: what they throw, before it becomes another error. */
  callAdapters(): Promise<void>
  /** Keeps all that is to be known of something thrown. */
  caught(thrown: unknown): void
  /** The tests do not wait for a dead process's lease: that would be a minute of real time. */
  breakLeases(): Promise<void>
  heard(): Promise<Heard>
  /** Switches the SDKs' own log, which is on at first, at its most talkative. */
  sdkLog(level: 'verbose' | 'off'): void
  /** Every secret so far: what was minted, what went onto the wire as proof of who we are, and the storage account's key. */
  secrets(): ReadonlyMap<string, string>
  close(): Promise<void>
}

/** Starts to listen, before the app has done anything. One at a time in a process: the SDKs have one log. */
export async function listen(provider: KeyProvider): Promise<Listening> {
  const made = await world()
  const { cloud } = made
  for (const fault of badDay({ probes: provider.can.probe === true })) cloud.faults.add(fault)
  const proofs = keepProofs(cloud)
  const sdkLog: string[] = []
  AzureLogger.log = (...words) =>
    void sdkLog.push(words.map((word) => (typeof word === 'string' ? word : inspect(word))).join(' '))
  setLogLevel('verbose')
  const direct = made.env['AzureWebJobsStorage']!
  const tap = await tapStorage(direct)
  made.env['AzureWebJobsStorage'] = tap.connectionString
  made.env['ROTATION_TOPIC_KEY'] = cloud.topic(topicHost).key
  const { fields } = fleet[provider.id]!(cloud)
  const outputs = Object.keys(provider.outputs).toSorted((one) => (provider.outputs[one] === 'secret' ? -1 : 1))
  const secrets = Object.fromEntries(outputs.map((output) => [`target-${output.toLowerCase()}`, output]))
  await made.writeTargets([{ name: target, provider: provider.id, ...fields, secrets }])

  const answers: string[] = []
  const errors: string[] = []
  const caught = (thrown: unknown) => void errors.push(everythingOf(thrown))

  const listening: Listening = {
    world: made,
    cloud,
    caught,
    app: async () => {
      const composed = await made.compose()
      if ('app' in composed) return composed.app
      throw new Error(JSON.stringify(composed.problems))
    },
    ask: async (handler, call) => {
      const answer = await made.http(handler, { params: { name: target }, ...call })
      answers.push(JSON.stringify(answer))
      return answer
    },
    reconcile: async (desired) => {
      const app = await listening.app()
      const request = { id: 'leak', target, actor: 'test', expiresAt: cloud.clock.now() + days(7), ...desired }
      const outcome = await reconcile(app.targetNamed(target)!, request, app.ports(logOf(made.context('rotate'))))
      caught(outcome)
      if (outcome.error) caught(outcome.error)
      return outcome
    },
    callAdapters: async () => callAdapters(await listening.app(), caught),
    breakLeases: () => breakLeases(direct),
    sdkLog: (level) => setLogLevel(level === 'off' ? undefined : level),
    heard: async () => ({
      log: made.lines.map(({ text }) => text).join('\n'),
      'SDK log': sdkLog.join('\n'),
      answers: answers.join('\n'),
      errors: errors.join('\n'),
      events: JSON.stringify(cloud.topic(topicHost).events),
      tags: tagsIn(cloud, vaultHost),
      storage: tap.seen.join('\n'),
      queues: await queuesIn(direct),
      blobs: await blobsIn(direct),
    }),
    secrets: () =>
      new Map([...[...cloud.minted].map((each, n) => [`minted ${n}`, each] as const), ...proofs, accountKey(direct)]),
    close: async () => {
      setLogLevel(undefined)
      tap.close()
      await made.close()
    },
  }
  return listening
}

async function callAdapters(app: App, caught: (thrown: unknown) => void): Promise<void> {
  const ports = app.ports(() => undefined)
  const of = app.targetNamed(target)!
  const { signal } = new AbortController()
  const call = { signal, keepLease: async () => undefined, metadata: oldMetadata() }
  const vault = ports.vault(of.vault)
  const holder = await ports.open(of)
  const tries = [
    () => holder.read(signal),
    () => holder.regenerate(of.slots[0]!, call),
    () => holder.swap?.(call, 'secondary'),
    () => holder.regenerateAll?.(call),
    () => vault.current(of.secrets[0].name, signal),
    () => vault.versions(of.secrets[0].name, 5, signal),
  ]
  for (const attempt of tries) {
    try {
      caught(await attempt())
    } catch (thrown) {
      caught(thrown)
    }
  }
}

/** As much of something thrown, or of an outcome, as any code could print. */
function everythingOf(thing: unknown): string {
  const { stack, cause } = Object(thing) as Partial<Error>
  const inspected = inspect(thing, { depth: 10, showHidden: true, getters: true, maxStringLength: null })
  return [inspected, JSON.stringify(thing), String(thing), stack, cause && everythingOf(cause)].join('\n')
}

/** Signatures show who we are for an hour; whoever reads one in a log needs no key. */
function keepProofs(cloud: Cloud): ReadonlyMap<string, string> {
  const proofs = new Map<string, string>()
  const { fetch } = cloud
  cloud.fetch = (request) => {
    const proof = /\b(?:sig|Signature)=([^&]+)/.exec(request.headers.get('authorization') ?? '')?.[1]
    if (proof) proofs.set(`signature ${proofs.size}`, decodeURIComponent(proof))
    return fetch(request)
  }
  return proofs
}

async function breakLeases(connectionString: string): Promise<void> {
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('rekey-leases')
  for await (const { name, properties } of container.listBlobsFlat()) {
    if (properties.leaseState === 'leased') await container.getBlobClient(name).getBlobLeaseClient().breakLease(0)
  }
}

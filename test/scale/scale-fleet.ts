// A large fleet in the simulated Azure, the app's real functions over it, and a queue in memory that follows the simulated clock.
// Azurite would follow the machine's.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvocationContext } from '@azure/functions'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import type { CognitiveAccount } from '../../simulator/services/cognitive-services.ts'
import { encodeMessage, encodePart, type StorageRequestQueue } from '../../src/azure/request-queue.ts'
import { type Compose, composer } from '../../src/compose.ts'
import type { Clock, Leases } from '../../src/engine/ports.ts'
import { rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { tick } from '../../src/functions/timer/tick.ts'
import { oldMetadata } from '../memory-lease.ts'
import { type ConnectedAzure, connect } from '../simulated-azure.ts'
import { noLeaseNotes, packedInMemory, recordsInMemory } from './stored-in-memory.ts'

/** The provider of every target: two slots, and a probe. */
export const usualProvider = 'cognitive-services'

export const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'
const subscriptionOf = (n: number) => `${String(11_111_111 + n)}-2222-4333-8444-555555555555`
const day = 86_400_000

export interface Member {
  readonly name: string
  readonly vault: string
  readonly account: CognitiveAccount
}

export interface LargeFleet {
  readonly cloud: Cloud
  readonly azure: ConnectedAzure
  readonly members: readonly Member[]
  readonly lines: readonly { readonly level: string; readonly text: string }[]
  /** What the last `schedule finished` says. */
  counts(): Readonly<Record<string, number>>
  /** One tick of the schedule, `interval` after the one before. */
  tick(interval: number): Promise<void>
  /** Takes the first message that shows itself until then, at its moment; undefined: there is none. */
  take(until: number): Readonly<Record<string, unknown>> | undefined
  /** Works through every message that shows itself until `until`, each at its moment; then it is `until`. Gives how many. */
  drain(until: number): Promise<number>
  depth(): number
  /** The app over this fleet. */
  readonly compose: Compose
  /** What the messages of the queue say. */
  messages(): readonly Readonly<Record<string, unknown>>[]
  close(): void
}

export interface LargeFleetOptions {
  readonly targets: number
  readonly vaults: number
  /** How old the current keys are, in days. */
  readonly age: number
  /** Secrets of other people in each vault. */
  readonly others?: number
  readonly seed?: number
  /** Over how many subscriptions. Default: one. */
  readonly subscriptions?: number
}

/** Accounts in one subscription, their keys in several vaults, published `age` days ago by us. */
export function largeFleet({ seed = 1, ...options }: LargeFleetOptions): LargeFleet {
  const cloud = simulatedCloud({ seed, clock: virtualClock(Date.UTC(2026, 2, 2, 10)) })
  const { vaults, others = 0 } = options
  const members = seedMembers(cloud, options)
  for (let vault = 0; vault < vaults; vault++) {
    for (let n = 0; n < others; n++) cloud.vault(`kv-${vault}.vault.azure.net`).set(`a-other-${n}`, 'other')
  }
  const folder = mkdtempSync(join(tmpdir(), 'rekey-scale-'))
  const file = join(folder, 'targets.json')
  writeFileSync(file, documentOf(members))
  const azure = connect(cloud)
  const queue = queueInMemory(cloud)
  const compose = composeWith(queue, cloud, azure, file)
  const lines: { level: string; text: string }[] = []
  const context = () =>
    new InvocationContext({ logHandler: (level, ...args) => lines.push({ level, text: args.map(String).join(' ') }) })

  const take = (until: number) => {
    const message = queue.next(until)
    if (message === undefined) return undefined
    cloud.clock.advance(Math.max(0, message.at - cloud.clock.now()))
    return JSON.parse(Buffer.from(message.text, 'base64').toString('utf8'))
  }

  return {
    ...{ cloud, azure, members, lines },
    counts: () => {
      const line = lines.findLast(({ text }) => text.startsWith('schedule finished '))
      return JSON.parse(line!.text.slice('schedule finished '.length))
    },
    tick: async (interval) => {
      const at = (ms: number) => new Date(cloud.clock.now() + ms).toISOString()
      const scheduleStatus = { last: at(-interval), next: at(interval), lastUpdated: at(-interval) }
      await tick({ isPastDue: false, schedule: { adjustForDST: true }, scheduleStatus }, context(), compose)
    },
    take,
    drain: async (until) => {
      let handled = 0
      for (let message = take(until); message; message = take(until)) {
        await rotateMessage(message, context(), compose)
        handled += 1
      }
      cloud.clock.advance(Math.max(0, until - cloud.clock.now()))
      return handled
    },
    depth: () => queue.messages.length,
    compose,
    messages: () => queue.messages.map(({ text }) => JSON.parse(Buffer.from(text, 'base64').toString('utf8'))),
    close: () => rmSync(folder, { recursive: true }),
  }
}

/** The accounts and their secrets alone, in a cloud that is there already. */
export function seedMembers(
  cloud: Cloud,
  { targets, vaults, age, subscriptions = 1 }: Pick<LargeFleetOptions, 'targets' | 'vaults' | 'age' | 'subscriptions'>,
): readonly Member[] {
  return Array.from({ length: targets }, (_, n) =>
    memberOf(cloud, n, {
      vault: `kv-${n % vaults}.vault.azure.net`,
      age,
      subscription: subscriptionOf(n % subscriptions),
    }),
  )
}

interface Seeded {
  readonly vault: string
  readonly age: number
  readonly subscription: string
}

function memberOf(cloud: Cloud, n: number, { vault, age, subscription }: Seeded): Member {
  const name = `t-${String(n).padStart(5, '0')}`
  const account = cloud.cognitiveServices.add({ subscription, name })
  const at = cloud.clock.now() - age * day
  const iso = new Date(at).toISOString()
  const stamps = { target: name, rotatedAt: iso, createdAfter: iso, announced: true, reason: 'due', actor: 'schedule' }
  cloud.vault(vault).set(`${name}-key`, account.keyOf('Key1'), {
    createdAt: at,
    expires: at + 90 * day,
    tags: {
      CredentialId: 'Key1',
      ProviderAddress: account.resourceId,
      ValidityPeriodDays: '90',
      rekey: JSON.stringify(stamps),
    },
  })
  return { name, vault, account }
}

/** targets.json of such a fleet. */
export function documentOf(
  members: readonly {
    readonly name: string
    readonly vault: string
    readonly account: { readonly resourceId: string }
  }[],
): string {
  const targets = members.map(({ name, vault, account: { resourceId } }) => ({
    ...{ name, provider: usualProvider, resource: resourceId, vault: `https://${vault}` },
    secrets: { [`${name}-key`]: 'key' },
  }))
  return JSON.stringify({ defaults: { rotateEvery: 'P60D', validFor: 'P90D', overlap: 'P2D' }, targets })
}

interface Message {
  readonly text: string
  /** When it shows itself. */
  readonly at: number
}

interface QueueInMemory extends StorageRequestQueue {
  readonly messages: readonly Message[]
  /** Takes the first message that shows itself until then. */
  next(until: number): Message | undefined
}

function queueInMemory(cloud: Cloud): QueueInMemory {
  let messages: Message[] = []
  return {
    get messages() {
      return messages
    },
    send: async (request, delay) => {
      messages.push({ text: encodeMessage(request), at: cloud.clock.now() + delay })
    },
    sendPart: async (part, delay) => {
      messages.push({ text: encodePart(part), at: cloud.clock.now() + delay })
    },
    depth: async () => messages.length,
    next: (until) => {
      const [first] = messages
      if (first === undefined) return undefined
      const soonest = messages.reduce((best, message) => (message.at < best.at ? message : best), first)
      if (soonest.at > until) return undefined
      messages = messages.filter((message) => message !== soonest)
      return soonest
    },
  }
}

/** The app as it is composed, but for storage: one worker at a time needs no leases but free ones. */
function composeWith(queue: StorageRequestQueue, cloud: Cloud, azure: ConnectedAzure, file: string): Compose {
  const now = () => cloud.clock.now()
  const clock: Clock = { now, monotonic: now, after: () => () => undefined }
  const env = {
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    ROTATION_TARGETS: file,
    ROTATION_TOPIC: cloud.topic(topicHost).endpoint,
  }
  const compose = composer({ env, clock, azure })
  const leases: Leases = {
    acquire: async () => ({ metadata: oldMetadata(), renew: async () => true, release: async () => undefined }),
  }
  const stored = { operations: recordsInMemory(), snapshot: packedInMemory(), leaseNotes: noLeaseNotes }
  return async () => {
    const composed = await compose()
    if ('problems' in composed) throw new Error(JSON.stringify(composed.problems))
    const { app } = composed
    // There is no storage account: nothing is remembered of targets.json beside the file.
    const recorded: typeof app.recorded = async () => app.configuration
    return { app: { ...app, ...stored, queue, recorded, ports: (log) => ({ ...app.ports(log), queue, leases }) } }
  }
}

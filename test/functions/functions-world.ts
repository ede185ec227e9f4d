// The app's functions against a simulated Azure and Azurite, with a clock of their own.
// Handlers are called as the runtime calls them: with an HttpRequest or a message, and an InvocationContext.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HttpRequest, type HttpResponseInit, InvocationContext, type Timer } from '@azure/functions'
import { BlobServiceClient, ContainerClient } from '@azure/storage-blob'
import { QueueClient } from '@azure/storage-queue'
import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import type { Telemetry } from '../../src/azure/telemetry.ts'
import { type Compose, composer } from '../../src/compose.ts'
import type { Clock } from '../../src/engine/ports.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { answer as answerRequest, type Handler } from '../../src/functions/http/answer-request.ts'
import { showOperation } from '../../src/functions/http/status/show-operation.ts'
import { rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { type TickLimits, tick } from '../../src/functions/timer/tick.ts'
import { type ConnectedAzure, connect } from '../simulated-azure.ts'
import { type Azurite, startAzurite } from '../started-azurite.ts'
import { wireSeed } from '../wire-seed.ts'
import { assertAsDescribed } from './openapi-contract.ts'

export const vaultHost = 'kv-prod.vault.azure.net'
export const vaultUrl = `https://${vaultHost}`
export const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'
const start = Date.UTC(2026, 2, 2, 10)
export const days = 86_400_000

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as a caller would, member by member
  readonly body: any
}

export interface Line {
  readonly level: string
  readonly text: string
}

export interface World {
  readonly cloud: Cloud
  readonly azure: ConnectedAzure
  readonly compose: Compose
  readonly env: Record<string, string>
  /** What functions logged. */
  readonly lines: Line[]
  readonly trouble: Trouble
  /** What was put into the queue, and how long it stays invisible. */
  readonly sends: Sent[]
  /** The calls to telemetry, in order: the name of the call, and its first argument. */
  readonly reported: [call: keyof Telemetry, what?: unknown, duration?: number][]
  /** The process ends, and another one starts, which knows nothing but what is stored. */
  restart(): void
  writeTargets(targets: readonly object[] | string): Promise<void>
  http(handler: Handler, call?: HttpCall): Promise<Answer>
  context(name?: string): InvocationContext
  tick(timer?: Partial<Timer['scheduleStatus']>, limits?: TickLimits): Promise<void>
  /** Takes the messages of a queue that are visible now, `rekey-requests` unless named, and gives what they say. */
  messages(queue?: string): Promise<Record<string, unknown>[]>
  /** How many messages of `rekey-requests`, or of the queue named, there are, invisible ones included. */
  depth(queue?: string): Promise<number>
  /** Deletes a blob of the app's state, as the loss of the storage account would. */
  forgetState(name: string): Promise<void>
  /** Deletes what is recorded of operations beside the tags, as the loss of the storage account would. */
  forgetOperations(): Promise<void>
  /** Handles the messages of lists, so that the queue holds the request of each of their targets. No other may be visible. */
  fanOut(): Promise<void>
  /** Works through all visible messages of the two queues of requests, as the runtime does. */
  drain(): Promise<void>
  close(): Promise<void>
}

interface Sent {
  readonly request: RotationRequest
  readonly delay: number
}

export interface Trouble {
  /** So many messages, and no more. */
  queueTakes: number
  queueAway: boolean
  /** Whether messages are neither taken nor refused. */
  queueStuck: boolean
  /** Vaults whose listing never answers. */
  silent: readonly string[]
  /** How many vaults were being listed at the same time, at most. */
  mostListings: number
}

export interface HttpCall {
  readonly path?: string
  readonly params?: Record<string, string>
  readonly query?: Record<string, string>
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

let azurite: Promise<Azurite> | undefined

/** Azurite is started once for a test file; each world has queues, records of operations and notes of leases emptied. */
export async function world(targets: readonly object[] | string = []): Promise<World> {
  azurite ??= startAzurite()
  const { connectionString } = await azurite
  const cloud = simulatedCloud({ seed: wireSeed, clock: virtualClock(start) })
  cloud.vault(vaultHost)
  const topic = cloud.topic(topicHost)
  const azure = connect(cloud)
  const folder = await mkdtemp(join(tmpdir(), 'rekey-functions-'))
  const file = join(folder, 'targets.json')
  const env: Record<string, string> = {
    AzureWebJobsStorage: connectionString,
    ROTATION_TARGETS: file,
    ROTATION_TOPIC: topic.endpoint,
  }
  const clock = clockOf(cloud)
  const trouble: Trouble = {
    queueTakes: Number.POSITIVE_INFINITY,
    queueAway: false,
    queueStuck: false,
    silent: [],
    mostListings: 0,
  }
  const [sends, reported]: [World['sends'], World['reported']] = [[], []]
  const startApp = () => overheard(withTrouble(composer({ env, clock, azure }), trouble), sends, reported)
  let compose = startApp()
  const lines: Line[] = []
  const queueNamed = (name: string) => new QueueClient(connectionString, name)
  const state = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('rekey-state')
  await state.createIfNotExists()
  for (const name of ['targets-last-valid.json', 'reminders.json', 'targets-snapshot.gz', 'tagged-secrets.json']) {
    await state.getBlockBlobClient(name).deleteIfExists()
  }
  await Promise.all([
    ...['rekey-requests', 'rekey-revocations', 'rekey-near-expiry', 'rekey-resource-events'].map((name) =>
      queueNamed(name).deleteIfExists(),
    ),
    ...['rekey-operations', 'rekey-leases'].map((name) => new ContainerClient(connectionString, name).deleteIfExists()),
  ])

  const made: World = {
    cloud,
    azure,
    get compose() {
      return compose
    },
    env,
    lines,
    trouble,
    sends,
    reported,
    restart: () => {
      compose = startApp()
    },
    writeTargets: (written) => writeFile(file, typeof written === 'string' ? written : documentOf(written)),
    context: (functionName = 'test') =>
      new InvocationContext({
        functionName,
        logHandler: (level, ...args) => lines.push({ level, text: args.map(String).join(' ') }),
      }),
    http: async (handler, call = {}) => {
      const request = requestOf(handler, call)
      const answer = answered(await answerRequest(handler, request, made.context('http'), compose))
      const { params = {}, body } = call
      const query = Object.fromEntries(new URL(request.url).searchParams)
      await assertAsDescribed(handler, { params, query, headers: call.headers ?? {}, body, answer })
      return answer
    },
    tick: (status = {}, limits = undefined) => tick(timerOf(status), made.context('schedule'), compose, limits),
    messages: (name = 'rekey-requests') => receive(queueNamed(name)),
    depth: async (name = 'rekey-requests') => {
      const queue = queueNamed(name)
      await queue.createIfNotExists()
      return (await queue.getProperties()).approximateMessagesCount ?? 0
    },
    forgetState: async (name) => void (await state.getBlockBlobClient(name).deleteIfExists()),
    forgetOperations: async () => {
      const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('rekey-operations')
      for await (const { name } of container.listBlobsFlat()) await container.deleteBlob(name)
    },
    fanOut: async () => {
      for (const message of await made.messages()) {
        if (!('list' in message)) throw new Error(`not a list: ${JSON.stringify(message)}`)
        await rotateMessage(message, made.context('rotate'), compose)
      }
    },
    drain: async () => {
      for (let round = 0; round < 5; round++) {
        const revokes = await made.messages('rekey-revocations')
        const messages = await made.messages()
        if (revokes.length + messages.length === 0) return
        for (const message of revokes) {
          await rotateMessage(message, made.context('revoke'), compose, 'rekey-revocations')
        }
        for (const message of messages) await rotateMessage(message, made.context('rotate'), compose)
      }
    },
    close: () => rm(folder, { recursive: true }),
  }
  await made.writeTargets(targets)
  return made
}

/** The body of a promote or a swap: the version that is current now, as GET /api/targets/{name} says. */
export function asOfNow(made: World, secret = 'vision-key'): { readonly from: string } {
  return { from: made.cloud.vault(vaultHost).versions(secret)[0]?.id ?? 'none' }
}

/** Asks for the operation that an answer of 202 names, as a client does: by the address in its header. */
export function follow(made: World, accepted: Answer): Promise<Answer> {
  const { pathname, searchParams } = new URL(accepted.headers['operation-location']!)
  return made.http(showOperation, {
    params: { id: pathname.split('/').at(-1)! },
    query: Object.fromEntries(searchParams),
  })
}

export async function closeStorage(): Promise<void> {
  await (await azurite)?.close()
}

// Of its own for each account: a lease that a lost answer leaves behind must not keep the next test waiting.
let groups = 0

/** The provider of the targets of most suites: two slots, and a probe. */
export const usualProvider = 'cognitive-services'

/** An account of that provider with its target; the target's name is the account's. */
export function account(cloud: Cloud, name: string, fields: object = {}) {
  groups += 1
  const handle = cloud.cognitiveServices.add({ name, group: `group-${groups}` })
  return {
    handle,
    target: {
      name,
      provider: usualProvider,
      resource: handle.resourceId,
      secrets: { [`${name}-key`]: 'key' },
      ...fields,
    },
  }
}

interface StoredOptions {
  readonly slot?: string
  readonly age?: number
  readonly stamps?: object
  readonly enabled?: boolean
}

/** A version as Rekey itself would have left it. */
export function stored(
  made: World,
  target: { readonly name: string; readonly resource: string },
  value: string,
  { slot = 'Key1', age = 0, stamps = {}, enabled = true }: StoredOptions = {},
): string {
  const { failed, ...rest } = stamps as { readonly failed?: object }
  const at = made.cloud.clock.now() - age
  const iso = new Date(at).toISOString()
  const ours = {
    target: target.name,
    rotatedAt: iso,
    createdAfter: iso,
    announced: true,
    reason: 'due',
    actor: 'schedule',
    ...rest,
  }
  return made.cloud.vault(vaultHost).set(`${target.name}-key`, value, {
    createdAt: at,
    expires: at + 90 * days,
    enabled,
    tags: {
      CredentialId: slot,
      ProviderAddress: target.resource,
      ValidityPeriodDays: '90',
      rekey: JSON.stringify(ours),
      ...(failed ? { 'rekey-failed': JSON.stringify(failed) } : {}),
    },
  })
}

/** The app, with places that fail as Azurite and the simulator never do. */
function withTrouble(bare: Compose, trouble: Trouble): Compose {
  let listings = 0
  async function* counted<Page>(pages: AsyncIterable<Page>): AsyncIterable<Page> {
    listings += 1
    trouble.mostListings = Math.max(trouble.mostListings, listings)
    try {
      yield* pages
    } finally {
      listings -= 1
    }
  }
  return async () => {
    const composed = await bare()
    if ('problems' in composed) return composed
    const { app } = composed
    const send: typeof app.queue.send = async (...message) => {
      trouble.queueTakes -= 1
      if (trouble.queueTakes < 0)
        throw new RekeyError('ServiceBusy', { message: 'POST message: 503', retryAfter: 1000 })
      if (trouble.queueStuck) await stuck(message[2])
      await app.queue.send(...message)
    }
    const sendPart: typeof app.queue.sendPart = async (...message) => {
      if (trouble.queueTakes <= 0)
        throw new RekeyError('ServiceBusy', { message: 'POST message: 503', retryAfter: 1000 })
      await app.queue.sendPart(...message)
    }
    const depth: typeof app.queue.depth = async (signal, name) => {
      if (trouble.queueAway) throw new RekeyError('ServiceUnavailable', { message: 'GET queue: no answer' })
      return await app.queue.depth(signal, name)
    }
    const vault: typeof app.vault = (url) => ({
      ...app.vault(url),
      listCurrent: (signal) =>
        trouble.silent.includes(url) ? silence(url, signal) : counted(app.vault(url).listCurrent(signal)),
    })
    const queue = { ...app.queue, send, sendPart, depth }
    return { app: { ...app, queue, vault, ports: (log) => ({ ...app.ports(log), queue }) } }
  }
}

/** The app, recording what it queues and what it reports to telemetry. */
function overheard(bare: Compose, sends: World['sends'], reported: World['reported']): Compose {
  return async () => {
    const composed = await bare()
    if ('problems' in composed) return composed
    const { app } = composed
    const send: typeof app.queue.send = async (request, delay, signal) => {
      await app.queue.send(request, delay, signal)
      sends.push({ request, delay })
    }
    const queue = { ...app.queue, send }
    const telemetry: Telemetry = {
      rotation: (outcome, duration) => void reported.push(['rotation', outcome, duration]),
      overdue: (targets) => void reported.push(['overdue', targets]),
      seen: (targets) => void reported.push(['seen', targets]),
      removed: (removal) => void reported.push(['removed', removal]),
      flush: async () => void reported.push(['flush']),
    }
    return { app: { ...app, queue, telemetry, ports: (log) => ({ ...app.ports(log), queue }) } }
  }
}

async function stuck(signal: AbortSignal | undefined): Promise<never> {
  await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  throw new RekeyError('ServiceUnavailable', { message: 'POST message: no answer' })
}

/** No answer until the caller gives up; as with the real adapter, that is an error of ours, also where it had given up before. */
async function* silence(url: string, signal: AbortSignal): AsyncIterable<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  throw new RekeyError('ServiceUnavailable', { message: `GET secrets in ${url}: no answer` })
}

function documentOf(targets: readonly object[]): string {
  const defaults = { vault: vaultUrl, rotateEvery: 'P60D', validFor: 'P90D', overlap: 'P2D' }
  return JSON.stringify({ defaults, targets })
}

function clockOf(cloud: Cloud): Clock {
  return {
    now: () => cloud.clock.now(),
    monotonic: () => cloud.clock.now(),
    after: (delay, callBack) => {
      const timer = setTimeout(callBack, delay)
      return () => clearTimeout(timer)
    },
  }
}

/** As a client sends it: a command is a POST that says it is JSON, and the query is in the address. */
function requestOf(
  handler: Handler,
  { path = '/', params = {}, query = {}, headers = {}, body }: HttpCall,
): HttpRequest {
  const sent =
    body instanceof Uint8Array ? { bytes: body } : { string: typeof body === 'string' ? body : JSON.stringify(body) }
  const url = new URL(`http://127.0.0.1/api${path}`)
  for (const [name, value] of Object.entries(query)) if (!url.searchParams.has(name)) url.searchParams.set(name, value)
  return new HttpRequest({
    method: 'command' in handler ? 'POST' : 'GET',
    url: url.href,
    params,
    query,
    headers: { ...('command' in handler ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: sent }),
  })
}

function answered({ status = 200, headers = {}, body }: HttpResponseInit): Answer {
  const sent = headers as Record<string, string>
  const isJson = /[/+]json/.test(sent['content-type'] ?? '')
  return { status, headers: sent, body: isJson ? JSON.parse(String(body)) : String(body) }
}

function timerOf(status: Partial<Timer['scheduleStatus']>): Timer {
  const none = '0001-01-01T00:00:00+00:00'
  return {
    isPastDue: false,
    schedule: { adjustForDST: true },
    scheduleStatus: { last: none, next: none, lastUpdated: none, ...status },
  }
}

async function receive(queue: QueueClient): Promise<Record<string, unknown>[]> {
  await queue.createIfNotExists()
  const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32, visibilityTimeout: 3600 })
  await Promise.all(receivedMessageItems.map(({ messageId, popReceipt }) => queue.deleteMessage(messageId, popReceipt)))
  return receivedMessageItems.map(({ messageText }) => JSON.parse(Buffer.from(messageText, 'base64').toString('utf8')))
}

/** A world with the account `vision`, its Key1 stored for `age` milliseconds. */
export async function visionWorld(fields: object = {}, age: number = 10 * days) {
  const made = await world()
  const { handle, target } = account(made.cloud, 'vision', fields)
  await made.writeTargets([target])
  const version = stored(made, target, handle.keyOf('Key1'), { age })
  return { made, handle, target, version }
}

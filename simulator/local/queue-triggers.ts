// Queue triggers: polling, visibility, dequeue count, poison queue.

import { setTimeout } from 'node:timers/promises'
import { type QueueClient, QueueServiceClient, type ReceivedMessageItem } from '@azure/storage-queue'
import type { HostSettings } from './host-settings.ts'
import type { Invoker } from './invoker.ts'
import type { Log, RegisteredFunction, TypedData } from './worker.ts'

export interface QueueListener {
  readonly name: string
  /** Runs the function with a text, as `POST /admin/functions/<name>` does. */
  fire(text: string): Promise<void>
  /** Stops receiving messages. */
  stop(): Promise<void>
}

/** How long a message is hidden while its function runs; renewed half way. As in Azure. */
const processing = 600
/** Milliseconds between polls of an empty queue. Azure waits up to a minute, which is too long for a demo. */
const shortestWait = 50
const longestWait = 500

/**
 * Feeds one function from one queue: `batchSize` messages at a time, more as soon as no more than `newBatchThreshold` are
 * left. A message whose function throws is shown again after `visibilityTimeout`; at `maxDequeueCount` it moves to
 * `<queue>-poison`. A message that is not base64, where host.json requires base64, moves there at once.
 */
export async function listenToQueue(
  fn: RegisteredFunction,
  connectionString: string,
  settings: HostSettings['queues'],
  invoker: Invoker,
  log: Log,
): Promise<QueueListener> {
  const name = String(fn.trigger['queueName'])
  const service = QueueServiceClient.fromConnectionString(connectionString)
  const queue = service.getQueueClient(name)
  await queue.createIfNotExists()
  const listening: Listening = {
    fn,
    name,
    queue,
    poison: service.getQueueClient(`${name}-poison`),
    settings,
    invoker,
    log,
  }
  const stopping = new AbortController()
  const polling = poll(listening, stopping.signal)
  log('information', 'Host.Triggers.Queue', `Listening to queue '${name}' for '${fn.name}'.`)
  return {
    name: fn.name,
    fire: async (text) => {
      const reason = 'This function was programmatically called via the host APIs.'
      await invoker.invoke(fn.name, reason, { trigger: { string: text }, triggerMetadata: {} })
    },
    stop: async () => {
      stopping.abort()
      await polling
    },
  }
}

/** One queue, and the function that it feeds. */
interface Listening {
  readonly fn: RegisteredFunction
  readonly name: string
  readonly queue: QueueClient
  readonly poison: QueueClient
  readonly settings: HostSettings['queues']
  readonly invoker: Invoker
  readonly log: Log
}

/** Receives messages until `stopping` ends. What is being handled then goes on. */
async function poll(listening: Listening, stopping: AbortSignal): Promise<void> {
  const { batchSize, newBatchThreshold } = listening.settings
  const inHand = new Set<Promise<void>>()
  let wait = shortestWait
  while (!stopping.aborted) {
    const received = inHand.size <= newBatchThreshold ? await receive(listening, batchSize) : []
    for (const message of received) {
      const handling = handle(listening, message).catch((error: unknown) => report(listening, error))
      inHand.add(handling)
      void handling.then(() => inHand.delete(handling))
    }
    wait = received.length > 0 ? shortestWait : Math.min(wait * 1.5, longestWait)
    await setTimeout(inHand.size > 0 ? shortestWait : wait, undefined, { signal: stopping }).catch(() => undefined)
  }
}

async function receive(listening: Listening, most: number): Promise<readonly ReceivedMessageItem[]> {
  try {
    const asked = { numberOfMessages: Math.min(most, 32), visibilityTimeout: processing }
    return (await listening.queue.receiveMessages(asked)).receivedMessageItems
  } catch (error) {
    report(listening, error)
    return []
  }
}

/** Runs the function with one message, and then deletes it, shows it again, or moves it to the poison queue. */
async function handle(listening: Listening, message: ReceivedMessageItem): Promise<void> {
  const { fn, name, queue, settings, invoker, log } = listening
  const text = settings.base64 ? decode(message.messageText) : message.messageText
  if (text === undefined) {
    const what = `Message ${message.messageId} in '${name}' is not base64. It moves to the poison queue.`
    log('error', 'Host.Triggers.Queue', what)
    return bury(listening, message)
  }
  const hidden = keptHidden(listening, message)
  try {
    const reason = `New queue message detected on '${name}'.`
    await invoker.invoke(fn.name, reason, { trigger: { string: text }, triggerMetadata: metadataOf(message, text) })
    await queue.deleteMessage(message.messageId, hidden.end())
  } catch {
    // The run has logged the function's own error.
    const receipt = hidden.end()
    if (message.dequeueCount >= settings.maxDequeueCount) {
      return bury(listening, { ...message, popReceipt: receipt })
    }
    await queue.updateMessage(message.messageId, receipt, undefined, Math.ceil(settings.visibilityTimeout / 1000))
  }
}

/** Keeps a message hidden while its function runs. `end` stops that, and returns the receipt that is valid now. */
function keptHidden(listening: Listening, { messageId, popReceipt }: ReceivedMessageItem): { end(): string } {
  let receipt = popReceipt
  const renew = async () => {
    const answer = await listening.queue.updateMessage(messageId, receipt, undefined, processing)
    receipt = answer.popReceipt ?? receipt
  }
  const renewal = setInterval(
    () => void renew().catch((error: unknown) => report(listening, error, 'a message cannot be hidden for longer: ')),
    processing * 500,
  )
  return {
    end: () => {
      clearInterval(renewal)
      return receipt
    },
  }
}

async function bury({ name, queue, poison, settings, log }: Listening, message: ReceivedMessageItem): Promise<void> {
  await poison.createIfNotExists()
  await poison.sendMessage(message.messageText)
  await queue.deleteMessage(message.messageId, message.popReceipt)
  const what = `Message has reached MaxDequeueCount of ${settings.maxDequeueCount}. Moving message to queue '${name}-poison'.`
  log('error', 'Host.Triggers.Queue', what)
}

function report({ name, log }: Listening, error: unknown, what = ''): void {
  const why = error instanceof Error ? error.message : String(error)
  log('error', 'Host.Triggers.Queue', `Queue '${name}': ${what}${why}`)
}

/** What the function sees as `context.triggerMetadata`; names as the host sends them. */
function metadataOf(message: ReceivedMessageItem, text: string): Record<string, TypedData> {
  return {
    Id: { string: message.messageId },
    PopReceipt: { string: message.popReceipt },
    DequeueCount: { int: message.dequeueCount },
    InsertionTime: { json: JSON.stringify(message.insertedOn) },
    ExpirationTime: { json: JSON.stringify(message.expiresOn) },
    NextVisibleTime: { json: JSON.stringify(message.nextVisibleOn) },
    QueueTrigger: { string: text },
  }
}

function decode(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === text.trim().replace(/=+$/, '')
    ? bytes.toString('utf8')
    : undefined
}

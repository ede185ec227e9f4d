// Queue triggers: polling, visibility, dequeue count, poison queue.

import { setTimeout } from 'node:timers/promises'
import { QueueServiceClient, type ReceivedMessageItem } from '@azure/storage-queue'
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
  const poison = service.getQueueClient(`${name}-poison`)
  await queue.createIfNotExists()
  const stopping = new AbortController()
  const inHand = new Set<Promise<void>>()

  async function handle(message: ReceivedMessageItem): Promise<void> {
    const text = settings.base64 ? decode(message.messageText) : message.messageText
    if (text === undefined) {
      log(
        'error',
        'Host.Triggers.Queue',
        `Message ${message.messageId} in '${name}' is not base64. It moves to the poison queue.`,
      )
      return bury(message)
    }
    const receipt = { current: message.popReceipt }
    const renew = async () => {
      const answer = await queue.updateMessage(message.messageId, receipt.current, undefined, processing)
      receipt.current = answer.popReceipt ?? receipt.current
    }
    const renewal = setInterval(
      () => void renew().catch((error: unknown) => report(error, 'a message cannot be hidden for longer: ')),
      processing * 500,
    )
    try {
      const reason = `New queue message detected on '${name}'.`
      await invoker.invoke(fn.name, reason, { trigger: { string: text }, triggerMetadata: metadataOf(message, text) })
      clearInterval(renewal)
      await queue.deleteMessage(message.messageId, receipt.current)
    } catch {
      // The run has logged the function's own error.
      clearInterval(renewal)
      if (message.dequeueCount >= settings.maxDequeueCount) return bury({ ...message, popReceipt: receipt.current })
      await queue.updateMessage(
        message.messageId,
        receipt.current,
        undefined,
        Math.ceil(settings.visibilityTimeout / 1000),
      )
    }
  }

  async function bury(message: ReceivedMessageItem): Promise<void> {
    await poison.createIfNotExists()
    await poison.sendMessage(message.messageText)
    await queue.deleteMessage(message.messageId, message.popReceipt)
    log(
      'error',
      'Host.Triggers.Queue',
      `Message has reached MaxDequeueCount of ${settings.maxDequeueCount}. Moving message to queue '${name}-poison'.`,
    )
  }

  function report(error: unknown, what = ''): void {
    const why = error instanceof Error ? error.message : String(error)
    log('error', 'Host.Triggers.Queue', `Queue '${name}': ${what}${why}`)
  }

  async function receive(most: number): Promise<readonly ReceivedMessageItem[]> {
    try {
      const asked = { numberOfMessages: Math.min(most, 32), visibilityTimeout: processing }
      return (await queue.receiveMessages(asked)).receivedMessageItems
    } catch (error) {
      report(error)
      return []
    }
  }

  async function poll(): Promise<void> {
    let wait = shortestWait
    while (!stopping.signal.aborted) {
      const free = inHand.size <= settings.newBatchThreshold ? settings.batchSize : 0
      const received = free === 0 ? [] : await receive(free)
      for (const message of received) {
        const work = handle(message).catch((error: unknown) => report(error))
        inHand.add(work)
        void work.then(() => inHand.delete(work))
      }
      wait = received.length > 0 ? shortestWait : Math.min(wait * 1.5, longestWait)
      await setTimeout(inHand.size > 0 ? shortestWait : wait, undefined, { signal: stopping.signal }).catch(
        () => undefined,
      )
    }
  }

  const polling = poll()
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

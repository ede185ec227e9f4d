// A queue of the local host, with a function of the test's own behind it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueueServiceClient } from '@azure/storage-queue'
import { listenToQueue } from '../../simulator/local/queue-triggers.ts'
import { startAzurite } from '../../simulator/local/run-azurite.ts'

test('a message whose invisibility cannot be renewed is reported in the log, and the host continues', async (t) => {
  const azurite = await startAzurite()
  t.after(() => azurite.close())
  t.mock.timers.enable({ apis: ['setInterval'] })
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('work')
  const [started, reported, over] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<string>(),
    Promise.withResolvers<void>(),
  ]
  const finish = Promise.withResolvers<never>()
  const invoke = () => {
    started.resolve()
    return finish.promise
  }
  const listener = await listenToQueue(
    { name: 'work', trigger: { queueName: 'work' } } as never,
    azurite.connectionString,
    { batchSize: 1, newBatchThreshold: 0, maxDequeueCount: 5, visibilityTimeout: 0, base64: false },
    { invoke, running: () => 0, idle: async () => undefined },
    (level, _category, line) => {
      if (level !== 'error') return
      if (/cannot be hidden/.test(line)) reported.resolve(line)
      else over.resolve()
    },
  )
  await queue.sendMessage('one')
  await started.promise
  await queue.clearMessages()

  t.mock.timers.tick(300_000)

  assert.match(await reported.promise, /^Queue 'work': .*cannot be hidden for longer/)
  finish.reject(new Error('over'))
  // That the message is gone: until then the storage must not go away, or its client tries again for a quarter of a minute.
  await over.promise
  await listener.stop()
})

test('a message moves to the poison queue with its last try, and not before', async (t) => {
  const azurite = await startAzurite()
  t.after(() => azurite.close())
  const queues = QueueServiceClient.fromConnectionString(azurite.connectionString)
  const buried = Promise.withResolvers<void>()
  let tries = 0
  const invoke = async () => {
    tries += 1
    throw new Error('again')
  }
  const listener = await listenToQueue(
    { name: 'work', trigger: { queueName: 'work' } } as never,
    azurite.connectionString,
    { batchSize: 1, newBatchThreshold: 0, maxDequeueCount: 3, visibilityTimeout: 0, base64: false },
    { invoke, running: () => 0, idle: async () => undefined },
    (level) => level === 'error' && buried.resolve(),
  )
  await queues.getQueueClient('work').sendMessage('one')

  await buried.promise
  await listener.stop()

  const { receivedMessageItems } = await queues.getQueueClient('work-poison').receiveMessages()
  assert.equal(tries, 3)
  assert.deepEqual(
    receivedMessageItems.map(({ messageText }) => messageText),
    ['one'],
  )
})

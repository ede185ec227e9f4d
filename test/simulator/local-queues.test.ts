// Room: the tests. A queue of the local host, with a function of the test's own behind it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueueServiceClient } from '@azure/storage-queue'
import { startAzurite } from '../../simulator/local/azurite.ts'
import { listenToQueue } from '../../simulator/local/queues.ts'

test('a message whose hiding cannot be renewed is told in the log, and the host goes on', async (t) => {
  const azurite = await startAzurite()
  t.after(() => azurite.close())
  t.mock.timers.enable({ apis: ['setInterval'] })
  const queue = QueueServiceClient.fromConnectionString(azurite.connectionString).getQueueClient('work')
  const [started, told] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
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
    (level, _category, line) => level === 'error' && told.resolve(line),
  )
  await queue.sendMessage('one')
  await started.promise
  await queue.clearMessages()

  t.mock.timers.tick(300_000)

  assert.match(await told.promise, /^Queue 'work': .*cannot be hidden for longer/)
  finish.reject(new Error('over'))
  await listener.stop()
})

// What the local host leaves behind: no timer of a function that has ended, or was stopped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInvoker } from '../../simulator/local/invoker.ts'
import { startTimer } from '../../simulator/local/timer-triggers.ts'

test('a timer that is stopped while its function runs does not come again', async (t) => {
  const running = Promise.withResolvers<object>()
  const invoker = { invoke: () => running.promise, running: () => 1, idle: async () => undefined }
  const trigger = { type: 'timerTrigger', schedule: '0 */15 * * * *', runOnStartup: true }
  const timer = startTimer({ name: 'tick', trigger, bindings: {} }, undefined, invoker, () => undefined)
  const armed = t.mock.method(globalThis, 'setTimeout')

  timer.stop()
  running.resolve({})
  await new Promise(setImmediate)

  assert.equal(armed.mock.callCount(), 0)
})

test('the time limit of a function ends with the function', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const app = { functions: [], invoke: async () => ({}), terminate: async () => undefined }
  const invoker = createInvoker(app, 60_000, () => undefined)
  const before = timers()

  await invoker.invoke('tick', 'because', { trigger: {} })

  assert.equal(timers(), before)
})

// Runs functions as the Functions host does: log lines around each run, the time limit, a count of runs.

import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import type { App, Invocation, InvocationResult, Log } from './worker.ts'

export interface Invoker {
  /** Runs one function. Throws what the function throws, or a time-out. `reason` is the trigger's reason, for the log. */
  invoke(name: string, reason: string, invocation: Invocation): Promise<InvocationResult>
  /** The number of functions that are running. */
  running(): number
  /** Resolves when no function is running, or after `limit` milliseconds. */
  idle(limit: number): Promise<void>
}

/**
 * `limit` in milliseconds: `functionTimeout` of host.json. Azure restarts the worker after a time-out; here it only
 * ends the wait.
 */
export function createInvoker(app: App, limit: number, log: Log): Invoker {
  const runs = new Set<Promise<unknown>>()

  async function invoke(name: string, reason: string, invocation: Invocation): Promise<InvocationResult> {
    const id = randomUUID()
    const category = `Function.${name}`
    const start = performance.now()
    const executed = (how: string) =>
      `Executed 'Functions.${name}' (${how}, Id=${id}, Duration=${Math.round(performance.now() - start)}ms)`
    log('information', category, `Executing 'Functions.${name}' (Reason='${reason}', Id=${id})`, id)
    try {
      const result = await withinLimit(app.invoke(name, id, invocation), limit)
      log('information', category, executed('Succeeded'), id)
      return result
    } catch (error) {
      // The whole error with its causes: Azure logs what a function throws, too.
      log('error', category, `${executed('Failed')} ${inspect(error)}`, id)
      throw error
    }
  }

  return {
    invoke: (name, reason, invocation) => {
      const run = invoke(name, reason, invocation)
      runs.add(run)
      const done = () => runs.delete(run)
      run.then(done, done)
      return run
    },
    running: () => runs.size,
    idle: async (most) => {
      await Promise.race([Promise.allSettled([...runs]), new Promise((resolve) => setTimeout(resolve, most).unref())])
    },
  }
}

async function withinLimit<T>(work: Promise<T>, limit: number): Promise<T> {
  if (limit === Number.POSITIVE_INFINITY) return work
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Timeout value of ${limit / 1000} s was exceeded by the function.`)),
      limit,
    )
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}

// Runs what costs a test most in a thread of its own. `node:test` follows every promise of the thread that it runs in, which makes
// code of many promises take half as long again.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

// biome-ignore lint/suspicious/noExplicitAny: what a function takes is for its caller to know.
type Functions = Readonly<Record<string, (...args: any[]) => unknown>>

/** What the thread is asked for. */
export interface Asked {
  readonly name: string
  readonly args: readonly unknown[]
}

/** What it answers: what was thrown is copied as message and stack. */
export type Answered = { readonly result: unknown } | { readonly message: string; readonly stack: string }

export interface OwnThread<Module extends Functions> {
  /**
   * Calls a function that the module exports. Arguments and result are copied, so they can hold no function; what it throws
   * is thrown here, as an Error with the same message and stack. One call at a time.
   */
  run<Name extends keyof Module & string>(
    name: Name,
    ...args: Parameters<Module[Name]>
  ): Promise<Awaited<ReturnType<Module[Name]>>>
}

/** A thread with the module at this address, started by the first call. It ends with the process. */
export function ownThread<Module extends Functions>(module: URL): OwnThread<Module> {
  let worker: Worker | undefined
  return {
    async run(name, ...args) {
      worker ??= new Worker(new URL('own-thread-worker.ts', import.meta.url), { workerData: module.href })
      // A thread that waits for its next call keeps no process alive.
      worker.ref()
      const asked: Asked = { name, args }
      worker.postMessage(asked)
      const [answered] = (await once(worker, 'message').catch((died: unknown) => {
        worker = undefined
        throw died
      })) as [Answered]
      worker.unref()
      if ('result' in answered) return answered.result as never
      throw Object.assign(new Error(answered.message), { stack: answered.stack })
    },
  }
}

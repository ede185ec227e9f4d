// The other side of own-thread.ts: calls the functions of one module, one after the other, and answers with what they return or throw.

import { inspect } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import type { Answered, Asked } from './own-thread.ts'

const module = import(workerData as string)

parentPort!.on('message', async ({ name, args }: Asked) => {
  parentPort!.postMessage(await answerTo(name, args))
})

async function answerTo(name: string, args: readonly unknown[]): Promise<Answered> {
  try {
    return { result: await (await module)[name](...args) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(inspect(thrown))
    return { message: error.message, stack: error.stack ?? error.message }
  }
}

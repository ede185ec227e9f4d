// Numbers effects, notifies listeners of them, and simulates a crash at one of them.

import type { Trace } from './call.ts'
import type { FaultSet } from './fault-set.ts'
import type { Call, Reply } from './service-operations.ts'

export interface Effect {
  /** From 1, over the life of the cloud. */
  readonly n: number
  readonly operation: string
  /** Of its request. */
  readonly path: string
  readonly when: 'before' | 'after'
}

export interface Effects {
  listen(listener: (effect: Effect) => void): () => void
  /**
   * Runs an authenticated call, with faults before and after. Records in the trace what happened, whatever the answer is. `succeeded` is
   * called once the operation has run.
   */
  perform(call: Call, trace: Trace, succeeded: () => void): Promise<Reply>
}

/** The effects of one cloud, from 1 on. */
export function numberedEffects(faults: FaultSet): Effects {
  const listeners = new Set<(effect: Effect) => void>()
  let effects = 0

  function announce(effect: Effect): void {
    for (const listener of listeners) listener(effect)
    faults.atEffect(effect.n, effect.when)
  }

  async function perform(call: Call, trace: Trace, succeeded: () => void): Promise<Reply> {
    const { operation } = call
    const before = faults.before(call)
    if (before) {
      trace.fault = before.fault
      return before.reply
    }
    const n = operation.effect ? ++effects : 0
    if (n > 0) announce({ n, operation: operation.operation, path: call.url.pathname, when: 'before' })
    const reply = await operation.handle(call)
    if (reply.status < 300) succeeded()
    if (n > 0 && reply.status < 300) {
      trace.effect = true
      announce({ n, operation: operation.operation, path: call.url.pathname, when: 'after' })
    }
    await faults.delay(call)
    const after = faults.after(call, reply)
    if (after) trace.fault = after.fault
    return after?.reply ?? reply
  }

  return {
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    perform,
  }
}

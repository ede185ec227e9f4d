// Reports how many Resource Manager calls a subscription has left, as a header of every answer. It refuses nothing: the
// fault `throttle` does.

import type { SimulatedClock } from './clock.ts'
import type { Call } from './service-operations.ts'

/** Token buckets: their capacity, and how many tokens return each second. */
const buckets = {
  reads: { holds: 250, perSecond: 25 },
  writes: { holds: 200, perSecond: 10 },
  deletes: { holds: 200, perSecond: 10 },
} as const

/** The limit of a whole subscription is this many times the limit of one caller. */
const together = 15

export interface Allowance {
  /** `x-ms-ratelimit-remaining-subscription-…`; nothing for other services, or without a subscription in the path. */
  headers(call: Call): Record<string, string>
}

/** What each subscription has left, by the cloud's clock. */
export function armAllowance(clock: SimulatedClock): Allowance {
  const spent = new Map<string, { calls: number; at: number }>()
  return {
    headers(call) {
      const subscription = /^\/subscriptions\/([^/]+)/i.exec(call.url.pathname)?.[1]?.toLowerCase()
      if (call.operation.host !== 'resource-manager' || subscription === undefined) return {}
      const kind = call.method === 'GET' ? 'reads' : call.method === 'DELETE' ? 'deletes' : 'writes'
      const { holds, perSecond } = buckets[kind]
      const key = `${subscription} ${kind}`
      const now = clock.now()
      const last = spent.get(key) ?? { calls: 0, at: now }
      const calls = Math.max(0, last.calls - ((now - last.at) / 1000) * perSecond) + 1
      spent.set(key, { calls, at: now })
      const left = (most: number) => String(Math.max(0, Math.floor(most - calls)))
      return {
        [`x-ms-ratelimit-remaining-subscription-${kind}`]: left(holds),
        [`x-ms-ratelimit-remaining-subscription-global-${kind}`]: left(holds * together),
      }
    },
  }
}

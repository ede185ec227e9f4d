// Faults on the wire: tokens, dates, pages, network rules, and data planes that are unavailable as a whole.

import type { Token } from './caller-identity.ts'
import { dialectOf } from './dialects.ts'
import { type Aim, type Fault, gatewayCaches, striker, untrackableOperations } from './faults.ts'
import type { HostGroup } from './hosts.ts'
import { type Call, ConnectionLost, type Reply, type RetryAfterForm } from './service-operations.ts'
import { dataPlaneGroups } from './services/index.ts'

/** Listings begin with `pages` pages without an item, each with a link to the next. */
export function emptyFirstPages(options: Aim & { pages?: number } = {}): Fault {
  return {
    name: 'emptyFirstPages',
    install(dice) {
      const strikes = striker(options, dice)
      return { emptyPages: (call) => (strikes(call) ? (options.pages ?? 1) : 0) }
    },
  }
}

/** A random call is throttled before it does anything. `form` as in `throttle`. */
export function busy(options: Aim & { seconds?: number; form?: RetryAfterForm } = {}): Fault {
  return {
    name: 'busy',
    install(dice) {
      const strikes = striker(options, dice)
      return { before: (call) => (strikes(call) ? call.throttled(options.seconds ?? 1, options.form) : undefined) }
    },
  }
}

/** Entra tokens expire `ms` of the cloud's time after their first use, whatever expiry their holder was given. */
export function expiringTokens(options: { ms: number }): Fault {
  return {
    name: 'expiringTokens',
    install(_dice, clock) {
      const firstUse = new WeakMap<Token, number>()
      return {
        refuses(token) {
          const since = firstUse.get(token) ?? clock.now()
          firstUse.set(token, since)
          return clock.now() - since > options.ms ? 'expired' : undefined
        },
      }
    },
  }
}

/**
 * A token is revoked at a call: 401 with a claims challenge from then on, until its holder sends another one. The random choice affects
 * only tokens that were valid before.
 */
export function claimsChallenges(options: Aim = {}): Fault {
  return {
    name: 'claimsChallenges',
    install(dice) {
      const strikes = striker(options, dice)
      const revoked = new WeakSet<Token>()
      const used = new WeakSet<Token>()
      return {
        refuses(token, call) {
          const revocable = options.probability === undefined || used.has(token)
          used.add(token)
          if (revocable && !revoked.has(token) && strikes(call)) revoked.add(token)
          return revoked.has(token) ? 'claims' : undefined
        },
      }
    },
  }
}

/** Event Grid delivers at least once: up to `ms` late, so in another order too, and some events twice. */
export function unorderedEvents(options: { ms: number; duplicates?: number }): Fault {
  return {
    name: 'unorderedEvents',
    install(dice) {
      const late = () => Math.floor(dice.next() * options.ms)
      return { deliveries: () => (dice.next() < (options.duplicates ?? 0.2) ? [late(), late()] : [late()]) }
    },
  }
}

/** The clocks of Azure's gateways are ahead by `ms`; behind, if negative. `Date` and dates of `Retry-After` follow them. */
export function skewedDate(options: { ms: number }): Fault {
  return { name: 'skewedDate', install: () => ({ dateSkew: options.ms }) }
}

/**
 * Conditions of an ordinary day in the real Azure, which a caller should not notice: empty pages, tokens that expire or are revoked, a clock
 * that differs from ours, operations that it may start but not follow. No call fails permanently, and none is carried out twice.
 */
export function ordinaryDay(): readonly Fault[] {
  return [
    emptyFirstPages({ probability: 0.5, operation: 'key-vault' }),
    claimsChallenges({ probability: 0.03 }),
    expiringTokens({ ms: 7 * 60_000 }),
    skewedDate({ ms: -100_000 }),
    slowSoftDelete({ ms: 8000 }),
    untrackableOperations(),
  ]
}

/**
 * Added on a bad day: throttling with a date or without Retry-After, gateways that cache keys, and data planes that are
 * unavailable as a whole. `probes`: whether keys can be tried out here; where they cannot, no client can wait for a gateway.
 * `outages`: how many of the calls to a data plane start one.
 */
export function badDay({ probes, outages = 0.03 }: { probes: boolean; outages?: number }): readonly Fault[] {
  return [
    ...ordinaryDay(),
    busy({ operation: 'key-vault', probability: 0.02 }),
    busy({ probability: 0.01, seconds: 2, form: 'date' }),
    dataPlaneOutages({ probability: outages, ms: 90_000 }),
    ...(probes ? [gatewayCaches({ ms: 120_000 })] : []),
  ]
}

/** Deleting, recovering and purging a secret takes `ms`. */
export function slowSoftDelete(options: { ms: number }): Fault {
  return { name: 'slowSoftDelete', install: () => ({ softDeleteTime: options.ms }) }
}

/**
 * Outages that hit every call to a service's data plane, whoever makes it. Each call to a service that is up starts one with
 * `probability`; it lasts `ms`. `service`: of this one alone. `how`: no connection, or 503.
 */
export function dataPlaneOutages(options: {
  ms: number
  probability?: number
  times?: number
  service?: HostGroup
  how?: 'reset' | '503'
}): Fault {
  const services = options.service === undefined ? dataPlaneGroups : [options.service]
  return {
    name: 'dataPlaneOutages',
    install(dice, clock) {
      const aim = {
        probability: options.probability ?? 1,
        ...(options.times === undefined ? {} : { times: options.times }),
      }
      const starts = striker(aim, dice)
      const awayUntil = new Map<HostGroup, number>()
      return {
        gate(call) {
          const { host } = call.operation
          if (!services.includes(host)) return undefined
          if (clock.now() >= (awayUntil.get(host) ?? 0)) {
            if (!starts(call)) return undefined
            awayUntil.set(host, clock.now() + options.ms)
          }
          return away(call, options.how ?? 'reset')
        },
      }
    },
  }
}

function away(call: Call, how: 'reset' | '503'): Reply {
  if (how === '503') return call.refuse(503, 'ServiceUnavailable', 'The service is unavailable.').reply
  throw new ConnectionLost(`${call.host} does not answer`, { fault: 'dataPlaneOutages' })
}

/** A network rule denies the caller these hosts, whatever its key or token: a hub answers 401, others 403. */
export function networkRule(options: { service: HostGroup }): Fault {
  return {
    name: 'networkRule',
    install: () => ({
      gate(call) {
        if (call.operation.host !== options.service) return undefined
        const denied = dialectOf(options.service).networkDenied
        const { status, code, message, inner } = denied ?? { status: 403, code: 'Forbidden', message: 'Forbidden' }
        return call.refuse(status, code, message, inner ? { inner } : {}).reply
      },
    }),
  }
}

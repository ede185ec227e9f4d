// The faults of the simulated Azure, by name: seeded and repeatable.
// A fault is a description. `install` makes its state for one cloud, so one description can serve many runs.

import type { Token } from './caller-identity.ts'
import type { SimulatedClock } from './clock.ts'
import type { Dice } from './dice.ts'
import { type Call, ConnectionLost, CrashSignal, type Reply, type RetryAfterForm } from './service-operations.ts'

export interface FaultHooks {
  /** After authentication, before the operation runs: an answer in place of the service's, or a throw. */
  before?(call: Call): Reply | undefined
  /** Before authentication: an answer in place of the service's, or a throw. */
  gate?(call: Call): Reply | undefined
  /** Whether this call's Entra token is refused although it is valid. */
  refuses?(token: Token, call: Call): 'expired' | 'claims' | undefined
  /** Pages without an item that this listing begins with. */
  emptyPages?(call: Call): number
  /** Milliseconds that deleting, recovering or purging a secret takes. */
  readonly softDeleteTime?: number
  /** Milliseconds by which the clock of all answers is ahead. */
  readonly dateSkew?: number
  /** After the operation has run: another answer, or a throw. */
  after?(call: Call, reply: Reply): Reply | undefined
  /** Milliseconds by which this call's eventually consistent reads lag. */
  staleness?(call: Call): number
  /** Milliseconds until this call is answered. */
  latency?(call: Call): number
  /** Milliseconds until a new key is accepted. */
  readonly propagation?: number
  /** Milliseconds for which a replaced key is still accepted. */
  readonly lingering?: number
  /** What the gateways in front of the data planes have cached about a key, and for how many milliseconds. */
  keyCache?(key: string): { readonly refusesNew: number; readonly acceptsOld: number }
  /** Milliseconds that a long-running operation takes. */
  readonly operationTime?: number
  /** Whether the long-running operation that starts now will fail. */
  operationFails?(): boolean
  /** An action that every caller lacks while the fault lasts. */
  readonly denies?: string
  /** After how many milliseconds an event is delivered, once for each. */
  deliveries?(): readonly number[]
  /** At the n-th effect: throws CrashSignal. */
  atEffect?(n: number, when: 'before' | 'after'): void
}

export interface Fault {
  readonly name: string
  install(dice: Dice, clock: SimulatedClock): FaultHooks
}

export interface Aim {
  /** The operation's name, or the service's (`key-vault`); absent: all but tokens and telemetry. */
  readonly operation?: string
  readonly times?: number
  readonly probability?: number
}

/**
 * Token bucket per host (ARM: per subscription). 429 with the given Retry-After, or the time until a token is there, in the
 * form given; by default in the service's own, which for Key Vault is none. `capacity` tokens at first, `perSecond` more each
 * second of the cloud's clock. `beforeAuthentication`: throttles every caller, whatever its key.
 */
export function throttle(options: {
  capacity: number
  perSecond: number
  retryAfter?: number
  form?: RetryAfterForm
  beforeAuthentication?: boolean
  operation?: string
}): Fault {
  const form = options.form ?? (options.retryAfter === undefined ? undefined : 'seconds')
  return {
    name: 'throttle',
    install(_dice, clock) {
      const buckets = new Map<string, { tokens: number; at: number }>()
      const strike = (call: Call): Reply | undefined => {
        if (!aimedAt(call, options.operation)) return undefined
        const now = clock.now()
        const bucket = buckets.get(bucketOf(call)) ?? { tokens: options.capacity, at: now }
        bucket.tokens = Math.min(options.capacity, bucket.tokens + ((now - bucket.at) / 1000) * options.perSecond)
        bucket.at = now
        buckets.set(bucketOf(call), bucket)
        if (bucket.tokens >= 1) {
          bucket.tokens -= 1
          return undefined
        }
        const wait = options.retryAfter ?? Math.max(1, Math.ceil((1 - bucket.tokens) / options.perSecond))
        return call.throttled(wait, form)
      }
      return options.beforeAuthentication ? { gate: strike } : { before: strike }
    },
  }
}

/**
 * 5xx before or after the effect. `body`: in the service's shape, empty (a gateway's, which trips the Key Vault
 * client), or HTML.
 */
export function serverError(
  options: Aim & { when: 'before' | 'after'; status?: number; body?: 'json' | 'empty' | 'html' },
): Fault {
  return {
    name: 'serverError',
    install(dice) {
      const strikes = striker(options, dice)
      const strike = (call: Call) =>
        strikes(call) ? failure(call, options.status ?? 500, options.body ?? 'json') : undefined
      return options.when === 'before' ? { before: strike } : { after: strike }
    },
  }
}

/** The effect happens and the answer is lost: the connection is reset, or stays silent. */
export function lostAnswer(options: Aim & { how?: 'reset' | 'silence' } = {}): Fault {
  return {
    name: 'lostAnswer',
    install(dice) {
      const strikes = striker(options, dice)
      return {
        after(call) {
          if (!strikes(call)) return undefined
          throw new ConnectionLost(`the answer of ${call.operation.operation} was lost`, {
            how: options.how,
            fault: 'lostAnswer',
          })
        },
      }
    },
  }
}

/** The effect happens and the body is truncated: the JSON does not parse, but the part before the cut, keys included, arrives. */
export function truncatedBody(options: Aim = {}): Fault {
  return {
    name: 'truncatedBody',
    install(dice) {
      const strikes = striker(options, dice)
      return {
        after(call, reply) {
          const text = reply.text ?? (reply.body === undefined ? '' : JSON.stringify(reply.body))
          if (text === '' || !strikes(call)) return undefined
          const { body: _body, ...rest } = reply
          return {
            ...rest,
            headers: { 'content-type': 'application/json; charset=utf-8', ...reply.headers },
            text: text.slice(0, Math.max(1, text.length - 2)),
          }
        },
      }
    },
  }
}

/** Listings show the state of `ms` ago. */
export function staleReads(options: { ms: number; probability?: number; operation?: string }): Fault {
  return {
    name: 'staleReads',
    install(dice) {
      const strikes = striker(options, dice)
      return { staleness: (call) => (strikes(call) ? options.ms : 0) }
    },
  }
}

/** Every answer takes `ms`, long enough for the calls of two clients to overlap. */
export function slowAnswers(options: { ms: number; probability?: number; operation?: string }): Fault {
  return {
    name: 'slowAnswers',
    install(dice) {
      const strikes = striker(options, dice)
      return { latency: (call) => (strikes(call) ? options.ms : 0) }
    },
  }
}

/** The data planes accept a new key only `ms` after it was made. */
export function slowPropagation(options: { ms: number }): Fault {
  return { name: 'slowPropagation', install: () => ({ propagation: options.ms }) }
}

/** The data planes accept a replaced key for another `ms`. */
export function lingeringKeys(options: { ms: number }): Fault {
  return { name: 'lingeringKeys', install: () => ({ lingering: options.ms }) }
}

/**
 * Gateways cache keys: each new key is refused, and each replaced one accepted, for a time of its own of at most `ms`.
 * Every simulated data plane asks its `KeySlots`, so every one of them honours this.
 */
export function gatewayCaches(options: { ms: number }): Fault {
  return {
    name: 'gatewayCaches',
    install: (dice) => ({
      keyCache: (key) => {
        // By key rather than by call: the number of calls changes nothing.
        const roll = dice.fork(key)
        return { refusesNew: Math.floor(roll.next() * options.ms), acceptsOld: Math.floor(roll.next() * options.ms) }
      },
    }),
  }
}

/** Long-running operations take `ms` instead of their service's usual time. */
export function slowOperation(options: { ms: number }): Fault {
  return { name: 'slowOperation', install: () => ({ operationTime: options.ms }) }
}

/**
 * Reading the status of an operation is refused, although its resource can be read: the right to follow it is held at
 * another scope, or belongs only to the caller that started it.
 */
export function untrackableOperations(options: { status?: 401 | 403 | 404 } = {}): Fault {
  return {
    name: 'untrackableOperations',
    install: () => ({
      before(call) {
        if (!call.operation.tracks) return undefined
        const { status = 403 } = options
        const code = { 401: 'Unauthorized', 403: 'AuthorizationFailed', 404: 'NotFound' }[status]
        return call.refuse(status, code, 'The status of this operation is not for you.').reply
      },
    }),
  }
}

/** Long-running operations that start while the fault lasts end as failed: the first `times` of them, or all. */
export function failingOperation(options: { times?: number } = {}): Fault {
  return {
    name: 'failingOperation',
    install() {
      let left = options.times ?? Number.POSITIVE_INFINITY
      return { operationFails: () => left-- > 0 }
    },
  }
}

/** The identity lacks an action (wildcards allowed), whatever was granted to it. */
export function missingPermission(options: { action: string }): Fault {
  return { name: 'missingPermission', install: () => ({ denies: options.action }) }
}

/**
 * The calling process crashes before or after the n-th effect (from 1). It gets no answer, then or later, until it is
 * revived.
 */
export function crash(options: { atEffect: number; when: 'before' | 'after' }): Fault {
  return {
    name: 'crash',
    install: () => ({
      atEffect(n, when) {
        if (n === options.atEffect && when === options.when) throw new CrashSignal(`crashed ${when} effect ${n}`)
      },
    }),
  }
}

/** Whether a fault strikes a call: as often, as likely and where its aim says. */
export function striker(aim: Aim, dice: Dice): (call: Call) => boolean {
  let left = aim.times ?? Number.POSITIVE_INFINITY
  return (call) => {
    if (left <= 0 || !aimedAt(call, aim.operation)) return false
    if (aim.probability !== undefined && dice.next() >= aim.probability) return false
    left -= 1
    return true
  }
}

function aimedAt(call: Call, operation: string | undefined): boolean {
  const name = call.operation.operation
  if (operation === undefined) return !call.operation.infrastructure
  return name === operation || name.startsWith(`${operation}/`)
}

function bucketOf(call: Call): string {
  return `${call.host}/${call.params['subscription'] ?? ''}`
}

function failure(call: Call, status: number, body: 'json' | 'empty' | 'html'): Reply {
  if (body === 'empty') return { status, headers: { 'content-type': 'application/json' }, text: '' }
  if (body === 'html') {
    return {
      status,
      headers: { 'content-type': 'text/html' },
      text: '<html><body><h1>Service Unavailable</h1></body></html>',
    }
  }
  return call.refuse(status, 'InternalServerError', 'The server encountered an error.').reply
}

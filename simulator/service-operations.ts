// What a simulated service is made of: operations with a host, a path and a handler.

import type { Token } from './caller-identity.ts'
import type { HostGroup } from './hosts.ts'

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly text?: string
}

export interface Operation {
  /** Stable name in the history and for faults: `<service>/regenerateKey`. */
  readonly operation: string
  /**
   * The operation changes something when it succeeds. Effects are numbered; listeners are notified of them; processes
   * crash at them.
   */
  readonly effect?: true
  /**
   * The action an Entra token's identity must hold. Absent: `authenticate` or the handler checks the caller
   * (`authorize`, a key, a signature).
   */
  readonly permission?: string
  /** The scope of `permission`, if it is not the path: the ARM id of a data plane's resource. */
  scope?(call: Call): string
  /** Checks a caller that may authenticate by something other than a token. Runs before faults, and before the effect counts. */
  authenticate?(call: Call): void
  /**
   * Actions that `authenticate` or the handler may check: for the permissions API, which separates control actions from
   * data actions.
   */
  readonly checks?: readonly string[]
  readonly host: HostGroup
  readonly method: string
  /** `/accounts/:account/listKeys`; `*` at the end takes the rest. Matched without case. */
  readonly path: string
  /** The api-versions it accepts; absent: none is required. */
  readonly apiVersions?: readonly string[]
  /** The operation reports the status of a long-running operation. */
  readonly tracks?: true
  /** Tokens, telemetry and the like: faults skip it unless they name it. */
  readonly infrastructure?: true
  handle(call: Call): Reply | Promise<Reply>
}

export interface Call {
  readonly operation: Operation
  readonly method: string
  readonly url: URL
  readonly host: string
  /** From the path pattern, percent-decoded, in the case of the request. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Headers
  /** The body as text; `bytes` where it is not text. */
  readonly text: string
  readonly bytes: Buffer
  /** The caller's Entra token, if a valid one for this host was sent. */
  readonly token: Token | undefined
  readonly requestId: string
  /** The cloud's clock, live. */
  readonly now: number
  /** The moment that eventually consistent reads show: now, unless a fault makes them stale. */
  readonly readAt: number
  /** How many pages without an item a listing begins with: none, unless a fault sets it. */
  readonly emptyPages: number
  /** Milliseconds that deleting, recovering or purging takes. */
  readonly softDeleteTime: number
  /** The body as JSON, or a 400 in the service's shape. */
  json(): unknown
  /** Checks that a token was sent, is for this host, and may do `action`; otherwise 401 or 403 in the service's shape. */
  authorize(action: string, scope?: string): Token
  /** The same without an action: whoever has a token for this host may call. */
  authenticated(): Token
  /** 429 in the service's shape. Without a form: the service's own, which for Key Vault is no Retry-After. */
  throttled(seconds: number, form?: RetryAfterForm): Reply
  /** An error answer in the service's shape, to be thrown. */
  refuse(
    status: number,
    code: string,
    message: string,
    more?: { inner?: string; headers?: Record<string, string> },
  ): Refusal
}

/** Thrown by a handler to answer with this reply. */
export class Refusal extends Error {
  readonly reply: Reply

  constructor(reply: Reply, message: string) {
    super(message)
    this.name = 'Refusal'
    this.reply = reply
  }
}

/** The caller gets no answer: the connection is reset, or stays silent. */
export class ConnectionLost extends Error {
  readonly how: 'reset' | 'silence'
  /** The fault that caused it, for the history. */
  readonly fault: string | undefined

  constructor(message: string, more: { how?: 'reset' | 'silence' | undefined; fault?: string } = {}) {
    super(message)
    this.name = 'ConnectionLost'
    this.how = more.how ?? 'reset'
    this.fault = more.fault
  }
}

/** The calling process crashes here: thrown by effect listeners and the crash fault. Its later calls get no answer either. */
export class CrashSignal extends ConnectionLost {
  constructor(message = 'the calling process crashed') {
    super(message, { fault: 'crash' })
    this.name = 'CrashSignal'
  }
}

/** How a throttled caller is asked to wait: whole seconds, the moment to retry, or no Retry-After. */
export type RetryAfterForm = 'seconds' | 'date' | 'none'

export interface Match {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
}

export interface Router {
  add(operation: Operation): void
  match(host: HostGroup, method: string, path: string): Match | undefined
}

/** Finds the operation for a host, method and path. First registered, first served: put the wildcards last. */
export function operationRouter(): Router {
  const routes = new Map<string, { pattern: RegExp; operation: Operation }[]>()
  return {
    add(operation) {
      const key = `${operation.method} ${operation.host}`
      const known = routes.get(key) ?? []
      known.push({ pattern: pathPattern(operation.path), operation })
      routes.set(key, known)
    },
    match(host, method, path) {
      for (const { pattern, operation } of routes.get(`${method} ${host}`) ?? []) {
        const found = pattern.exec(path)
        if (found) return { operation, params: decoded(found.groups ?? {}) }
      }
      return undefined
    },
  }
}

function pathPattern(path: string): RegExp {
  const source = path
    .split('/')
    .map((part) => {
      if (part === '*') return '(?<rest>.*)'
      if (part.startsWith(':')) return `(?<${part.slice(1)}>[^/]+)`
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('/')
  // Azure accepts a trailing slash; the Key Vault client sends one when it reads the current version.
  return new RegExp(`^${source}/?$`, 'i')
}

function decoded(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
}

// Room: the simulator. One call through the cloud: recognise it, apply faults, do it, remember it. May import simulator files only.

import type { SimulatedClock } from './clock.ts'
import { dialects } from './dialects.ts'
import { type Dice, seededDice } from './dice.ts'
import { type Fault, type FaultSet, faultSet } from './faults.ts'
import { type HostGroup, hostGroup } from './hosts.ts'
import { type Identity, simulatedIdentity, type Token } from './identity.ts'
import type { ServiceHandle } from './keys.ts'
import {
  type Call,
  ConnectionLost,
  CrashSignal,
  type Operation,
  operationRouter,
  Refusal,
  type Reply,
} from './operations.ts'

export interface HistoryEntry {
  readonly at: number
  readonly host: string
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly operation: string
  /** The last action that was checked, if any was. */
  readonly permission?: string
  /** 0: no answer was given. */
  readonly status: number
  /** The operation's effect happened, whatever was answered. */
  readonly effect?: true
  readonly fault?: string
  readonly caller?: string
}

export interface Effect {
  /** From 1, over the life of the cloud. */
  readonly n: number
  readonly operation: string
  readonly when: 'before' | 'after'
}

/** What a simulated service is built on. */
export interface Kernel {
  readonly clock: SimulatedClock
  readonly dice: Dice
  readonly faults: FaultSet
  readonly identity: Identity
  /** Every secret ever made: keys, tokens, topic keys. */
  readonly minted: Set<string>
  readonly operations: readonly Operation[]
  /** Resources with keys, by lower-case id, for the management API. */
  readonly resources: ReadonlyMap<string, ServiceHandle>
  /** Adds a handle to `resources`. Answers it. */
  adopt<Handle extends ServiceHandle>(handle: Handle): Handle
  register(operations: readonly Operation[]): void
}

export interface RunningKernel extends Kernel {
  readonly history: readonly HistoryEntry[]
  fetch(request: Request): Promise<Response>
  onEffect(listener: (effect: Effect) => void): () => void
  /** Answers the calls of a crashed caller again; of all, if none is named. */
  revive(caller?: string): void
}

export interface KernelOptions {
  readonly seed: number
  readonly clock: SimulatedClock
  readonly faults: readonly Fault[]
}

/** A cloud without services. */
export function startKernel({ seed, clock, faults: initialFaults }: KernelOptions): RunningKernel {
  const dice = seededDice(seed)
  const ids = dice.fork('request ids')
  const minted = new Set<string>()
  const operations: Operation[] = []
  const router = operationRouter()
  const faults = faultSet(dice.fork('faults'), clock)
  const roles = (): string[] => {
    const asked = operations.flatMap(({ host, permission }) => (host === 'graph' && permission ? [permission] : []))
    return [...new Set(asked)]
  }
  const identity = simulatedIdentity(dice.fork('identity'), minted, faults.denied, roles)
  const history: HistoryEntry[] = []
  const listeners = new Set<(effect: Effect) => void>()
  const dead = new Set<string>()
  const resources = new Map<string, ServiceHandle>()
  let effects = 0
  for (const fault of initialFaults) faults.add(fault)

  function announce(effect: Effect): void {
    for (const listener of listeners) listener(effect)
    faults.atEffect(effect.n, effect.when)
  }

  async function perform(call: Call, trace: Trace): Promise<Reply> {
    const { operation } = call
    const before = faults.before(call)
    if (before) {
      trace.fault = before.fault
      return before.reply
    }
    const n = operation.effect ? ++effects : 0
    if (n > 0) announce({ n, operation: operation.operation, when: 'before' })
    const reply = await operation.handle(call)
    if (n > 0 && reply.status < 300) {
      trace.effect = true
      announce({ n, operation: operation.operation, when: 'after' })
    }
    const after = faults.after(call, reply)
    if (after) trace.fault = after.fault
    return after?.reply ?? reply
  }

  async function answer(call: Call, trace: Trace): Promise<Reply> {
    try {
      checkVersion(call)
      const { operation } = call
      if (operation.permission) call.authorize(operation.permission, operation.scope?.(call))
      operation.authenticate?.(call)
      return await perform(call, trace)
    } catch (error) {
      if (error instanceof Refusal) return error.reply
      throw error
    }
  }

  async function fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const at = clock.now()
    const group = hostGroup(url.hostname)
    if (!group) throw new ConnectionLost(`${url.hostname} is no host of the simulated Azure`)
    const match = router.match(group, request.method, url.pathname)
    const operation = match?.operation ?? unknownOperation(group, request.method)
    const bytes = request.body ? Buffer.from(await request.arrayBuffer()) : noBytes
    const requestId = ids.uuid()
    const token = bearer(request.headers, identity)
    const trace: Trace = {}
    const call = makeCall({
      url,
      group,
      operation,
      params: match?.params ?? {},
      request,
      bytes,
      requestId,
      token,
      trace,
    })
    let status = 0
    try {
      if (token && dead.has(token.caller)) throw new ConnectionLost(`${token.caller} has crashed`, { fault: 'crash' })
      const reply = await answer(call, trace)
      status = reply.status
      return toResponse(reply, call, group)
    } catch (error) {
      if (error instanceof CrashSignal && token) dead.add(token.caller)
      if (error instanceof ConnectionLost && error.fault) trace.fault = error.fault
      throw error
    } finally {
      history.push({
        at,
        host: url.hostname,
        method: request.method,
        path: url.pathname,
        operation: operation.operation,
        status,
        ...trace,
        ...(token ? { caller: token.caller } : {}),
      })
    }
  }

  function makeCall(parts: CallParts): Call {
    const { url, group, operation, request, token, trace, requestId } = parts
    const dialect = dialects[group]
    const now = clock.now()
    const context = { requestId, now, host: url.hostname, tenant: identity.tenant }
    let readAt: number | undefined
    const call: Call = {
      operation,
      method: request.method,
      url,
      host: url.hostname,
      params: parts.params,
      query: url.searchParams,
      headers: request.headers,
      bytes: parts.bytes,
      get text() {
        return parts.bytes.toString('utf8')
      },
      token,
      requestId,
      get now() {
        return clock.now()
      },
      get readAt() {
        // Asked once a call: probability is rolled per read.
        readAt ??= clock.now() - faults.staleness(call)
        return readAt
      },
      json() {
        try {
          return JSON.parse(call.text)
        } catch {
          throw call.refuse(400, 'BadRequest', 'The request content was invalid and could not be deserialized.')
        }
      },
      authorize(action, scope = url.pathname) {
        trace.permission = action
        if (!token || !dialect.audiences.includes(token.audience) || token.expiresAt < Date.now()) {
          const { code, message } = dialect.unauthenticated
          throw call.refuse(401, code, message, { headers: dialect.challenge?.(context) ?? {} })
        }
        if (!identity.may(action, scope)) {
          const { code, message, inner } = dialect.forbidden(action, scope, token.objectId)
          throw call.refuse(403, code, message, inner ? { inner } : {})
        }
        return token
      },
      throttled(seconds) {
        const { code, message } = dialect.throttled
        return call.refuse(429, code, message, { headers: { 'retry-after': String(seconds) } }).reply
      },
      refuse(status, code, message, more = {}) {
        const error = { status, code, message, ...(more.inner ? { inner: more.inner } : {}) }
        const body = dialect.body(error, context)
        return new Refusal({ status, body, ...(more.headers ? { headers: more.headers } : {}) }, message)
      },
    }
    return call
  }

  return {
    clock,
    dice,
    faults,
    identity,
    minted,
    operations,
    resources,
    adopt(handle) {
      resources.set(handle.resourceId.toLowerCase(), handle)
      return handle
    },
    history,
    fetch,
    register(more) {
      operations.push(...more)
      for (const operation of more) router.add(operation)
    },
    onEffect(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    revive(caller) {
      if (caller === undefined) dead.clear()
      else dead.delete(caller)
    },
  }
}

/** What a call adds to its history entry on the way. */
interface Trace {
  permission?: string
  effect?: true
  fault?: string
}

interface CallParts {
  readonly url: URL
  readonly group: HostGroup
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
  readonly request: Request
  readonly bytes: Buffer
  readonly requestId: string
  readonly token: Token | undefined
  readonly trace: Trace
}

const noBytes = Buffer.alloc(0)

function bearer(headers: Headers, identity: Identity): Token | undefined {
  const value = headers.get('authorization')
  return value?.startsWith('Bearer ') ? identity.find(value.slice('Bearer '.length)) : undefined
}

function checkVersion(call: Call): void {
  const known = call.operation.apiVersions
  if (!known) return
  const asked = call.query.get('api-version')
  if (!asked) {
    throw call.refuse(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    )
  }
  if (!known.includes(asked)) {
    throw call.refuse(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${asked}' is invalid. The supported versions are '${known.join(',')}'.`,
    )
  }
}

function unknownOperation(host: HostGroup, method: string): Operation {
  return {
    operation: 'unknown',
    host,
    method,
    path: '*',
    handle: (call) => call.refuse(404, 'NotFound', `No operation ${method} ${call.url.pathname}.`).reply,
  }
}

function toResponse(reply: Reply, call: Call, group: HostGroup): Response {
  const headers: Record<string, string> = {
    ...dialects[group].headers({ requestId: call.requestId, now: call.now, host: call.host, tenant: '' }),
    ...(reply.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...reply.headers,
  }
  const text = reply.text ?? (reply.body === undefined ? null : JSON.stringify(reply.body))
  return new Response(reply.status === 204 ? null : text, { status: reply.status, headers })
}

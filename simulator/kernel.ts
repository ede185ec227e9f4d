// Takes one call through the simulated cloud: find its operation, apply faults, run it, record it.

import { type Allowance, armAllowance } from './allowance.ts'
import { bearer, checkVersion, makeCall, type Trace, toResponse, unknownOperation } from './call.ts'
import { type Identity, simulatedIdentity } from './caller-identity.ts'
import type { SimulatedClock } from './clock.ts'
import { type Dice, seededDice } from './dice.ts'
import { type Effect, type Effects, numberedEffects } from './effects.ts'
import { type FaultSet, faultSet } from './fault-set.ts'
import type { Fault } from './faults.ts'
import { hostGroup } from './hosts.ts'
import type { ServiceHandle } from './keys.ts'
import {
  type Call,
  ConnectionLost,
  CrashSignal,
  type Operation,
  operationRouter,
  Refusal,
  type Reply,
  type Router,
} from './service-operations.ts'
import { changeOf, portalUser, type ResourceEvents, resourceEvents } from './subscription-events.ts'

export interface HistoryEntry {
  readonly at: number
  readonly host: string
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly operation: string
  /** The last action that was checked, if any was. */
  readonly permission?: string
  /** 0: the caller got no answer. */
  readonly status: number
  /** The operation's effect happened, whatever the answer was. */
  readonly effect?: true
  readonly fault?: string
  readonly caller?: string
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
  /** When the handle with this lower-case id was added, in milliseconds since 1970. */
  addedAt(id: string): number | undefined
  /** Adds a handle to `resources` and returns it. */
  adopt<Handle extends ServiceHandle>(handle: Handle): Handle
  register(operations: readonly Operation[]): void
}

export interface RunningKernel extends Kernel {
  readonly history: readonly HistoryEntry[]
  readonly resourceEvents: ResourceEvents
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

const noBytes = Buffer.alloc(0)

/** A cloud without services. */
export function startKernel({ seed, clock, faults: initialFaults }: KernelOptions): RunningKernel {
  const dice = seededDice(seed)
  const minted = new Set<string>()
  const operations: Operation[] = []
  const router = operationRouter()
  const ids = dice.fork('request ids')
  const faults = faultSet(dice.fork('faults'), clock)
  const identity = simulatedIdentity(dice.fork('identity'), minted, faults.denied, () => graphRolesIn(operations))
  const history: HistoryEntry[] = []
  const crashed = new Set<string>()
  const resources = new Map<string, ServiceHandle>()
  const added = new Map<string, number>()
  const effects = numberedEffects(faults)
  const events = resourceEvents(dice.fork('resource events'), clock, faults, identity.tenant)
  for (const fault of initialFaults) faults.add(fault)
  const around = {
    clock,
    faults,
    identity,
    effects,
    events,
    router,
    ids,
    history,
    crashed,
    allowance: armAllowance(clock),
  }
  return {
    clock,
    dice,
    faults,
    identity,
    minted,
    operations,
    resources,
    addedAt: (id) => added.get(id),
    adopt(handle) {
      const id = handle.resourceId.toLowerCase()
      resources.set(id, handle)
      if (!added.has(id)) added.set(id, clock.now())
      return raisingEvents(handle, operations, events)
    },
    history,
    resourceEvents: events,
    fetch: (request) => respond(request, around),
    register(more) {
      operations.push(...more)
      for (const operation of more) router.add(operation)
    },
    onEffect: effects.listen,
    revive(caller) {
      if (caller === undefined) crashed.clear()
      else crashed.delete(caller)
    },
  }
}

/** The application permissions of Microsoft Graph that some operation checks. */
function graphRolesIn(operations: readonly Operation[]): readonly string[] {
  const asked = operations.flatMap(({ host, permission }) => (host === 'graph' && permission ? [permission] : []))
  return [...new Set(asked)]
}

/** The same handle; what it does by hand raises the event of a user of the portal, where Resource Manager sees it. */
function raisingEvents<Handle extends ServiceHandle>(
  handle: Handle,
  operations: readonly Operation[],
  events: ResourceEvents,
): Handle {
  const byHand = handle.regenerateByHand.bind(handle)
  handle.regenerateByHand = (slot) => {
    byHand(slot)
    const change = portalChange(handle.resourceId, operations)
    if (change !== undefined) events.raise({ ...change, by: portalUser })
  }
  return handle
}

/** The operation that makes a key of this resource anew: an action of its own, or the write of the resource above it. */
function portalChange(id: string, operations: readonly Operation[]) {
  const parts = id.split('/')
  // The read-only keys of an account have a last part of their own, without a name: the operation is the account's.
  const resource = parts.length % 2 === 1 ? id : parts.slice(0, -1).join('/')
  const [namespace, ...names] = resource.split('/').slice(6)
  if (!id.startsWith('/subscriptions/') || namespace === undefined) return undefined
  const kinds = names.filter((_, place) => place % 2 === 0)
  const rightOf = (depth: number, verb: RegExp) => {
    const type = `${[namespace, ...kinds.slice(0, depth)].join('/')}/`.toLowerCase()
    const found = operations.find(({ permission = '' }) => {
      return permission.toLowerCase().startsWith(type) && verb.test(permission.slice(type.length))
    })
    return found?.permission
  }
  const regenerate = rightOf(kinds.length, /^regenerate[^/]*\/action$/i)
  const operation = regenerate ?? rightOf(1, /^write$/i)
  if (operation === undefined) return undefined
  return { operation, resource: regenerate === undefined ? parts.slice(0, 9).join('/') : resource }
}

/** What every call to one cloud shares. */
interface CallSurroundings {
  readonly clock: SimulatedClock
  readonly faults: FaultSet
  readonly identity: Identity
  readonly effects: Effects
  readonly events: ResourceEvents
  readonly router: Router
  readonly ids: Dice
  readonly allowance: Allowance
  readonly history: HistoryEntry[]
  /** Callers that get no answer any more. */
  readonly crashed: Set<string>
}

/** Answers one request, and adds it to the history, whatever happens. Throws ConnectionLost where there is no answer. */
async function respond(request: Request, around: CallSurroundings): Promise<Response> {
  const { clock, faults, crashed } = around
  const at = clock.now()
  const { call, group, trace } = await callFor(request, around)
  const { token, operation } = call
  let status = 0
  try {
    if (token && crashed.has(token.caller)) throw new ConnectionLost(`${token.caller} has crashed`, { fault: 'crash' })
    const reply = await replyTo(call, trace, around)
    status = reply.status
    const date = new Date(clock.now() + faults.dateSkew()).toUTCString()
    return toResponse(reply, call, group, { date, ...around.allowance.headers(call) })
  } catch (error) {
    if (error instanceof CrashSignal && token) crashed.add(token.caller)
    if (error instanceof ConnectionLost && error.fault) trace.fault = error.fault
    throw error
  } finally {
    const { method, url } = call
    const what = { at, host: url.hostname, method, path: url.pathname, operation: operation.operation, status }
    around.history.push({ ...what, ...trace, ...(token ? { caller: token.caller } : {}) })
  }
}

async function callFor(request: Request, { router, ids, clock, faults, identity }: CallSurroundings) {
  const url = new URL(request.url)
  const group = hostGroup(url.hostname)
  if (!group)
    throw new ConnectionLost(
      `${url.hostname} is not a host of the simulated Azure: no service in simulator/services has it, nor simulator/hosts.ts`,
    )
  const match = router.match(group, request.method, url.pathname)
  const operation = match?.operation ?? unknownOperation(group, request.method)
  const bytes = request.body ? Buffer.from(await request.arrayBuffer()) : noBytes
  const requestId = ids.uuid()
  const token = bearer(request.headers, identity)
  const trace: Trace = {}
  const params = match?.params ?? {}
  const parts = { url, group, operation, params, request, bytes, requestId, token, trace }
  return { call: makeCall(parts, { clock, faults, identity }), group, trace }
}

async function replyTo(call: Call, trace: Trace, { faults, effects, events }: CallSurroundings): Promise<Reply> {
  try {
    const early = faults.gate(call)
    if (early) {
      trace.fault = early.fault
      return early.reply
    }
    checkVersion(call)
    const { operation } = call
    if (operation.permission) call.authorize(operation.permission, operation.scope?.(call))
    operation.authenticate?.(call)
    return await effects.perform(call, trace, () => {
      const change = changeOf(call)
      if (change !== undefined) events.raise(change)
    })
  } catch (error) {
    if (error instanceof Refusal) return error.reply
    throw error
  }
}

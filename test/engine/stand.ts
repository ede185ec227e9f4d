// One target on a stand: nothing happens by chance, every fault is written in the test.

import type { RekeyEvent } from '../../src/engine/events.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { KeyHolder, Lease, Ports, Vault, Verdict } from '../../src/engine/ports.ts'
import { preview } from '../../src/engine/preview.ts'
import { type ReconcileOptions, reconcile } from '../../src/engine/reconcile.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import type { StoredSecret } from '../../src/engine/stored-secret.ts'
import {
  type Duration,
  days,
  hours,
  type Instant,
  leadOf,
  minutes,
  seconds,
  type Target,
} from '../../src/engine/target.ts'
import { metadataInMemory } from '../memory-lease.ts'
import type { CallKind } from './world/call-faults.ts'
import { asRing, keyIn, type Service, service } from './world/service.ts'
import { virtualTime } from './world/time.ts'
import { type MemoryVault, memoryVault } from './world/world-vault.ts'

export interface Fault {
  readonly on: CallKind
  /** Which of them, counted from when the fault was set: 1 is the next. */
  readonly nth?: number
  /**
   * `dropped`: never lands, no answer. `lost`: lands, no answer. `late`: no answer, lands when `landLate()` says so.
   * `crash before`, `crash after`: the worker is gone. `paused`: something else happens before it lands. `refused`, `throttled`: the service refuses, lastingly or for a time.
   */
  readonly what: 'dropped' | 'lost' | 'late' | 'crash before' | 'crash after' | 'paused' | 'refused' | 'throttled'
  readonly meanwhile?: () => Promise<unknown>
}

export interface Stand {
  readonly target: Target
  readonly service: Service
  readonly vault: MemoryVault
  readonly events: readonly RekeyEvent[]
  /** Resync messages, with their delay. */
  readonly queued: readonly { readonly request: RotationRequest; readonly delay: Duration }[]
  readonly regenerated: readonly string[]
  readonly log: readonly string[]
  /** Every effect so far, in order. */
  readonly effects: readonly CallKind[]
  now(): number
  wait(duration: Duration): Promise<void>
  fault(fault: Fault): void
  /** From now on listings lag by this much; new keys are accepted only after that much. */
  staleBy(lag: Duration): void
  slowBy(delay: Duration): void
  /** From now on no probe gets an answer, or every probe gets one again. */
  probesAre(state: 'dark' | 'answered'): void
  /** From now on the resource reports a change under way, or none. */
  operationIs(state: 'under way' | 'over'): void
  landLate(): void
  /** What the worker answered, or `crashed`. The clock of the worker may be off. */
  reconcile(
    desired?: Partial<RotationRequest>,
    options?: ReconcileOptions & { readonly skew?: Duration },
  ): Promise<Outcome | 'crashed'>
  preview(desired?: Partial<RotationRequest>): ReturnType<typeof preview>
  /** What is noted in the metadata of the target's lease. */
  leaseEntries(): Promise<Readonly<Record<string, string>>>
  /** The key in the lead, and whether the service takes it. */
  leadKey(): string
  works(): boolean
}

export interface StandOptions {
  readonly slots?: 1 | 2
  readonly outputs?: 1 | 2
  readonly probe?: 'on' | 'none'
  readonly both?: boolean
  /** How long a change of the resource may take, where it reports one. */
  readonly operation?: Duration
  /** The resource says when its keys were created: the first ones a month ago. */
  readonly says?: 'created'
  /** The first keys were created then, as the resource says it. */
  readonly firstKeysSaid?: Instant
  /** What the provider cannot do. */
  readonly lacks?: readonly ('regenerateAll' | 'swap')[]
  /** A swap ends the other key for a moment. */
  readonly swapEndsOther?: true
  /** Regenerates answer with the keys from before. */
  readonly answers?: 'old keys'
  /** A regenerate makes the key of the first slot anew, whichever it names. */
  readonly regenerates?: 'the first slot'
  /** What the vault says of metadata before anything is sent; throws what does not fit. */
  readonly fits?: () => void
  readonly target?: Partial<Target>
  /** Rules of the engine left out, for the proof that they are needed; `asked` is the record before a regenerate. */
  readonly without?: readonly string[]
}

/** The secrets of a target with two outputs, lead first. */
const outputs = [
  { name: 'lead', output: 'key' },
  { name: 'connection', output: 'connectionString' },
] as const

function targetOf(options: StandOptions): Target {
  return {
    name: 'target',
    provider: 'stand',
    resource: undefined,
    address: '/stand/target',
    lease: 'target',
    vault: 'https://stand.vault.azure.net',
    secrets: options.outputs === 2 ? outputs : [outputs[0]],
    slots: options.slots === 1 ? ['key'] : ['A', 'B'],
    rotateEvery: days(60),
    validFor: days(90),
    overlap: days(2),
    probe: 'on',
    adopt: false,
    enabled: true,
    ...options.target,
  }
}

/** A target whose service and vault are empty of history. */
export function stand(options: StandOptions = {}): Stand {
  const target = targetOf(options)
  const without = new Set(options.without)
  const time = virtualTime()
  const lag = { read: 0, accept: 0 }
  const dice = { next: () => 1, chance: () => true, pick: <Item>(items: readonly Item[]) => items[0]! }
  const keys = service(
    {
      slots: target.slots,
      both: options.both ?? false,
      stale: 1,
      slow: true,
      slowness: () => lag.accept,
      lag: () => lag.read,
    },
    time,
    dice,
    () => undefined,
  )
  const vault = memoryVault(
    time,
    () => undefined,
    () => undefined,
  )
  const faults: { fault: Fault; left: number }[] = []
  const late: (() => void)[] = []
  const events: RekeyEvent[] = []
  const queued: { request: RotationRequest; delay: Duration }[] = []
  const regenerated: string[] = []
  const created = new Map<string, Instant>()
  const begins = time.now() - days(30)
  const effects: CallKind[] = []
  const log: string[] = []
  const metadataOf = metadataInMemory(() => time.now())
  let lease: { id: number; until: number } | undefined
  let runs = 0
  let dark = false
  let underWay = false

  function nextFault(kind: CallKind): Fault | undefined {
    const index = faults.findIndex(({ fault }) => fault.on === kind)
    if (index < 0 || --faults[index]!.left > 0) return undefined
    return faults.splice(index, 1)[0]!.fault
  }

  async function call<Result>(crash: () => Promise<never>, kind: CallKind, land: () => Result): Promise<Result> {
    const fault = nextFault(kind)
    if (['regenerate', 'put', 'patch', 'announce'].includes(kind)) effects.push(kind)
    if (fault?.what === 'crash before') return crash()
    if (fault?.what === 'dropped') throw noAnswer()
    if (fault?.what === 'refused') throw new RekeyError('PermissionDenied', { message: 'the service says no' })
    if (fault?.what === 'throttled') throw new RekeyError('Throttled', { message: 'later', retryAfter: seconds(20) })
    if (fault?.what === 'late') {
      late.push(land)
      throw noAnswer()
    }
    await fault?.meanwhile?.()
    const result = land()
    if (fault?.what === 'crash after') return crash()
    if (fault?.what === 'lost') throw noAnswer()
    return result
  }

  function portsOf(run: number, crash: () => Promise<never>, skew: Duration): Ports {
    const on = <Result>(kind: CallKind, land: () => Result) => call(crash, kind, land)
    return {
      clock: { now: () => time.now() + skew, monotonic: () => time.now(), after: () => () => undefined },
      log: (level, message, fields) => void log.push(`${level} ${message} ${JSON.stringify(fields)}`),
      queue: { send: async (request, delay) => void queued.push({ request, delay }) },
      announcer: { announce: (sent) => on('announce', () => void events.push(...sent)) },
      leases: { acquire: () => on('acquire', () => acquire(run, on)) },
      open: async () => holder(on),
      vault: () => vaultPort(on),
    }
  }

  function acquire(
    run: number,
    on: <Result>(kind: CallKind, land: () => Result) => Promise<Result>,
  ): Lease | undefined {
    if (lease && time.now() < lease.until) return undefined
    lease = { id: run, until: time.now() + seconds(60) }
    return {
      metadata: metadataOf(target.lease),
      renew: () =>
        on('renew', () => {
          if (lease?.id !== run) return false
          lease.until = time.now() + seconds(60)
          return true
        }),
      release: () =>
        on('release', () => {
          if (lease?.id === run) lease = undefined
        }),
    }
  }

  function holder(on: <Result>(kind: CallKind, land: () => Result) => Promise<Result>): KeyHolder {
    const found: KeyHolder = {
      read: () => on('read', () => asRing(keys.read().keys)),
      regenerate: (slot) =>
        on('regenerate', () => {
          const before = asRing(keys.keys())
          const made = options.regenerates === 'the first slot' ? target.slots[0]! : slot
          keys.regenerate(made)
          created.set(made, time.now())
          regenerated.push(made)
          return options.answers === 'old keys' ? before : asRing(keys.keys())
        }),
      regenerateAll: () =>
        on('regenerate', () => {
          keys.regenerateAll()
          regenerated.push(...target.slots)
          return asRing(keys.keys())
        }),
      swap: () =>
        on('regenerate', () => {
          keys.swap()
          return asRing(keys.keys())
        }),
    }
    const { operation: limit } = options
    if (limit !== undefined) Object.assign(found, { operation: { limit, isUnderWay: async () => underWay } })
    if (options.says === 'created')
      found.createdAt = async (slot) => created.get(slot) ?? options.firstKeysSaid ?? begins
    if (options.swapEndsOther) Object.assign(found, { swapEndsOther: true })
    for (const lack of options.lacks ?? []) delete found[lack]
    if (options.probe !== 'none') {
      found.probe = (_, credential) => {
        const value = credential['key'] ?? credential['connectionString']
        const verdict = () => (keys.accepts(keyIn(value!.reveal())) ? 'accepted' : 'refused')
        if (dark) return Promise.resolve('unknown')
        return on<Verdict>('probe', verdict).catch(() => 'unknown')
      }
    }
    return found
  }

  function vaultPort(on: <Result>(kind: CallKind, land: () => Result) => Promise<Result>): Vault {
    return {
      fits: options.fits ?? (() => undefined),
      current: (name) => on('get', () => vault.current(name)),
      versions: async (name, limit) => vault.versions(name).slice(0, limit).map(withoutValue),
      version: async (name, version) => vault.versions(name).find((each) => each.version === version),
      publish: (name, value, metadata) => on('put', () => vault.put(name, value.reveal(), metadata)),
      describe: (stored, metadata) =>
        on('patch', () => {
          const { pending, ...rest } = metadata.stamps
          const forget = without.has('asked') && pending?.state === 'requested'
          return withoutValue(
            vault.patch(stored.name, stored.version, forget ? { ...metadata, stamps: rest } : metadata),
          )
        }),
    }
  }

  function requestOf(desired: Partial<RotationRequest>): RotationRequest {
    return { id: `request-${runs}`, target: target.name, actor: 'caller', expiresAt: time.now() + days(7), ...desired }
  }

  return {
    target,
    service: keys,
    vault,
    events,
    queued,
    regenerated,
    effects,
    log,
    now: time.now,
    wait: (duration) => time.runUntil(time.now() + duration),
    fault: (fault) => void faults.push({ fault, left: fault.nth ?? 1 }),
    staleBy: (duration) => {
      lag.read = duration
    },
    slowBy: (duration) => {
      lag.accept = duration
    },
    probesAre: (state) => {
      dark = state === 'dark'
    },
    operationIs: (state) => {
      underWay = state === 'under way'
    },
    landLate: () => {
      for (const land of late.splice(0)) land()
    },
    reconcile: (desired = {}, { skew = 0, ...settings } = {}) => {
      const { promise, resolve } = Promise.withResolvers<'crashed'>()
      const crash = () => {
        // A worker that crashed does not release its lease.
        resolve('crashed')
        return new Promise<never>(() => undefined)
      }
      const ports = portsOf(++runs, crash, skew)
      return Promise.race([promise, reconcile(target, requestOf(desired), ports, { without, ...settings })])
    },
    preview: (desired = {}) => {
      const never = () => new Promise<never>(() => undefined)
      return preview(target, requestOf(desired), portsOf(++runs, never, 0), new AbortController().signal)
    },
    leaseEntries: () => metadataOf(target.lease).read(new AbortController().signal),
    leadKey: () => keyIn(vault.current('lead')?.value?.reveal()),
    works: () => keys.accepts(keyIn(vault.current('lead')?.value?.reveal())),
  }
}

/** A stand whose target was adopted and then rotated once, long enough ago that nothing is cooling or settling. */
export async function rotatedStand(options: StandOptions = {}): Promise<Stand> {
  const made = stand(options)
  await made.reconcile()
  await made.wait(days(3))
  await made.reconcile({ createdAfter: made.now() })
  await made.wait(days(3))
  return made
}

export { days, hours, minutes, seconds }

/** Listings, and answers to a change of tags, do not hold the value. */
function withoutValue({ value: _, ...rest }: StoredSecret): StoredSecret {
  return rest
}

function noAnswer(): RekeyError {
  return new RekeyError('ServiceUnavailable', { message: 'no answer', outcomeUnknown: true, retryAfter: seconds(30) })
}

/** The current version of the lead secret. */
export function leadIn(at: Stand) {
  return at.vault.current(leadOf(at.target).name)!
}

/** The outcome of one delivery in which no worker dies. */
export async function outcomeOf(at: Stand, desired: Partial<RotationRequest> = {}): Promise<Outcome> {
  const outcome = await at.reconcile(desired)
  if (outcome === 'crashed') throw new Error('the worker died')
  return outcome
}

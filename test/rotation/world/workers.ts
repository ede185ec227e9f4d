// Room: tests of the core. Workers that take messages and reconcile, each call of theirs subject to its fate.

import { RekeyError } from '../../../src/rotation/errors.ts'
import type { RekeyEvent } from '../../../src/rotation/events.ts'
import type { Outcome } from '../../../src/rotation/outcome.ts'
import type { KeyHolder, Lease, Ports, Vault } from '../../../src/rotation/ports.ts'
import { reconcile } from '../../../src/rotation/reconcile.ts'
import type { RotationRequest } from '../../../src/rotation/request.ts'
import type { Target } from '../../../src/rotation/target.ts'
import { oldMetadata } from '../../lease-metadata.ts'
import { type blackouts, type CallKind, effects, type fates } from './faults.ts'
import type { Messages } from './messages.ts'
import type { Random } from './random.ts'
import { asRing, keyIn, type Service } from './service.ts'
import type { MemoryVault } from './vault.ts'
import type { Watch } from './watch.ts'
import type { Time } from './words.ts'

export interface Stage {
  readonly time: Time
  readonly dice: Random
  readonly target: Target
  readonly service: Service
  readonly vault: MemoryVault
  readonly messages: Messages
  readonly watch: Watch
  readonly course: ReturnType<typeof fates>
  readonly blackouts: ReturnType<typeof blackouts>
  readonly probe: boolean
  readonly etag: boolean
  readonly both: boolean
  readonly skew: number
  readonly without: ReadonlySet<string>
  readonly regenerations: { readonly request: string; readonly reason: string }[]
  /** Requests whose worker was disturbed between a regenerate and its record: each may cost one more regenerate. */
  readonly slack: Map<string, number>
  readonly events: Set<string>
  readonly reasons: Set<string>
  log(line: string): void
}

export interface Worker {
  readonly id: number
  readonly skew: number
  busy: boolean
}

interface Run {
  readonly id: number
  readonly worker: Worker
  readonly request: RotationRequest
  /** What the engine said it was acting on. */
  reason: string
  /** A regenerate of this run is not recorded yet. */
  open: boolean
  crashed: boolean
  /** The call under way does not go as calls should. */
  disturbed: boolean
}

const leaseLength = 60_000

/** Lets three workers compete for the messages. Returns the function to call when there may be work. */
export function startWorkers(stage: Stage): () => void {
  const { time, dice, messages } = stage
  const workers: Worker[] = [0, 1, 2].map((id) => ({ id, skew: (dice.next() * 2 - 1) * stage.skew, busy: false }))
  let lease: { run: number; until: number } | undefined
  const metadata = oldMetadata()
  let runs = 0

  function poll(): void {
    for (const worker of workers) {
      const ready = worker.busy ? [] : messages.visible(time.now())
      if (ready.length > 0) start(worker, dice.pick(ready).take(time.now()))
    }
  }

  function start(worker: Worker, message: ReturnType<Messages['visible']>[number]): void {
    const run: Run = {
      id: ++runs,
      worker,
      request: message.request,
      reason: '',
      open: false,
      crashed: false,
      disturbed: false,
    }
    const receipt = message.receipt
    worker.busy = true
    void reconcile(stage.target, message.request, portsOf(run), { without: stage.without }).then((outcome) => {
      worker.busy = false
      settleMessage(message, receipt, outcome)
      time.in(5000, poll)
    })
  }

  function settleMessage(message: ReturnType<Messages['visible']>[number], receipt: number, outcome: Outcome): void {
    for (const reason of outcome.reasons) stage.reasons.add(reason)
    stage.log(
      `${message.request.id} ${outcome.status} ${outcome.reasons.join(' ')} ${outcome.error?.code ?? ''} ${outcome.again?.after ?? ''}`,
    )
    if (message.receipt !== receipt) return
    message.done()
    if (outcome.again) messages.send(message.request, outcome.again.after)
  }

  function holds(run: Run): boolean {
    return lease !== undefined && lease.run === run.id && time.now() < lease.until
  }

  /** One call of a worker: it lands at some moment, or not, and is answered at some later one, or not. */
  function call<Result>(run: Run, kind: CallKind, signal: AbortSignal, land: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (run.crashed) return
      const { fate, before, after } = stage.course.next(kind)
      if (fate !== 'answered' || before > 20_000 || after > 20_000)
        stage.log(`w${run.worker.id} ${kind}: ${fate} ${before.toFixed(0)}/${after.toFixed(0)}`)
      noteSlack(stage, run, kind, fate !== 'answered' || before > 20_000 || after > 20_000)
      const giveUp = () => reject(noAnswer())
      const crash = () => {
        run.crashed = true
        run.worker.busy = false
        time.in(5000, poll)
      }
      if (fate === 'crash before') return void time.in(before, crash)
      // A worker that stands still does not see its own limit pass either: it gets the answer that came meanwhile.
      if (fate === 'dropped' || fate === 'answer lost' || fate === 'late') signal.addEventListener('abort', giveUp)
      if (fate === 'dropped') return
      time.in(before, () => {
        if (effects.has(kind) && !holds(run)) stage.watch.hazard(`zombie ${kind}`)
        const answer = attempt(land)
        if (fate === 'crash after') return void time.in(after, crash)
        if (fate === 'answered')
          time.in(after, () => (answer.error ? reject(answer.error) : resolve(answer.result as Result)))
      })
    })
  }

  function portsOf(run: Run): Ports {
    return {
      clock: {
        now: () => time.now() + run.worker.skew,
        monotonic: () => time.now(),
        after: (delay, back) => time.in(delay, back),
      },
      log: (_, message, fields) => {
        if (message === 'acting') run.reason = String(fields?.['reason'])
      },
      queue: { send: async (request, delay) => messages.send(request, delay) },
      announcer: { announce: (events, signal) => call(run, 'announce', signal, () => tell(events)) },
      leases: { acquire: (_, signal) => call(run, 'acquire', signal, () => acquire(run)) },
      open: async () => holderOf(run),
      vault: () => vaultOf(run),
    }
  }

  function tell(events: readonly RekeyEvent[]): void {
    for (const event of events) stage.events.add(event.id)
    stage.log(`told ${events.map(({ id }) => id).join(' ')}`)
  }

  function acquire(run: Run): Lease | undefined {
    if (lease && time.now() < lease.until) return undefined
    lease = { run: run.id, until: time.now() + leaseLength }
    return {
      metadata,
      renew: (signal) =>
        call(run, 'renew', signal, () => {
          if (lease?.run !== run.id) return false
          lease.until = time.now() + leaseLength
          return true
        }),
      release: (signal) =>
        call(run, 'release', signal, () => {
          if (lease?.run === run.id) lease = undefined
        }),
    }
  }

  function holderOf(run: Run): KeyHolder {
    const { service } = stage
    let etag = -1
    const holder: KeyHolder = {
      read: (signal) =>
        call(run, 'read', signal, () => {
          const listing = service.read()
          etag = listing.etag
          stage.log(
            `w${run.worker.id} reads ${JSON.stringify(listing.keys)}${etag === service.listing().etag ? '' : ' STALE'}`,
          )
          return asRing(listing.keys)
        }),
      regenerate: (slot, { signal }) =>
        call(run, 'regenerate', signal, () => {
          if (stage.etag && etag !== service.listing().etag) throw changed()
          stage.log(`w${run.worker.id} REGENERATES ${slot} for ${run.request.id}`)
          regenerating(run)
          service.regenerate(slot)
          etag = service.listing().etag
          stage.log(JSON.stringify(service.keys()))
          return asRing(service.keys())
        }),
    }
    if (stage.probe) {
      holder.probe = (_, credential, signal) =>
        call(run, 'probe', signal, () => {
          const value = credential['key'] ?? credential['connectionString']
          if (stage.blackouts.hits()) {
            stage.log(`w${run.worker.id} probe: blackout`)
            return 'unknown' as const
          }
          return service.accepts(keyIn(value!.reveal())) ? ('accepted' as const) : ('refused' as const)
        }).catch(() => 'unknown' as const)
    }
    return holder
  }

  function regenerating(run: Run): void {
    stage.regenerations.push({ request: run.request.id, reason: run.reason })
    if (stage.both) stage.watch.hazard('both changed')
    if (stage.target.slots.length === 1) stage.watch.hazard('ring of one regenerated')
    if (run.reason === 'revoked') stage.watch.hazard('revoke')
    if (run.request.force) stage.watch.hazard('force')
  }

  function vaultOf(run: Run): Vault {
    const { vault } = stage
    return {
      fits: () => undefined,
      current: (name, signal) => call(run, 'get', signal, () => vault.current(name)),
      versions: (name, limit, signal) => call(run, 'get', signal, () => vault.versions(name).slice(0, limit)),
      version: (name, version, signal) =>
        call(run, 'get', signal, () => vault.versions(name).find((each) => each.version === version)),
      publish: (name, value, metadata, signal) =>
        call(run, 'put', signal, () => {
          checkLatePromote(stage, run, metadata.stamps.reason)
          const stored = vault.put(name, value.reveal(), metadata)
          stage.log(
            `w${run.worker.id} puts ${name} ${stored.version} ${value.reveal()} ${JSON.stringify(metadata.stamps)}`,
          )
          return stored
        }),
      describe: (stored, metadata, signal) =>
        call(run, 'patch', signal, () => {
          const stamps = stage.without.has('asked') ? withoutAsked(metadata.stamps) : metadata.stamps
          stage.log(`w${run.worker.id} tags ${stored.name} ${stored.version} ${JSON.stringify(stamps)}`)
          const known = vault.current(stored.name)?.stamps?.pending
          if (run.disturbed && known && 'made' in known && stamps.pending && 'asked' in stamps.pending) {
            stage.watch.hazard('a crash forgets a new key')
          }
          return vault.patch(stored.name, stored.version, { ...metadata, stamps })
        }),
    }
  }

  return poll
}

/** A promote that arrives late must not undo a rotation that came after it was asked for. */
function checkLatePromote(stage: Stage, run: Run, reason: string | undefined): void {
  // Another request may finish a promote that was interrupted: that is no late one.
  if (reason !== 'promoted' || !run.request.promote) return
  const current = stage.vault.current(stage.target.secrets[0].name)
  const asked = Number(run.request.note)
  const rotated = ['requested', 'due', 'pending'].includes(current?.stamps?.reason ?? '')
  if (rotated && current!.created > asked + 5000) stage.watch.add('rotation undone by a late promote', run.request.id)
}

function noteSlack(stage: Stage, run: Run, kind: CallKind, disturbed: boolean): void {
  run.disturbed = disturbed
  if (kind === 'regenerate') run.open = true
  if (run.open && disturbed) stage.slack.set(run.request.id, (stage.slack.get(run.request.id) ?? 0) + 1)
  if (kind === 'put' && !disturbed) run.open = false
}

function withoutAsked<Stamps extends { pending?: object }>(stamps: Stamps): Stamps {
  if (!stamps.pending || !('asked' in stamps.pending)) return stamps
  const { pending: _, ...rest } = stamps
  return rest as Stamps
}

function attempt<Result>(land: () => Result): { result?: Result; error?: unknown } {
  try {
    return { result: land() }
  } catch (error) {
    return { error }
  }
}

function noAnswer(): RekeyError {
  return new RekeyError('ServiceUnavailable', { message: 'no answer', outcomeUnknown: true, retryAfter: 60_000 })
}

function changed(): RekeyError {
  return new RekeyError('ServiceChanged', { message: 'changed meanwhile', retryAfter: 60_000 })
}

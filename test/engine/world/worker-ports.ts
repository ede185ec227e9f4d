// The ports of one run: each call of a worker lands at some moment, or not, and is answered later, or not.

import type { RekeyEvent } from '../../../src/engine/events.ts'
import type { Lease, Ports, Vault } from '../../../src/engine/ports.ts'
import { RekeyError } from '../../../src/engine/rekey-error.ts'
import type { Stamps } from '../../../src/engine/stored-secret.ts'
import { oldMetadata } from '../../memory-lease.ts'
import { type CallKind, effects, longDelay } from './call-faults.ts'
import type { Deed } from './deeds.ts'
import { checkEvent, checkLease, checkPut, checkReadAgain } from './effect-rules.ts'
import { holderOf } from './holder.ts'
import { keyIn } from './service.ts'
import type { Run, Stage } from './stage.ts'
import { tagsFit } from './world-vault.ts'

/** One call of a run. `land` gets the excuse if the effect lands outside its lease. */
export type CallOf = <Result>(
  kind: CallKind,
  signal: AbortSignal,
  land: (late: string | undefined) => Result,
) => Promise<Result>

/** The one lease of the world. */
export interface LeaseBook {
  acquire(run: Run): boolean
  renew(run: Run): boolean
  release(run: Run): void
  holds(run: Run): boolean
  readonly metadata: Lease['metadata']
}

const leaseLength = 60_000

export function leaseBook(now: () => number): LeaseBook {
  let lease: { run: number; until: number } | undefined
  return {
    metadata: oldMetadata(),
    acquire: (run) => {
      if (lease && now() < lease.until) return false
      lease = { run: run.id, until: now() + leaseLength }
      return true
    },
    renew: (run) => {
      if (lease?.run !== run.id) return false
      lease.until = now() + leaseLength
      return true
    },
    release: (run) => {
      if (lease?.run === run.id) lease = undefined
    },
    holds: (run) => lease !== undefined && lease.run === run.id && now() < lease.until,
  }
}

export function portsOf(stage: Stage, run: Run, leases: LeaseBook, crash: () => void): Ports {
  const call: CallOf = (kind, signal, land) => callOf(stage, run, leases, crash, kind, signal, land)
  return {
    clock: {
      now: () => stage.time.now() + run.worker.skew,
      monotonic: () => stage.time.now(),
      after: (delay, back) => stage.time.in(delay, back),
    },
    log: (_, message, fields) => {
      if (message === 'acting') run.reason = String(fields?.['reason'])
    },
    queue: { send: async (request, delay) => stage.messages.send(request, delay) },
    announcer: {
      announce: (events, signal) => {
        // A failure is reported with the lease or without: it changes nothing.
        const kind = events.every(({ type }) => type === 'Rekey.RotationFailed') ? 'report' : 'announce'
        return call(kind, signal, (late) => announce(stage, run, events, late))
      },
    },
    leases: { acquire: (_, signal) => call('acquire', signal, () => leaseFor(run, leases, call)) },
    open: async () => holderOf(stage, run, call),
    vault: () => vaultOf(stage, run, call),
  }
}

function callOf<Result>(
  stage: Stage,
  run: Run,
  leases: LeaseBook,
  crash: () => void,
  kind: CallKind,
  signal: AbortSignal,
  land: (late: string | undefined) => Result,
): Promise<Result> {
  const { time, watch } = stage
  return new Promise((resolve, reject) => {
    if (run.crashed) return
    const course = stage.course.next(kind)
    const { fate, before, after } = course
    const refusal = stage.refusals.of(kind)
    if (refusal) {
      run.refused.add(kind)
      watch.disturbed()
      stage.log(`w${run.worker.id} ${kind} refused: ${refusal.code}`)
      return void time.in(before % longDelay, () => reject(refusal))
    }
    const faulty = fate !== 'answered' || before > longDelay || after > longDelay
    if (faulty) {
      stage.log(`w${run.worker.id} ${kind}: ${fate} ${before.toFixed(0)}/${after.toFixed(0)}`)
      run.troubled = true
      watch.disturbed()
    }
    noteSlack(stage, run, kind, faulty)
    const giveUp = () => reject(noAnswer())
    if (fate === 'crash before') return void time.in(before, crash)
    // A worker that stands still does not see its own limit pass either: it gets the answer that came meanwhile.
    if (fate === 'dropped' || fate === 'answer lost' || fate === 'late') signal.addEventListener('abort', giveUp)
    if (fate === 'dropped') return
    time.in(before, () => {
      const late = effects.has(kind) ? checkLease(stage, run, kind, leases.holds(run), course) : undefined
      const answer = attempt(() => land(late))
      if (late !== undefined && fate === 'answered') time.in(after, () => checkReadAgain(stage))
      if (fate === 'crash after') return void time.in(after, crash)
      if (fate === 'answered')
        time.in(after, () => (answer.error ? reject(answer.error) : resolve(answer.result as Result)))
    })
  })
}

function leaseFor(run: Run, leases: LeaseBook, call: CallOf): Lease | undefined {
  if (!leases.acquire(run)) return undefined
  return {
    metadata: leases.metadata,
    renew: (signal) => call('renew', signal, () => leases.renew(run)),
    release: (signal) =>
      call('release', signal, () => {
        run.letGo = true
        leases.release(run)
      }),
  }
}

function announce(stage: Stage, run: Run, events: readonly RekeyEvent[], late: string | undefined): void {
  for (const event of events) {
    checkEvent(stage, run, event, late)
    if (!stage.ledger.events.has(event.id)) stage.ledger.events.set(event.id, event)
  }
  stage.log(`announced ${events.map(({ id }) => id).join(' ')}`)
}

function vaultOf(stage: Stage, run: Run, call: CallOf): Vault {
  const { vault, time } = stage
  const fits: Vault['fits'] = (name, metadata) => {
    if (!tagsFit(metadata)) throw new RekeyError('TagsTooLarge', { message: `the tags of ${name} do not fit` })
  }
  return {
    fits,
    current: (name, signal) =>
      call('get', signal, () => {
        if (run.knew.vault === Number.NEGATIVE_INFINITY) run.knew.vault = time.now()
        return vault.current(name)
      }),
    versions: (name, limit, signal) => call('get', signal, () => vault.versions(name).slice(0, limit)),
    version: (name, version, signal) =>
      call('get', signal, () => vault.versions(name).find((each) => each.version === version)),
    publish: async (name, value, metadata, signal) => {
      fits(name, metadata)
      return call('put', signal, (late) => {
        if (late === undefined) checkPut(stage, run, name, keyIn(value.reveal()), metadata)
        const deed = putDeed(stage, run, name, keyIn(value.reveal()), late)
        stage.log(`w${run.worker.id} puts ${name} ${value.reveal()} ${JSON.stringify(metadata.stamps)}`)
        const stored = vault.put(name, value.reveal(), metadata, deed)
        if (late !== undefined) stage.ledger.lateTags.add(stored.version)
        return stored
      })
    },
    describe: async (stored, metadata, signal) => {
      fits(stored.name, { ...metadata, expiresOn: 0 })
      return call('patch', signal, (late) => {
        const stamps = stage.without.has('asked') ? withoutAsked(metadata.stamps) : metadata.stamps
        stage.log(`w${run.worker.id} tags ${stored.name} ${stored.version} ${JSON.stringify(stamps)}`)
        const known = vault.current(stored.name)?.stamps?.pending
        const forgets = known?.state === 'created' && stamps.pending?.state === 'requested'
        if (late !== undefined || (run.disturbed && forgets)) stage.ledger.lateTags.add(stored.version)
        return vault.patch(stored.name, stored.version, { ...metadata, stamps })
      })
    },
  }
}

function putDeed(stage: Stage, run: Run, name: string, key: string, late: string | undefined): Deed {
  const misled = misledBy(stage, name, key)
  return {
    at: stage.time.now(),
    what: `run ${run.id} writes ${name}`,
    run,
    knew: { ...run.knew },
    ...(misled === undefined ? {} : { misled }),
    ...(late === undefined ? {} : { excuse: late }),
  }
}

/** A late write of ours that this one follows: it had become the lead, or the output of a publish that seemed to have stopped half way. */
function misledBy({ target, vault }: Stage, name: string, key: string): string | undefined {
  const [lead, ...outputs] = target.secrets.map((secret) => vault.current(secret.name))
  const isLead = name === target.secrets[0].name
  const followed = isLead ? outputs.filter((output) => keyIn(output?.value?.reveal()) === key) : []
  return [lead, ...followed].flatMap((version) => {
    const writer = version && vault.writer(version.version)
    return writer?.knew ? (writer.excuse ?? writer.misled ?? []) : []
  })[0]
}

function noteSlack(stage: Stage, run: Run, kind: CallKind, disturbed: boolean): void {
  run.disturbed = disturbed
  if (kind === 'regenerate') run.open = true
  if (run.open && disturbed) {
    const { slack } = stage.ledger
    slack.set(run.request.id, (slack.get(run.request.id) ?? 0) + 1)
  }
  if (kind === 'put' && !disturbed) run.open = false
}

function withoutAsked(stamps: Stamps): Stamps {
  if (stamps.pending?.state !== 'requested') return stamps
  const { pending: _, ...rest } = stamps
  return rest
}

function attempt<Result>(land: () => Result): { result?: Result; error?: unknown } {
  try {
    return { result: land() }
  } catch (error) {
    return { error }
  }
}

export function noAnswer(): RekeyError {
  return new RekeyError('ServiceUnavailable', { message: 'no answer', outcomeUnknown: true, retryAfter: 60_000 })
}

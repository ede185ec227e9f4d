// What consumers see, watched at every moment: a current key that does not work, an overlap cut short.
// An excuse follows from what ended the key, or from who wrote the version: never from what else happened at that time.

import type { StoredSecret } from '../../../src/engine/stored-secret.ts'
import type { Deed } from './deeds.ts'
import { keyIn, type Service } from './service.ts'
import type { Time } from './words.ts'
import type { MemoryVault } from './world-vault.ts'

export interface Violation {
  readonly at: number
  readonly kind: string
  readonly detail: string
  /** What excuses it. */
  readonly excused?: string
}

export interface Watch {
  readonly violations: Violation[]
  /** Compares the vault with the service after any change. `died`: a key that is refused from now on. */
  check(died?: string): void
  handedOut(name: string, value: string): void
  /** Something went wrong that may lengthen an outage: it is measured from here. */
  disturbed(): void
  lastDisturbance(): number
  add(kind: string, detail: string): void
  finish(): void
}

interface Handed {
  readonly name: string
  readonly key: string
  readonly from: number
  until: number
}

interface Outage {
  readonly since: number
  readonly version: string
  readonly excuse: string | undefined
}

export interface WatchOptions {
  readonly names: readonly string[]
  readonly overlap: number
  /** How long an outage may last that is excused, counted from the last disturbance. */
  readonly longestOutage: number
}

export function watch(
  time: Time,
  { names, overlap, longestOutage }: WatchOptions,
  log: (line: string) => void,
  sight: () => { vault: MemoryVault; service: Service },
): Watch {
  const violations: Violation[] = []
  const handed: Handed[] = []
  const outages = new Map<string, Outage>()
  let disturbedAt = time.now()

  function report(kind: string, detail: string, excused?: string): void {
    log(`** ${kind.toUpperCase()} ${detail}${excused === undefined ? '' : ` (excused: ${excused})`}`)
    violations.push({ at: time.now(), kind, detail, ...(excused === undefined ? {} : { excused }) })
  }

  function checkSecret(name: string): void {
    const { vault, service } = sight()
    const current = vault.current(name)
    const open = outages.get(name)
    if (!current?.value || service.accepts(keyIn(current.value.reveal()))) {
      if (open) end(name, open)
      return
    }
    // It begins, or goes on under another version: each version needs an excuse of its own.
    if (open?.version === current.version) return
    const excuse = excuseOf(current, open)
    report('outage', `${name} ${current.version}`, excuse)
    outages.set(name, { since: open?.since ?? time.now(), version: current.version, excuse })
  }

  function end(name: string, { since, version }: Outage): void {
    outages.delete(name)
    log(`** ${name} works again`)
    const length = time.now() - Math.max(since, disturbedAt)
    if (length > longestOutage) report('outage too long', `${name} ${version} for ${(length / 60_000).toFixed(0)} min`)
  }

  /** Why the engine is not to blame for a current version that does not work. */
  function excuseOf(current: StoredSecret, open: Outage | undefined): string | undefined {
    const { vault, service } = sight()
    const writer = vault.writer(current.version)
    const facts = service.facts(keyIn(current.value!.reveal()))
    if (!facts) return writer.excuse
    if (time.now() >= facts.until) return whyDead(facts.death!, writer)
    // It is not accepted yet. Whoever publishes it anyway must have had nothing better.
    if (writer.excuse !== undefined) return writer.excuse
    // Outputs follow the lead, whoever wrote it.
    const lead = current.name === names[0] ? undefined : vault.current(names[0]!)
    if (lead?.value && keyIn(lead.value.reveal()) === keyIn(current.value!.reveal()))
      return outages.get(lead.name)?.excuse
    const before = vault.before(current.name, current.version)
    if (!before) return 'the first version'
    if (open?.version === before.version) return open.excuse
    const { excuse, misled } = vault.writer(before.version)
    return excuse ?? misled ?? service.facts(keyIn(before.value.reveal()))?.death?.excuse
  }

  function checkOverlap({ name, key, from, until }: Handed): void {
    if (until === Number.POSITIVE_INFINITY || time.now() < from || time.now() >= until + overlap - 1000) return
    const { excuse, cuts } = sight().service.facts(key)!.death!
    report('overlap cut', `${name} ${key}`, excuse ?? cuts)
  }

  return {
    violations,
    check: (died) => {
      for (const name of names) checkSecret(name)
      if (died !== undefined) for (const each of handed) if (each.key === died) checkOverlap(each)
    },
    handedOut: (name, value) => {
      const last = handed.findLast((each) => each.name === name)
      if (last && last.until === Number.POSITIVE_INFINITY) last.until = time.now()
      handed.push({ name, key: keyIn(value), from: time.now(), until: Number.POSITIVE_INFINITY })
    },
    disturbed: () => {
      disturbedAt = time.now()
    },
    lastDisturbance: () => disturbedAt,
    add: (kind, detail) => report(kind, detail),
    finish: () => {
      for (const [name, outage] of outages) {
        report('never repaired', `${name} ${outage.version}`)
        end(name, outage)
      }
    },
  }
}

/** A dead key in the vault is excused by what ended it, unless whoever wrote it could have known; or by who wrote the version. */
function whyDead(death: Deed, writer: Deed): string | undefined {
  if (death.excuse !== undefined && death.at > (writer.knew?.service ?? 0)) return death.excuse
  if (writer.misled !== undefined && death.at > (writer.knew?.service ?? 0)) return writer.misled
  if (writer.excuse === undefined) return undefined
  // Written from outside, or too late: dead already, or ended by a run that had read the vault before.
  return death.at <= writer.at || (death.knew && death.knew.vault < writer.at) ? writer.excuse : death.excuse
}

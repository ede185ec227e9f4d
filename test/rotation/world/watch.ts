// Room: tests of the core. The promises, watched at every moment: what broke, when, and whether a hazard
// that no engine can prevent came just before.

import { keyIn, type Service } from './service.ts'
import type { MemoryVault } from './vault.ts'
import type { Time } from './words.ts'

export interface Violation {
  readonly at: number
  readonly kind:
    | 'outage'
    | 'never repaired'
    | 'overlap cut'
    | 'dead at the end'
    | 'output differs at the end'
    | 'unannounced at the end'
    | 'not fresh'
    | 'not revoked'
    | 'regenerated too often'
    | 'rotation undone by a late promote'
  readonly detail: string
  /** The hazard that excuses it. */
  readonly excused?: string
}

export interface Watch {
  readonly violations: Violation[]
  /** Something that no engine can prevent: an operator's own act, a zombie's late effect, a forced rotation. */
  hazard(what: string): void
  readonly hazards: readonly { readonly at: number; readonly what: string }[]
  /** Looks at the vault and the service after any change. */
  check(died?: string): void
  handedOut(name: string, value: string): void
  add(kind: Violation['kind'], detail: string): void
  finish(): void
}

interface Handed {
  readonly name: string
  readonly key: string
  readonly from: number
  until: number
}

/** How long after a hazard what it broke may take to be seen: a settling time and some. */
const reach = 320_000

export function watch(
  time: Time,
  names: readonly string[],
  overlap: number,
  log: (line: string) => void,
  sight: () => { vault: MemoryVault; service: Service },
): Watch {
  const violations: Violation[] = []
  const hazards: { at: number; what: string }[] = []
  const handed: Handed[] = []
  let outage: { since: number; detail: string } | undefined

  function excuse(moment: number): { excused?: string } {
    const near = hazards.findLast(({ at }) => at <= moment + 1 && moment - at < reach)
    return near ? { excused: near.what } : {}
  }

  function endOutage(): void {
    if (!outage) return
    const { since, detail } = outage
    const length = ((time.now() - since) / 1000).toFixed(0)
    violations.push({ at: since, kind: 'outage', detail: `${detail} for ${length} s`, ...excuse(since) })
    outage = undefined
    log('** works again')
  }

  function check(died?: string): void {
    const { vault, service } = sight()
    const dead = names.find((name) => {
      const current = vault.current(name)
      return current?.value && !service.accepts(keyIn(current.value.reveal()))
    })
    if (dead && !outage) {
      outage = { since: time.now(), detail: `${dead} ${vault.current(dead)!.version}` }
      log(`** OUTAGE ${outage.detail}`)
    }
    if (!dead) endOutage()
    if (died) for (const each of handed) if (each.key === died) checkOverlap(each)
  }

  function checkOverlap({ name, key, from, until }: Handed): void {
    if (until === Number.POSITIVE_INFINITY || time.now() < from || time.now() >= until + overlap - 1000) return
    log(`** OVERLAP CUT ${name} ${key}`)
    violations.push({ at: time.now(), kind: 'overlap cut', detail: `${name} ${key}`, ...excuse(time.now()) })
  }

  return {
    violations,
    hazards,
    hazard: (what) => {
      hazards.push({ at: time.now(), what })
      log(`!! ${what}`)
    },
    check,
    handedOut: (name, value) => {
      const last = handed.findLast((each) => each.name === name)
      if (last && last.until === Number.POSITIVE_INFINITY) last.until = time.now()
      handed.push({ name, key: keyIn(value), from: time.now(), until: Number.POSITIVE_INFINITY })
    },
    add: (kind, detail) => violations.push({ at: time.now(), kind, detail }),
    finish: () => {
      if (!outage) return
      violations.push({ at: time.now(), kind: 'never repaired', detail: outage.detail })
      endOutage()
    },
  }
}

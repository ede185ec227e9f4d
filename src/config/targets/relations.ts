// How durations must relate to one another, and what targets may not share.

import { formatDuration } from '../../engine/duration.ts'
import {
  clockBound,
  type Duration,
  days,
  type Instant,
  latestExpiry,
  minutes,
  settle,
  type Window,
} from '../../engine/target.ts'
import { type Finding, type Path, pathText } from './problems.ts'

/** How long a service may take until a new key is valid everywhere. No service documents it: twice what listings lag. */
const propagation: Duration = minutes(10)

/** Undefined: given, and wrong by itself already. */
export interface Durations {
  readonly rotateEvery: Duration | undefined
  readonly validFor: Duration | undefined
  readonly overlap: Duration | undefined
  readonly retireAfter: Duration | null | undefined
  readonly window: Window | null | undefined
}

type DurationName = keyof Durations

export interface Relations {
  readonly durations: Durations
  readonly slots: number
  readonly now: Instant
  /** Which of them are given here, rather than taken over. A relation among those taken over was judged where they are given. */
  given(name: DurationName): boolean
  readonly path: Path
}

/** The durations that do not fit together. */
export function durationFindings(relations: Relations): readonly Finding[] {
  const { rotateEvery, validFor, overlap, retireAfter, window } = relations.durations
  const { slots, now, given, path } = relations
  const findings: Finding[] = []
  const report = (names: readonly DurationName[], message: string, remedy: string) => {
    const name = names.find(given)
    if (name) findings.push({ path: [...path, name], message, remedy })
  }

  if (rotateEvery !== undefined && validFor !== undefined && validFor <= rotateEvery) {
    report(
      ['validFor', 'rotateEvery'],
      `a secret would expire (validFor ${formatDuration(validFor)}) before its key is replaced (rotateEvery ${formatDuration(rotateEvery)})`,
      'Make validFor longer than rotateEvery, half as long again for instance.',
    )
  }
  if (validFor !== undefined && now + validFor > latestExpiry) {
    report(
      ['validFor'],
      'secrets would expire after 2038-01-19, which the Key Vault client cannot write',
      `Write ${formatDuration(Math.max(0, days(Math.floor((latestExpiry - now) / days(1)))))} or less.`,
    )
  }
  if (
    slots > 1 &&
    rotateEvery !== undefined &&
    overlap !== undefined &&
    rotateEvery <= overlap + settle + propagation
  ) {
    report(
      ['rotateEvery', 'overlap'],
      `the next rotation (rotateEvery ${formatDuration(rotateEvery)}) would end a key that must stay valid (overlap ${formatDuration(overlap)}, and ${formatDuration(settle + propagation)} until a change is visible everywhere)`,
      `Make rotateEvery longer than ${formatDuration(overlap + settle + propagation)}, or overlap shorter.`,
    )
  }
  if (slots > 1 && typeof retireAfter === 'number' && overlap !== undefined && retireAfter < overlap + clockBound) {
    report(
      ['retireAfter', 'overlap'],
      `a key would be invalidated (retireAfter ${formatDuration(retireAfter)}) while it must stay valid (overlap ${formatDuration(overlap)})`,
      `Make retireAfter ${formatDuration(overlap + clockBound)} or longer.`,
    )
  }
  if (slots > 1 && typeof retireAfter === 'number' && rotateEvery !== undefined && retireAfter >= rotateEvery) {
    report(
      ['retireAfter', 'rotateEvery'],
      `a key would never be retired (retireAfter ${formatDuration(retireAfter)}): the next rotation (rotateEvery ${formatDuration(rotateEvery)}) replaces it first`,
      'Make retireAfter shorter than rotateEvery, or leave it out.',
    )
  }
  const closed = window ? longestClosed(window) : 0
  if (rotateEvery !== undefined && rotateEvery < closed) {
    report(
      ['rotateEvery', 'window'],
      `keys would be replaced less often than every ${formatDuration(rotateEvery)}, because the window stays closed for up to ${formatDuration(closed)}`,
      'Make rotateEvery longer, or open the window on more days.',
    )
  }
  return findings
}

/** How long a window stays closed at most, by the wall clock; 0: it is always open. */
function longestClosed(window: Window): Duration {
  const sorted = window.days.toSorted((a, b) => a - b)
  const gaps = sorted.map((day, index) => (sorted[index + 1] ?? sorted[0]! + 7) - day)
  return Math.max(0, days(Math.max(...gaps)) - window.length)
}

/** Something that only one target may have, and where it is named. */
export interface Claim {
  readonly what: 'name' | 'secret' | 'credential'
  /** Compared without case, as the vault and the services do. */
  readonly key: string
  readonly path: Path
}

const said: Readonly<Record<Claim['what'], (first: string) => Pick<Finding, 'message' | 'remedy'>>> = {
  name: (first) => ({ message: `is the name of ${first} too`, remedy: 'Give each target a name of its own.' }),
  secret: (first) => ({
    message: `is written by ${first} too: each would overwrite what the other wrote`,
    remedy: 'Give it another name, or another vault, or remove one of the two.',
  }),
  credential: (first) => ({
    message: `names the same credential as ${first}: each would regenerate the key that the other has just published`,
    remedy: 'Make one target of the two, with the secrets of both.',
  }),
}

/** A claim that another has made before. */
export interface Conflict extends Finding {
  readonly earlier: Path
}

/** Every claim that another has made before, with where. */
export function conflicts(claims: readonly Claim[]): readonly Conflict[] {
  const first = new Map<string, Path>()
  return claims.flatMap(({ what, key, path }): Conflict[] => {
    const id = `${what} ${key.toLowerCase()}`
    const earlier = first.get(id)
    if (earlier === undefined) first.set(id, path)
    return earlier === undefined ? [] : [{ path, earlier, ...said[what](pathText(earlier)) }]
  })
}

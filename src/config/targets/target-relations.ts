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
import { type Finding, type Path, pathText } from './configuration-problems.ts'

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

/** What is wrong between durations. It is reported at the first of `names` that is given here. */
interface Misfit {
  readonly names: readonly DurationName[]
  readonly message: string
  readonly remedy: string
}

/** One relation that durations must keep; undefined: they do. */
type Rule = (durations: Durations, relations: Pick<Relations, 'slots' | 'now'>) => Misfit | undefined

/** The durations that do not fit together. */
export function durationFindings({ durations, slots, now, given, path }: Relations): readonly Finding[] {
  return rules.flatMap((rule): readonly Finding[] => {
    const misfit = rule(durations, { slots, now })
    const name = misfit?.names.find(given)
    return misfit && name ? [{ path: [...path, name], message: misfit.message, remedy: misfit.remedy }] : []
  })
}

const expiresAfterRotation: Rule = ({ rotateEvery, validFor }) => {
  if (rotateEvery === undefined || validFor === undefined || validFor > rotateEvery) return undefined
  return {
    names: ['validFor', 'rotateEvery'],
    message: `a secret would expire (validFor ${formatDuration(validFor)}) before its key is replaced (rotateEvery ${formatDuration(rotateEvery)})`,
    remedy: 'Make validFor longer than rotateEvery, half as long again for instance.',
  }
}

const expiryCanBeWritten: Rule = ({ validFor }, { now }) => {
  if (validFor === undefined || now + validFor <= latestExpiry) return undefined
  return {
    names: ['validFor'],
    message: 'secrets would expire after 2038-01-19, which the Key Vault client cannot write',
    remedy: `Write ${formatDuration(Math.max(0, days(Math.floor((latestExpiry - now) / days(1)))))} or less.`,
  }
}

const overlapEndsBeforeRotation: Rule = ({ rotateEvery, overlap }, { slots }) => {
  if (slots < 2 || rotateEvery === undefined || overlap === undefined) return undefined
  const visible = settle + propagation
  if (rotateEvery > overlap + visible) return undefined
  return {
    names: ['rotateEvery', 'overlap'],
    message: `the next rotation (rotateEvery ${formatDuration(rotateEvery)}) would end a key that must stay valid (overlap ${formatDuration(overlap)}, and ${formatDuration(visible)} until a change is visible everywhere)`,
    remedy: `Make rotateEvery longer than ${formatDuration(overlap + visible)}, or overlap shorter.`,
  }
}

const retiredAfterOverlap: Rule = ({ retireAfter, overlap }, { slots }) => {
  if (slots < 2 || typeof retireAfter !== 'number' || overlap === undefined) return undefined
  if (retireAfter >= overlap + clockBound) return undefined
  return {
    names: ['retireAfter', 'overlap'],
    message: `a key would be invalidated (retireAfter ${formatDuration(retireAfter)}) while it must stay valid (overlap ${formatDuration(overlap)})`,
    remedy: `Make retireAfter ${formatDuration(overlap + clockBound)} or longer.`,
  }
}

const retiredBeforeRotation: Rule = ({ retireAfter, rotateEvery }, { slots }) => {
  if (slots < 2 || typeof retireAfter !== 'number' || rotateEvery === undefined) return undefined
  if (retireAfter < rotateEvery) return undefined
  return {
    names: ['retireAfter', 'rotateEvery'],
    message: `a key would never be retired (retireAfter ${formatDuration(retireAfter)}): the next rotation (rotateEvery ${formatDuration(rotateEvery)}) replaces it first`,
    remedy: 'Make retireAfter shorter than rotateEvery, or leave it out.',
  }
}

const windowOpensInTime: Rule = ({ rotateEvery, window }) => {
  const closed = window ? longestClosed(window) : 0
  if (rotateEvery === undefined || rotateEvery >= closed) return undefined
  return {
    names: ['rotateEvery', 'window'],
    message: `keys would be replaced less often than every ${formatDuration(rotateEvery)}, because the window stays closed for up to ${formatDuration(closed)}`,
    remedy: 'Make rotateEvery longer, or open the window on more days.',
  }
}

const rules: readonly Rule[] = [
  expiresAfterRotation,
  expiryCanBeWritten,
  overlapEndsBeforeRotation,
  retiredAfterOverlap,
  retiredBeforeRotation,
  windowOpensInTime,
]

/** How long a window stays closed at most, by the wall clock; 0: it is always open. */
function longestClosed(window: Window): Duration {
  const sorted = window.days.toSorted((a, b) => a - b)
  const gaps = sorted.map((day, index) => (sorted[index + 1] ?? sorted[0]! + 7) - day)
  return Math.max(0, days(Math.max(...gaps)) - window.length)
}

/** What an entry has that no other may have. */
export interface Claimant {
  readonly name?: string | undefined
  readonly credential?: string | undefined
  readonly vault?: string | undefined
  /** The names of its secrets. */
  readonly secrets: readonly string[]
}

interface Claim {
  readonly what: 'name' | 'secret' | 'credential'
  /** In lower case: vault and services compare without case. */
  readonly key: string
  /** Where it is in its entry. */
  readonly field: Path
}

function* claimsOf({ name, credential, vault, secrets }: Claimant): Iterable<Claim> {
  if (name) yield { what: 'name', key: name.toLowerCase(), field: ['name'] }
  if (credential) yield { what: 'credential', key: credential, field: [] }
  if (!vault) return
  for (const secret of secrets) {
    yield { what: 'secret', key: `${vault} ${secret}`.toLowerCase(), field: ['secrets', secret] }
  }
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

/**
 * Every claim that an entry before it in `order` has made, with where. What a conflict says is found again for it: to keep it of every entry
 * would take more memory than the targets do.
 */
export function conflicts(entries: readonly Claimant[], order: readonly number[]): readonly Conflict[] {
  const first = {
    name: new Map<string, number>(),
    secret: new Map<string, number>(),
    credential: new Map<string, number>(),
  }
  const found: Conflict[] = []
  for (const index of order) {
    for (const { what, key, field } of claimsOf(entries[index]!)) {
      const before = first[what].get(key)
      if (before === undefined) {
        first[what].set(key, index)
        continue
      }
      const same = [...claimsOf(entries[before]!)].find((claim) => claim.what === what && claim.key === key)
      const earlier: Path = ['targets', before, ...same!.field]
      found.push({ path: ['targets', index, ...field], earlier, ...said[what](pathText(earlier)) })
    }
  }
  return found
}

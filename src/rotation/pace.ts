// Room: the core. Imports nothing but its own types.
// What one tick puts into the queue, and when each message shows itself. The services' limits are budgets that other
// callers draw on too (HTTP requests, retries, people), so the schedule spends at most half of each, and evenly.

import { type Duration, seconds } from './target.ts'

/** A target that may be looked at or rotated in this tick. */
export interface Candidate {
  readonly target: string
  /** The higher, the sooner. Equals keep their order. */
  readonly urgency: number
  /** Whose writes it draws on: `Place.budget`, a subscription's id or a data plane's host. Any case. */
  readonly budget: string
  /** How many writes it needs there: what the provider declares for a rotation, 1 (POST listKeys) for a look. */
  readonly writes: number
  readonly vault: string
  /** How many secret versions it creates there; none for a look. */
  readonly creates: number
}

export interface PacedCandidate<C extends Candidate = Candidate> {
  readonly candidate: C
  /** From now until its message becomes visible. */
  readonly delay: Duration
}

export interface Pace<C extends Candidate = Candidate> {
  /** In the order in which they go: by delay, and the most urgent first. */
  readonly now: readonly PacedCandidate<C>[]
  /** What does not fit before the next tick, most urgent first. What is due still is then; a look waits for its next turn. */
  readonly later: readonly C[]
}

export interface Tick {
  /** Until the next tick. */
  readonly interval: Duration
  /** How many messages are in the queue already, visible or not. */
  readonly queued: number
}

/** A token bucket: `burst` at once, then `perSecond`. */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/**
 * What the schedule allows itself of each limit (the limit in brackets). Bursts are small, because ticks follow one
 * another and workers take messages in batches.
 */
export const allowances = {
  /** Azure Resource Manager, per subscription, principal and region: writes, POSTs included (200, then 10 a second). */
  subscription: { burst: 20, perSecond: 5 },
  /** An IoT hub's identity registry, on the smallest unit (100 a minute, which is 1.67 a second). */
  registry: { burst: 10, perSecond: 0.8 },
  /** Any other data plane, such as Microsoft Graph (130,000 in 10 seconds for everything that the app does). */
  other: { burst: 20, perSecond: 5 },
  /** A vault: secret versions created (300 in 10 seconds). */
  vault: { burst: 20, perSecond: 10 },
} as const satisfies Record<string, Allowance>

/** The most messages of one tick: a tick has minutes, and the queue takes some hundred messages a second. */
export const mostPerTick = 5000
/** What a message that is in the queue already is taken to need: it does not say, so it counts against every budget. */
const writesQueued = 2

/** The allowance of a budget key, by its look: a subscription's id, an IoT hub's host, or another host. */
export function allowanceOf(budget: string): Allowance {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(budget)) return allowances.subscription
  if (/\.azure-devices\.[a-z.]+$/i.test(budget)) return allowances.registry
  return allowances.other
}

/** A bucket at a moment, in milliseconds from now. Below zero it is in debt. */
interface Bucket {
  readonly allowance: Allowance
  level: number
  at: Duration
}

/** The candidates of one budget that still wait, and when the first of them may go. */
interface Line<C extends Candidate> {
  readonly bucket: Bucket
  readonly waiting: C[]
  head: number
  next: Duration
}

/**
 * What is queued already counts as a debt, but never as more than half of what the interval brings in: messages that
 * wait for days, until a cooling is over, must not starve everybody else.
 */
function bucketOf(allowance: Allowance, tick: Tick): Bucket {
  const debt = Math.min(tick.queued * writesQueued, ((tick.interval / 1000) * allowance.perSecond) / 2)
  return { allowance, level: allowance.burst - debt, at: 0 }
}

function levelAt(bucket: Bucket, at: Duration): number {
  const refilled = bucket.level + ((at - bucket.at) / 1000) * bucket.allowance.perSecond
  return Math.min(bucket.allowance.burst, refilled)
}

/** The first moment, at `from` or later, at which the bucket has what is needed, or is full. */
function affordableAt(bucket: Bucket, needed: number, from: Duration): Duration {
  const missing = Math.min(needed, bucket.allowance.burst) - levelAt(bucket, from)
  return missing <= 0 ? from : from + Math.ceil(seconds(missing) / bucket.allowance.perSecond)
}

function spend(bucket: Bucket, needed: number, at: Duration): void {
  bucket.level = levelAt(bucket, at) - needed
  bucket.at = at
}

/**
 * Chooses what fits before the next tick and spreads it. Within one budget nobody overtakes a more urgent one; budgets
 * do not hold up each other. What does not fit is left for later.
 */
export function pace<C extends Candidate>(candidates: readonly C[], tick: Tick): Pace<C> {
  const urgentFirst = candidates.toSorted((a, b) => b.urgency - a.urgency)
  const lines = linesOf(urgentFirst, tick)
  const vaults = new Map<string, Bucket>()
  const now: PacedCandidate<C>[] = []
  const chosen = new Set<C>()
  // Every round takes the line that may go first, so that time never runs backwards in a vault that lines share.
  for (let line = firstOf(lines); line && now.length < mostPerTick; line = firstOf(lines)) {
    if (line.next >= tick.interval) break
    const candidate = line.waiting[line.head]!
    const vault = entry(vaults, candidate.vault.toLowerCase(), () => bucketOf(allowances.vault, tick))
    const creatable = candidate.creates > 0 ? affordableAt(vault, candidate.creates, line.next) : line.next
    if (creatable > line.next) {
      line.next = creatable
      continue
    }
    spend(line.bucket, candidate.writes, line.next)
    if (candidate.creates > 0) spend(vault, candidate.creates, line.next)
    now.push({ candidate, delay: line.next })
    chosen.add(candidate)
    line.head += 1
    advance(line)
  }
  return { now, later: urgentFirst.filter((candidate) => !chosen.has(candidate)) }
}

function linesOf<C extends Candidate>(urgentFirst: readonly C[], tick: Tick): readonly Line<C>[] {
  const lines = new Map<string, Line<C>>()
  for (const candidate of urgentFirst) {
    const key = candidate.budget.toLowerCase()
    const start = (): Line<C> => ({ bucket: bucketOf(allowanceOf(key), tick), waiting: [], head: 0, next: 0 })
    entry(lines, key, start).waiting.push(candidate)
  }
  for (const line of lines.values()) advance(line)
  return [...lines.values()]
}

/** Sets the moment at which the line's head may go; an empty line never goes. */
function advance<C extends Candidate>(line: Line<C>): void {
  const head = line.waiting[line.head]
  line.next = head ? affordableAt(line.bucket, head.writes, line.next) : Number.POSITIVE_INFINITY
}

/** The line that may go first; of several the one with the most urgent head. */
function firstOf<C extends Candidate>(lines: readonly Line<C>[]): Line<C> | undefined {
  let first: Line<C> | undefined
  for (const line of lines) {
    const head = line.waiting[line.head]
    if (!head) continue
    const sooner = !first || line.next < first.next
    if (sooner || (line.next === first?.next && head.urgency > first.waiting[first.head]!.urgency)) first = line
  }
  return first
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

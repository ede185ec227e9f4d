// What one tick puts into the queue, and when each message shows itself. The services' limits are budgets that other
// callers draw on too (HTTP requests, retries, operators), so the schedule spends at most half of each, and evenly.

import TinyQueue from 'tinyqueue'
import { type Duration, seconds } from './target.ts'

/** A target that may be resynced or rotated in this tick. */
export interface Candidate {
  readonly target: string
  /** The higher, the sooner. Equals keep their order. */
  readonly urgency: number
  /** Whose writes it draws on: `Place.budget`, a subscription's id or a data plane's host. Any case. */
  readonly budget: string
  /** How fast that budget may be spent. Candidates of one budget have the same; the most urgent one's counts. */
  readonly allowance: Allowance
  /** How many writes it needs there: what the provider declares for a rotation, 1 (POST listKeys) for a resync. */
  readonly writes: number
  readonly vault: string
  /** How many secret versions it creates there; none for a resync. */
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
  /** What does not fit before the next tick, most urgent first. What is due still is then; a resync waits for its next turn. */
  readonly later: readonly C[]
}

export interface Tick {
  /** Until the next tick. */
  readonly interval: Duration
  /** How many messages are in the queue already, visible or not. */
  readonly queued: number
  /** Default: half. */
  readonly share?: Share
  /** How many go before the next tick at most. Default: `mostPerTick`. */
  readonly most?: number
}

/**
 * A token bucket: `burst` at once, then `perSecond`. The schedule allows itself at most half of a service's own limit. Bursts are
 * small, because ticks follow one another and workers take messages in batches.
 */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/** How much of each service's limit may be spent: the schedule takes the half, a revoke may take the whole. */
export type Share = 'half' | 'whole'

/** Of the whole: workers that begin late must have something to catch up with, or all that follows is late and throttled, too. */
const planned = 0.95
/** How late they may begin, where half of the burst is enough for that. */
const late: Duration = seconds(5)

/** An allowance is at most the half of its service's limit. Of the whole, what workers that begin late need is left over. */
export function shareOf({ burst, perSecond }: Allowance, share: Share): Allowance {
  if (share === 'half') return { burst, perSecond }
  const whole = { burst: 2 * burst, perSecond: 2 * perSecond }
  const reserve = Math.min(burst, whole.perSecond * (late / seconds(1)))
  return { burst: whole.burst - reserve, perSecond: planned * whole.perSecond }
}

/** A vault's: secret versions created. The vault itself allows 300 in 10 seconds. */
export const vaultAllowance: Allowance = { burst: 20, perSecond: 10 }

/** The most requests of one tick: what workers queue in some minutes, and a fleet of which all is due at once. */
export const mostPerTick = 100_000
/** What a message that is in the queue already is taken to need: it does not say, so it counts against every budget. */
const writesQueued = 2

/** A bucket at a moment, in milliseconds from now. Below zero it is in debt. */
interface Bucket {
  readonly allowance: Allowance
  level: number
  at: Duration
}

/** A candidate with its place among all, the most urgent first. */
interface Ranked<C extends Candidate> {
  readonly candidate: C
  readonly rank: number
}

/** When something is to be done, and who goes first of those that come at the same time. */
interface Turn {
  next: Duration
  rank: number
}

/** The candidates of one budget that still wait, and when the first of them may go. */
interface Line<C extends Candidate> extends Turn {
  readonly bucket: Bucket
  readonly waiting: Ranked<C>[]
  head: number
}

/** A vault, the lines whose heads wait for it, and when it is asked again. */
interface Gate<C extends Candidate> extends Turn {
  readonly bucket: Bucket
  readonly waiting: TinyQueue<Line<C>>
}

/**
 * What is queued already counts as a debt, but never as more than half of what the interval brings in: messages that
 * wait for days, until a cooling is over, must not starve everybody else.
 */
function bucketOf(half: Allowance, tick: Tick): Bucket {
  const allowance = shareOf(half, tick.share ?? 'half')
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
 * Chooses what fits before the next tick and spreads it. Within one budget no candidate overtakes a more urgent one, and of those
 * that wait for one vault the most urgent goes first; budgets do not hold up each other. What does not fit is left for later.
 */
export function pace<C extends Candidate>(candidates: readonly C[], tick: Tick): Pace<C> {
  const { most = mostPerTick } = tick
  const urgentFirst = candidates.toSorted((a, b) => b.urgency - a.urgency)
  const gates = new Map<string, Gate<C>>()
  const now: PacedCandidate<C>[] = []
  const chosen = new Set<C>()
  // Whatever comes next is taken in the order of time, so that it never runs backwards in a vault that lines share. A line
  // waits at its vault instead of asking again and again: a thousand hubs would ask a thousand times for each that goes.
  const coming = new TinyQueue<Line<C> | Gate<C>>([], (a, b) => a.next - b.next || a.rank - b.rank)
  for (const line of linesOf(urgentFirst, tick)) coming.push(line)

  const go = (line: Line<C>, at: Duration) => {
    const { candidate } = headOf(line)!
    spend(line.bucket, candidate.writes, at)
    now.push({ candidate, delay: at })
    chosen.add(candidate)
    line.head += 1
    advance(line, at, tick)
    if (headOf(line)) coming.push(line)
  }
  const askAt = (gate: Gate<C>, next: Duration) => {
    gate.next = next
    gate.rank = gate.waiting.peek()!.rank
    coming.push(gate)
  }
  const waitAt = (line: Line<C>) => {
    const key = headOf(line)!.candidate.vault.toLowerCase()
    const gate = entry(gates, key, () => gateOf<C>(tick))
    const asked = gate.waiting.peek() !== undefined
    gate.waiting.push(line)
    if (!asked) askAt(gate, line.next)
  }
  /** Lets the first through that waits at the gate, if it is still what the vault has enough for. */
  const open = (gate: Gate<C>) => {
    const { next } = gate
    const { creates } = headOf(gate.waiting.peek()!)!.candidate
    if (affordableAt(gate.bucket, creates, next) <= next) {
      spend(gate.bucket, creates, next)
      go(gate.waiting.pop()!, next)
    }
    const following = gate.waiting.peek()
    if (following) askAt(gate, affordableAt(gate.bucket, headOf(following)!.candidate.creates, next))
  }

  for (let first = coming.pop(); first && now.length < most; first = coming.pop()) {
    if (first.next >= tick.interval) break
    if (isGate(first)) open(first)
    else if (headOf(first)!.candidate.creates > 0) waitAt(first)
    else go(first, first.next)
  }
  return { now, later: urgentFirst.filter((candidate) => !chosen.has(candidate)) }
}

function linesOf<C extends Candidate>(urgentFirst: readonly C[], tick: Tick): readonly Line<C>[] {
  const lines = new Map<string, Line<C>>()
  for (const [rank, candidate] of urgentFirst.entries()) {
    const key = candidate.budget.toLowerCase()
    const start = (): Line<C> => ({
      bucket: bucketOf(candidate.allowance, tick),
      waiting: [],
      head: 0,
      next: 0,
      rank: 0,
    })
    entry(lines, key, start).waiting.push({ candidate, rank })
  }
  for (const line of lines.values()) advance(line, 0, tick)
  return [...lines.values()]
}

function gateOf<C extends Candidate>(tick: Tick): Gate<C> {
  const waiting = new TinyQueue<Line<C>>([], (a, b) => a.rank - b.rank)
  return { bucket: bucketOf(vaultAllowance, tick), waiting, next: 0, rank: 0 }
}

function isGate<C extends Candidate>(one: Line<C> | Gate<C>): one is Gate<C> {
  return !('head' in one)
}

function headOf<C extends Candidate>(line: Line<C>): Ranked<C> | undefined {
  return line.waiting[line.head]
}

/**
 * Sets the moment at which the line's head may go, `from` at the soonest. The next tick begins with a full bucket: so what cannot be refilled by
 * then is left for it, or ticks would spend more than the budget brings in. The first of a line goes in any case, or it might never.
 */
function advance<C extends Candidate>(line: Line<C>, from: Duration, { interval }: Tick): void {
  const head = headOf(line)
  if (head === undefined) return
  const { bucket } = line
  const { writes } = head.candidate
  const next = affordableAt(bucket, writes, from)
  const refilled = levelAt(bucket, next) - writes + ((interval - next) / 1000) * bucket.allowance.perSecond
  line.next = line.head > 0 && refilled < bucket.allowance.burst ? Number.POSITIVE_INFINITY : next
  line.rank = head.rank
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

// What the lists of revokes that are under way will still ask of the services: who comes after them is paced behind them.

import type { App } from '../../compose.ts'
import { type Candidate, shareOf } from '../../engine/pace.ts'
import { type Duration, type Instant, minutes, seconds } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { manyCandidate } from '../shared/many-candidate.ts'
import { vaultCalls } from '../shared/read-secrets.ts'
import { recentLists } from './many-index.ts'
import { type Many, readMany } from './many-targets.ts'

/** Before everything else, in the order in which they come. */
const first = Number.POSITIVE_INFINITY
/** Longer than any limit needs to be whole again after its burst. */
const recovery: Duration = minutes(10)

/** A member of a list, and when its message becomes visible. */
interface Member {
  readonly candidate: Candidate
  readonly at: Instant
}

/**
 * As candidates that go before all others: the members of those lists whose messages are still to become visible, and of those that already are
 * one for each limit, with what it has not got back yet. Those that wait for an operator, or come back after a failure, are not among them.
 * `GET {container}?comp=list`, and a blob for each list of the last two weeks, another for those under way. Throws RekeyError.
 */
export async function revokesAhead(app: App, signal: AbortSignal): Promise<readonly Candidate[]> {
  const now = app.clock.now()
  const lists = await recentLists(app, 'revocations', signal)
  const open = lists.filter(({ lastAt }) => Date.parse(lastAt) + recovery > now)
  const read = await atMost(vaultCalls, open, ({ many }) => readMany(app, many, 'revocations'))
  const members = read.flatMap((many) => (many === undefined ? [] : membersOf(app, many)))
  const ahead = members.filter(({ at }) => at > now).map(({ candidate }) => candidate)
  const begun = Map.groupBy(
    members.filter(({ at }) => at <= now),
    ({ candidate }) => candidate.budget.toLowerCase(),
  )
  return [...[...begun.values()].flatMap((ofBudget) => spentBy(ofBudget, now)), ...ahead]
}

function membersOf(app: App, { createdAt, targets, delays, atOnce }: Many): readonly Member[] {
  const begun = Date.parse(createdAt)
  const inOneCall = new Set(atOnce)
  return targets.flatMap((name, place) => {
    const target = app.targetNamed(name)
    if (target === undefined) return []
    const wanted = { revokes: true, atOnce: inOneCall.has(place) }
    const candidate = { ...manyCandidate(app, target, wanted), urgency: first }
    return [{ candidate, at: begun + seconds(delays[place]!) }]
  })
}

/** What those of one limit, all begun, have spent of it that is not there again. */
function spentBy(begun: readonly Member[], now: Instant): readonly Candidate[] {
  const { candidate } = begun[0]!
  const { burst, perSecond } = shareOf(candidate.allowance, 'whole')
  let [level, then] = [burst, 0]
  const refill = (at: Instant) => {
    level = Math.min(burst, level + ((at - then) / seconds(1)) * perSecond)
    then = at
  }
  for (const { candidate: each, at } of begun.toSorted((a, b) => a.at - b.at)) {
    refill(at)
    level -= each.writes
  }
  refill(now)
  return level < burst ? [{ ...candidate, writes: burst - level, creates: 0 }] : []
}

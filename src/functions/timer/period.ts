// Which period of time a tick stands for.

import type { Timer } from '@azure/functions'
import { type Duration, days, type Instant, minutes } from '../../engine/target.ts'

export interface Period {
  /** The tick before: names whose moment lies between it and now have their turn. */
  readonly from: Instant
  readonly to: Instant
  /** Until the next tick. */
  readonly interval: Duration
}

const defaultInterval = minutes(15)

/**
 * The period of this tick, by what the runtime remembers. It remembers nothing of a first tick (`last` is the year 1),
 * and `next` may be this very occurrence or the one after.
 */
export function periodOf(timer: Timer, now: Instant): Period {
  const last = Date.parse(timer.scheduleStatus?.last ?? '')
  const next = Date.parse(timer.scheduleStatus?.next ?? '')
  const since = last > Date.UTC(2000) && last < now ? now - last : undefined
  const ahead = next - now > minutes(1) / 2 ? next - now : undefined
  const interval = Math.min(Math.max(ahead ?? since ?? defaultInterval, minutes(1)), days(1))
  return { from: now - (since ?? interval), to: now, interval }
}

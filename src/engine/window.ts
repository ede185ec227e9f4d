// Windows open at a local time of day and stay open for a length, daylight saving or not.

import { type Duration, days, type Instant, minutes, type Window } from './target.ts'

/** Building a formatter costs a hundred times what using it does. */
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formatters.set(timeZone, made)
  return made
}

/** No zone's clock is moved but at a quarter of an hour, in UTC. */
const quarter: Duration = minutes(15)
/** Of each zone the offsets that were asked for, by the quarter: lists of thousands of targets ask for the same few again and again. */
const offsets = new Map<string, Map<number, Duration>>()
const mostOffsets = 10_000

/** How far the zone's wall clock is ahead of UTC. */
function offsetAt(at: Instant, timeZone: string): Duration {
  const known = offsets.get(timeZone) ?? new Map<number, Duration>()
  if (known.size >= mostOffsets) known.clear()
  offsets.set(timeZone, known)
  const begin = Math.floor(at / quarter) * quarter
  const offset = known.get(begin) ?? readOffset(begin, timeZone)
  known.set(begin, offset)
  return offset
}

/** `at`: without milliseconds. */
function readOffset(at: Instant, timeZone: string): Duration {
  const parts = formatterOf(timeZone).formatToParts(at)
  const part = (type: string) => Number(parts.find((each) => each.type === type)!.value)
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - at
}

/** What the zone's wall clock shows, as if it were UTC: wall times can then be reckoned with. */
function wallClock(at: Instant, timeZone: string): Instant {
  return at + offsetAt(at, timeZone)
}

/**
 * The instant at which the zone's wall clock shows `wall`. Of a time that comes twice (clocks go back) the first; for
 * one that never comes (clocks go forward) the moment that would have been it, had the clock not moved.
 */
function instantAt(wall: Instant, timeZone: string): Instant {
  const before = offsetAt(wall - days(1), timeZone)
  const after = offsetAt(wall + days(1), timeZone)
  const first = Math.min(wall - before, wall - after)
  const second = Math.max(wall - before, wall - after)
  if (wallClock(first, timeZone) === wall) return first
  if (wallClock(second, timeZone) === wall) return second
  return wall - before
}

/** The window's openings of the local days from `from` to `to`, counted from the local day of `now`; in order. */
function openings(window: Window, now: Instant, from: number, to: number): readonly Instant[] {
  const today = Math.floor(wallClock(now, window.timeZone) / days(1))
  const found: Instant[] = []
  for (let day = today + from; day <= today + to; day++) {
    const midnight = day * days(1)
    if (!window.days.includes(new Date(midnight).getUTCDay())) continue
    found.push(instantAt(midnight + window.start * 60_000, window.timeZone))
  }
  return found
}

/** Whether the window is open: from its opening, included, for its length, excluded. */
export function inWindow(window: Window, now: Instant): boolean {
  const back = Math.ceil(window.length / days(1)) + 1
  return openings(window, now, -back, 0).some((opening) => opening <= now && now < opening + window.length)
}

/** The first opening after `now`. Throws RangeError for a window that has no days: targets.json cannot say that. */
export function nextOpening(window: Window, now: Instant): Instant {
  // Eight days ahead: today's opening may be over, and a week later it is the same weekday again.
  const next = openings(window, now, 0, 8).find((opening) => opening > now)
  if (next === undefined) throw new RangeError('a window without days never opens')
  return next
}

/** The first moment, at `from` or after it, at which the window is open. Without a window that is `from`. */
export function firstOpen(window: Window | undefined, from: Instant): Instant {
  return !window || inWindow(window, from) ? from : nextOpening(window, from)
}

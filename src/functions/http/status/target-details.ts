// What GET /api/targets/{name} has of a target beside what lists have: its settings, and until when its keys must stay valid.

import type { App } from '../../../compose.ts'
import { overlapAfter } from '../../../engine/ages.ts'
import { formatDuration, iso } from '../../../engine/duration.ts'
import { isReminder } from '../../../engine/reminder.ts'
import type { Window } from '../../../engine/target.ts'
import type { Target } from '../schemas/target-schema.ts'
import { describe, type TargetReading } from './describe-target.ts'
import { leadIn } from './summarize-target.ts'

/** One target, whole. */
export function describeWhole(app: App, seen: TargetReading): Target {
  const { target } = seen
  const { enabled, rotateEvery } = target
  const ofReminder = isReminder(target) && { isReminder: true as const }
  return { ...describe(app, seen), ...ofReminder, enabled, rotateEvery: formatDuration(rotateEvery), ...keysOf(seen) }
}

/** A reminder has no keys. */
function keysOf(seen: TargetReading) {
  const { target } = seen
  if (isReminder(target)) return {}
  const { slots, overlap, window } = target
  return {
    slots,
    overlap: slots.length > 1 ? formatDuration(overlap) : 'none',
    window: window && describeWindow(window),
    ...datesOf(seen),
  }
}

/** From the publish on that wrote the current versions. */
function datesOf(seen: TargetReading) {
  const { target, secrets } = seen
  const lead = leadIn(seen)
  if (lead === undefined) return {}
  const twoSlots = target.slots.length > 1
  const published = Math.max(...secrets.map((secret) => secret?.created ?? lead.created))
  const overlap = overlapAfter(target, twoSlots, lead)
  const { retireAfter } = target
  const retires = retireAfter !== undefined && twoSlots && lead.stamps?.retire === true
  return {
    note: lead.note,
    publishedAt: iso(lead.created),
    previousKeyValidUntil: overlap === 'none' ? undefined : iso(published + overlap),
    retiresAt: retires ? iso(published + retireAfter) : undefined,
  }
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

/** As targets.json has it. */
function describeWindow({ days, start, length, timeZone }: Window) {
  const two = (number: number) => String(number).padStart(2, '0')
  return {
    days: days.map((day) => weekdays[day]!),
    start: `${two(Math.floor(start / 60))}:${two(start % 60)}`,
    length: formatDuration(length),
    timeZone,
  }
}

// What happens in the coming weeks, day by day: rotations as their windows allow, reminders, and secrets that expire first.

import type { TargetSummary } from './api-shapes.ts'
import { el } from './elements.ts'
import { dayOf, plural } from './moments.ts'

interface Day {
  /** `2026-11-24`, in local time. */
  readonly id: string
  readonly at: Date
  rotations: number
  /** Secrets that expire without being rotated before. */
  expiries: number
}

/** How many days are shown: four weeks, from today. */
const shownDays = 28

/** A moment's day in local time, `2026-11-24`. */
export function localDay(at: string | number | Date): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Whether its secret expires before it is rotated. */
function expiresFirst({ expiresAt, nextRotationAt }: TargetSummary): boolean {
  return expiresAt !== undefined && (nextRotationAt === undefined || Date.parse(expiresAt) < Date.parse(nextRotationAt))
}

/** The coming days with what happens on each; what is due already counts for today. */
function daysOf(targets: readonly TargetSummary[], now: Date): readonly Day[] {
  const days: Day[] = Array.from({ length: shownDays }, (_, index) => {
    // By the calendar: a day is not always 24 hours.
    const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + index)
    return { id: localDay(at), at, rotations: 0, expiries: 0 }
  })
  const byId = new Map(days.map((day) => [day.id, day]))
  const dayFor = (at: string) => byId.get(localDay(Math.max(Date.parse(at), now.getTime())))
  for (const target of targets) {
    const rotates = target.nextRotationAt === undefined ? undefined : dayFor(target.nextRotationAt)
    if (rotates) rotates.rotations++
    const expires = expiresFirst(target) ? dayFor(target.expiresAt!) : undefined
    if (expires && target.status !== 'disabled') expires.expiries++
  }
  return days
}

/** The days as bars; each that has something leads to its targets. */
export function timeline(targets: readonly TargetSummary[], now = new Date()): HTMLElement {
  const days = daysOf(targets, now)
  const most = Math.max(1, ...days.map(({ rotations }) => rotations))
  const total = days.reduce((sum, { rotations }) => sum + rotations, 0)
  return el(
    'figure.timeline',
    el('figcaption.note', `${plural(total, 'rotation')} in the next four weeks, at the time that each window allows.`),
    el(
      'ol.days',
      days.map((day, index) => dayColumn(day, most, index)),
    ),
  )
}

function dayColumn({ id, at, rotations, expiries }: Day, most: number, index: number): HTMLElement {
  const weekend = at.getDay() === 0 || at.getDay() === 6
  const said = [rotations > 0 && plural(rotations, 'rotation'), expiries > 0 && `${plural(expiries, 'secret')} expire`]
    .filter(Boolean)
    .join(', ')
  const bar = el('span.bar', { 'aria-hidden': 'true' })
  bar.style.height = rotations === 0 ? '0' : `${Math.max(4, (rotations / most) * 100)}%`
  const label = index === 0 ? 'today' : index > 1 && at.getDay() === 1 ? dayOf(at.getTime()).slice(4) : ''
  const content = [
    el('span.many', { 'aria-hidden': 'true' }, rotations > 0 ? rotations.toLocaleString('en') : ''),
    el('span.column', bar, expiries > 0 && el('span.expiry', { 'aria-hidden': 'true' }, '◆')),
    el('span.date', { 'aria-hidden': 'true' }, label),
    el('span.quiet', `${dayOf(at.getTime())}: ${said || 'nothing'}`),
  ]
  return el(
    weekend ? 'li.weekend' : 'li',
    said === ''
      ? el('span.day', content)
      : el('a.day', { href: `#/targets?day=${id}&sort=next`, title: `${dayOf(at.getTime())}: ${said}` }, content),
  )
}

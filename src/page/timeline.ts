// What happens in the coming weeks: rotations as their windows allow, reminders, and secrets that expire without one.

import type { TargetSummary } from './api-shapes.ts'
import { el, fill } from './elements.ts'
import { dayOf, plural } from './moments.ts'

interface Span {
  /** The first and the last day in local time, `2026-11-24`. */
  readonly from: string
  readonly to: string
  readonly at: Date
  rotations: number
  /** Secrets that expire without being rotated before. */
  expiries: number
}

/** How far ahead: day by day, or week by week. */
const ranges = [
  { label: '4 weeks', spans: 28, days: 1 },
  { label: '12 weeks', spans: 12, days: 7 },
] as const
type Range = (typeof ranges)[number]

/** What the operator chose last; undefined: the first range in which something happens. */
let chosen: Range | undefined

/** A moment's day in local time, `2026-11-24`. */
export function localDay(at: string | number | Date): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The spans of a range with what happens in each; what is due already counts for the first. */
function spansOf(targets: readonly TargetSummary[], { spans: count, days }: Range, now: Date): readonly Span[] {
  // By the calendar: a day is not always 24 hours.
  const day = (index: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + index)
  const spans: Span[] = Array.from({ length: count }, (_, index) => ({
    from: localDay(day(index * days)),
    to: localDay(day((index + 1) * days - 1)),
    at: day(index * days),
    rotations: 0,
    expiries: 0,
  }))
  const byDay = new Map(
    spans.flatMap((span, index) =>
      Array.from({ length: days }, (_, offset) => [localDay(day(index * days + offset)), span] as const),
    ),
  )
  const spanOf = (at: string) => byDay.get(localDay(Math.max(Date.parse(at), now.getTime())))
  for (const target of targets) {
    const rotates = target.nextRotationAt === undefined ? undefined : spanOf(target.nextRotationAt)
    if (rotates) rotates.rotations++
    const expires = expiresFirst(target) ? spanOf(target.expiresAt!) : undefined
    if (expires) expires.expiries++
  }
  return spans
}

/** Whether its secret expires before it is rotated. */
function expiresFirst({ expiresAt, nextRotationAt, status }: TargetSummary): boolean {
  if (expiresAt === undefined || status === 'disabled') return false
  return nextRotationAt === undefined || Date.parse(expiresAt) < Date.parse(nextRotationAt)
}

/** The coming weeks as bars; each that has something leads to its targets. */
export function timeline(targets: readonly TargetSummary[], now = new Date()): HTMLElement {
  const figure = el('figure.timeline')
  const draw = () => {
    const drawn = ranges.map((range) => ({ range, spans: spansOf(targets, range, now) }))
    const happens = drawn.find(({ spans }) => spans.some(({ rotations, expiries }) => rotations + expiries > 0))
    const shown = drawn.find(({ range }) => range === chosen) ?? happens ?? drawn[0]!
    fill(figure, caption(shown), bars(shown))
  }
  const caption = ({ range, spans }: { range: Range; spans: readonly Span[] }) => {
    const total = spans.reduce((sum, { rotations }) => sum + rotations, 0)
    return el(
      'figcaption.title',
      el('span.note', `${plural(total, 'rotation')} in the next ${range.label}, each when its window allows.`),
      el(
        'span.chips',
        { role: 'group', 'aria-label': 'How far ahead' },
        ranges.map((each) =>
          el(
            'button.chip.off',
            {
              type: 'button',
              'aria-pressed': String(each === range),
              onclick: () => {
                chosen = each
                draw()
                figure.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus()
              },
            },
            each.label,
          ),
        ),
      ),
    )
  }
  draw()
  return figure
}

function bars({ range, spans }: { readonly range: Range; readonly spans: readonly Span[] }): HTMLElement {
  const most = Math.max(1, ...spans.map(({ rotations }) => rotations))
  return el(
    `ol.days.by-${range.days}`,
    spans.map((span, index) => column(span, most, index, range)),
  )
}

function column(
  { from, to, at, rotations, expiries }: Span,
  most: number,
  index: number,
  { days }: Range,
): HTMLElement {
  const isWeekend = days === 1 && (at.getDay() === 0 || at.getDay() === 6)
  const name = days === 1 ? dayOf(at.getTime()) : `Week from ${dayOf(at.getTime())}`
  const said = [
    rotations > 0 && plural(rotations, 'rotation'),
    expiries > 0 && plural(expiries, 'secret expires', 'secrets expire'),
  ]
    .filter(Boolean)
    .join(', ')
  const bar = el('span.bar', { 'aria-hidden': 'true' })
  bar.style.height = rotations === 0 ? '0' : `${Math.max(4, (rotations / most) * 100)}%`
  const isLabelled = days === 7 || (index > 1 && at.getDay() === 1)
  const label = index === 0 ? 'today' : isLabelled ? dayOf(at.getTime()).slice(4) : ''
  const content = [
    el('span.many', { 'aria-hidden': 'true' }, rotations > 0 ? rotations.toLocaleString('en') : ''),
    el('span.column', bar, expiries > 0 && el('span.expiry', { 'aria-hidden': 'true' }, '◆')),
    el('span.date', { 'aria-hidden': 'true' }, label),
    el('span.quiet', `${name}: ${said || 'nothing'}`),
  ]
  const address = `#/targets?from=${from}&to=${to}&sort=next`
  return el(
    isWeekend ? 'li.weekend' : 'li',
    said === '' ? el('span.day', content) : el('a.day', { href: address, title: `${name}: ${said}` }, content),
  )
}

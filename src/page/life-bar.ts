// The life of the key in the vault as a bar: published, overlap, retired, due, expires.

import type { Target } from './api-shapes.ts'
import { el } from './elements.ts'
import { dateAndTime, fromNow, moment } from './moments.ts'

interface Milestone {
  readonly at: string
  readonly label: string
  readonly tone: string
}

/** What has happened and will happen to the key in the vault, in order of time. */
function milestones(target: Target): readonly Milestone[] {
  const { publishedAt, previousKeyValidUntil, retiresAt, dueAt, nextRotationAt, expiresAt, overlap } = target
  const waits = nextRotationAt !== undefined && dueAt !== undefined && Date.parse(nextRotationAt) > Date.parse(dueAt)
  const all: readonly (readonly [string | undefined, string, string])[] = [
    [publishedAt, 'Published', 'ok'],
    [overlap === 'none' ? undefined : previousKeyValidUntil, 'Overlap ends', 'busy'],
    [retiresAt, 'Previous key retired', 'off'],
    [dueAt, target.isReminder ? 'To be renewed' : 'Due', 'warn'],
    [waits ? nextRotationAt : undefined, 'Window opens', 'warn'],
    [expiresAt, 'Expires', 'bad'],
  ]
  return all
    .flatMap(([at, label, tone]) => (at === undefined ? [] : [{ at, label, tone }]))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

/** The bar with its milestones below it; undefined where nothing is known of the key's life. */
export function lifeBar(target: Target, now = Date.now()): HTMLElement | undefined {
  const stones = milestones(target)
  if (stones.length < 2) return undefined
  const times = stones.map(({ at }) => Date.parse(at))
  const from = Math.min(times[0]!, now)
  const to = Math.max(times.at(-1)!, now)
  const place = (time: number) => `${((time - from) / (to - from)) * 100}%`
  const bar = el('div.life', { 'aria-hidden': 'true' })
  stones.slice(0, -1).forEach(({ tone }, index) => {
    // Without an overlap no other key is valid after the publication: the bar begins as it goes on after one.
    const hasOverlap = stones[index + 1]!.tone === 'busy'
    const part = el(`span.part.after-${tone === 'ok' && !hasOverlap ? 'off' : tone}`)
    part.style.left = place(times[index]!)
    part.style.width = place(from + times[index + 1]! - times[index]!)
    bar.append(part)
  })
  for (const [index, { tone }] of stones.entries()) {
    const stone = el(`span.stone.${tone}`)
    stone.style.left = place(times[index]!)
    bar.append(stone)
  }
  const here = el('span.now', { title: `now, ${dateAndTime(now)}` })
  here.style.left = place(now)
  bar.append(here)
  return el(
    'figure',
    { 'aria-label': 'Life of the key in the vault' },
    bar,
    el(
      'ol.stones',
      stones.map(({ at, label, tone }) =>
        el(
          Date.parse(at) < now ? 'li.past' : 'li',
          el('span.label', el(`span.dot.${tone}`, { 'aria-hidden': 'true' }), label),
          moment(at),
          el('small', fromNow(at, now)),
        ),
      ),
    ),
  )
}

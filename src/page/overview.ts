// The first view, in the order of an operator's questions: what fails, what happens next, what goes on.

import type { TargetSummary } from './api-shapes.ts'
import { commandsUnderWay } from './command-panel.ts'
import { type Child, el, fill } from './elements.ts'
import { currentFleet, watchFleet } from './fleet.ts'
import { dateAndTime, dayOf, fromNow, moment, plural, timeOf } from './moments.ts'
import { panel, refusalBox } from './pieces.ts'
import { needsAttention, statusMark, urgency, wordFor } from './status-words.ts'
import { targetAddress } from './target-list.ts'
import { timeline } from './timeline.ts'

/** How many targets each list shows; the rest is a link. */
const mostShown = 10

/** The overview. Returns what ends it. */
export function overview(main: HTMLElement): () => void {
  const place = el('div.stack')
  fill(main, el('h1.quiet', 'Overview'), place)
  return watchFleet(() => {
    const { targets, complete, error } = currentFleet()
    if (targets.length === 0 && !complete) return fill(place, error ? refusalBox(error) : el('p.note', 'Reading…'))
    fill(place, attention(targets, complete), comingUp(targets), underWay())
  })
}

function attention(targets: readonly TargetSummary[], complete: boolean): HTMLElement {
  const urgent = targets
    .filter(({ status }) => needsAttention(status))
    .sort((a, b) => urgency(a.status) - urgency(b.status) || (a.name < b.name ? -1 : 1))
  const counts = [...Map.groupBy(targets, ({ status }) => status)].sort(([a], [b]) => urgency(a) - urgency(b))
  const tally = el(
    'ul.tally',
    counts.map(([status, { length }]) =>
      el(
        'li',
        el(
          'a',
          { href: `#/targets?status=${status}`, title: wordFor(status).meaning },
          el('b', length.toLocaleString('en')),
          statusMark(status),
        ),
      ),
    ),
  )
  if (urgent.length === 0) {
    const all = complete ? `Nothing is failing or overdue: ${plural(targets.length, 'target')}.` : 'Reading…'
    return el('section.panel', el('h2.all-well', all), tally)
  }
  return el(
    'section.panel',
    el('h2.bad', `${plural(urgent.length, 'target')} ${urgent.length === 1 ? 'needs' : 'need'} attention`),
    el('ul.rows', urgent.slice(0, mostShown).map(urgentRow)),
    more(urgent.length, `#/targets`),
    tally,
  )
}

function urgentRow({ name, status, lastError, dueAt, expiresAt }: TargetSummary): HTMLElement {
  const since = lastError?.at ?? (status === 'expired' ? expiresAt : dueAt)
  const what = lastError ? lastError.code : status === 'expired' ? 'expired' : status === 'overdue' ? 'due' : ''
  return el(
    'li',
    statusMark(status),
    el('a.mono', { href: targetAddress(name) }, name),
    el('span.note', what, what !== '' && since !== undefined && [lastError ? ', ' : ' ', moment(since, fromNow)]),
  )
}

function comingUp(targets: readonly TargetSummary[]): HTMLElement {
  const next = targets
    .filter(({ nextRotationAt }) => nextRotationAt !== undefined)
    .sort((a, b) => Date.parse(a.nextRotationAt!) - Date.parse(b.nextRotationAt!))
  return panel(
    'Coming up',
    timeline(targets),
    next.length > 0 && el('ul.rows', next.slice(0, mostShown).map(nextRow)),
    more(next.length, '#/targets?sort=next'),
  )
}

function nextRow({ name, provider, dueAt, nextRotationAt = '' }: TargetSummary): HTMLElement {
  const isPast = Date.parse(nextRotationAt) <= Date.now()
  const waits = !isPast && dueAt !== undefined && Date.parse(nextRotationAt) > Date.parse(dueAt)
  return el(
    'li',
    el('span.at', isPast ? 'next tick' : moment(nextRotationAt, (at) => `${dayOf(at)} ${timeOf(at)}`)),
    el('a.mono', { href: targetAddress(name) }, name),
    el('span.note', provider, waits && `; due ${dateAndTime(dueAt)}, waits for its window`),
  )
}

function underWay(): Child {
  const commands = commandsUnderWay()
  return commands.length > 0 && panel('Under way', el('ul.rows', commands))
}

function more(count: number, address: string): Child {
  return count > mostShown && el('p', el('a', { href: address }, `All ${count.toLocaleString('en')}`))
}

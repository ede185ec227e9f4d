// The list of targets: search, filters, order.

import type { TargetSummary } from './api-shapes.ts'
import { announce, type Child, el, fill } from './elements.ts'
import { filterControls } from './filter-controls.ts'
import { currentFleet, watchFleet } from './fleet.ts'
import { fromNow, moment, plural } from './moments.ts'
import { refusalBox } from './pieces.ts'
import { statusMark, urgency } from './status-words.ts'
import { filterIn, matches, rememberIn } from './target-filter.ts'
import { virtualRows } from './virtual-rows.ts'

interface Column {
  readonly id: string
  readonly title: string
  /** What it is ordered by: a text, or a number. */
  readonly by: (target: TargetSummary) => string | number
  readonly cell: (target: TargetSummary) => Node | string
}

const at = (time: string | undefined) => (time === undefined ? Number.POSITIVE_INFINITY : Date.parse(time))
const cellOf = (time: string | undefined) => (time === undefined ? '–' : moment(time, fromNow))

const columns: readonly Column[] = [
  { id: 'name', title: 'Target', by: ({ name }) => name, cell: ({ name }) => name },
  { id: 'provider', title: 'Service', by: ({ provider }) => provider, cell: ({ provider }) => provider },
  { id: 'status', title: 'Status', by: ({ status }) => urgency(status), cell: ({ status }) => statusMark(status) },
  { id: 'slot', title: 'Active slot', by: ({ slot }) => slot ?? '', cell: ({ slot }) => slot ?? '–' },
  { id: 'rotated', title: 'Rotated', by: ({ rotatedAt }) => at(rotatedAt), cell: ({ rotatedAt }) => cellOf(rotatedAt) },
  { id: 'next', title: 'Next', by: (target) => at(nextOf(target)), cell: (target) => cellOf(nextOf(target)) },
  { id: 'expires', title: 'Expires', by: ({ expiresAt }) => at(expiresAt), cell: ({ expiresAt }) => cellOf(expiresAt) },
]

/** When it is rotated next: inside its window, where it has one. */
function nextOf({ nextRotationAt }: TargetSummary): string | undefined {
  return nextRotationAt
}

/** The view of all targets; `query` is what the address says of filters. Returns what ends it. */
export function targetList(main: HTMLElement, query: URLSearchParams): () => void {
  const filter = filterIn(query)
  let shown: readonly TargetSummary[] = []
  /** All of them in order: letters of the search filter it, and do not sort it again. */
  let ordered: { readonly of: unknown; readonly sort: string; readonly targets: readonly TargetSummary[] } = {
    of: undefined,
    sort: '',
    targets: [],
  }
  let active = 0
  let remembering: ReturnType<typeof setTimeout> | undefined

  const count = el('p.count')
  const head = el('tr', { role: 'row', 'aria-rowindex': 1 })
  const body = el('tbody', { role: 'rowgroup' })
  const empty = el('div.empty')
  const table = el(
    'table.targets',
    { role: 'table', 'aria-label': 'Targets' },
    el('thead', { role: 'rowgroup' }, head),
    body,
  )
  const typed = () => {
    apply()
    announce(count.textContent ?? '')
  }
  const controls = filterControls(filter, typed, refresh)
  const rows = virtualRows(body, (index) => rowOf(shown[index]!, index, index === active))

  fill(main, el('h1', 'Targets'), controls.elements, count, table, empty)

  function apply(options?: { readonly keep: boolean }): void {
    const { targets } = currentFleet()
    if (ordered.of !== targets || ordered.sort !== filter.sort) {
      ordered = { of: targets, sort: filter.sort, targets: sorted(targets, filter.sort) }
    }
    shown = ordered.targets.filter(matches(filter))
    if (!options?.keep) active = 0
    active = Math.min(active, Math.max(0, shown.length - 1))
    table.setAttribute('aria-rowcount', String(shown.length + 1))
    table.hidden = shown.length === 0
    rows.show(shown.length, options)
    say(targets.length)
    clearTimeout(remembering)
    // Browsers limit how often the address may change.
    remembering = setTimeout(() => rememberIn(filter), 300)
  }

  function say(total: number): void {
    const { complete, error } = currentFleet()
    const all = shown.length === total
    count.textContent = all
      ? plural(total, 'target')
      : `${shown.length.toLocaleString('en')} of ${plural(total, 'target')}`
    if (!complete && !error) count.append(', reading more…')
    fill(empty, shown.length > 0 ? undefined : whyEmpty(total))
  }

  function whyEmpty(total: number): Child {
    const { complete, error } = currentFleet()
    if (error) return refusalBox(error)
    if (!complete) return 'Reading…'
    return total === 0 ? 'No targets are configured.' : 'No target matches.'
  }

  function heading({ id, title }: Column): HTMLElement {
    const [by, down] = sortOf(filter.sort)
    const sorted = by === id ? (down ? 'descending' : 'ascending') : undefined
    return el(
      `th.${id}`,
      { role: 'columnheader', scope: 'col', 'aria-sort': sorted },
      el(
        'button',
        {
          type: 'button',
          onclick: () => {
            filter.sort = sorted === 'ascending' ? `-${id}` : id
            refresh()
            head.querySelector<HTMLElement>(`.${id} button`)?.focus()
          },
        },
        title,
        el('span', { 'aria-hidden': 'true' }, sorted === undefined ? '' : down ? ' ↓' : ' ↑'),
      ),
    )
  }

  function refresh(): void {
    controls.show(currentFleet().targets)
    fill(head, columns.map(heading))
    apply()
  }

  body.addEventListener('keydown', (event) => {
    const to = movedTo(event.key, active, shown.length)
    if (to === undefined) return
    event.preventDefault()
    active = to
    rows.focus(active)
  })
  body.addEventListener('focusin', ({ target }) => {
    const row = (target as Element).closest('tr')
    if (row) active = Number(row.getAttribute('aria-rowindex')) - 2
  })
  const unwatch = watchFleet(() => {
    controls.show(currentFleet().targets)
    fill(head, columns.map(heading))
    apply({ keep: true })
  })
  return () => {
    clearTimeout(remembering)
    unwatch()
    rows.stop()
  }
}

function rowOf(target: TargetSummary, index: number, isActive: boolean): HTMLTableRowElement {
  return el(
    'tr',
    { role: 'row', 'aria-rowindex': index + 2 },
    columns.map(({ id, cell }) =>
      id === 'name'
        ? el(
            'th.name',
            { role: 'rowheader', scope: 'row' },
            // One stop for Tab; arrow keys move between the rows.
            el('a', { href: targetAddress(target.name), tabindex: isActive ? 0 : -1 }, target.name),
          )
        : el(`td.${id}`, { role: 'cell' }, cell(target)),
    ),
  )
}

/** Where a target is shown. */
export function targetAddress(name: string): string {
  return `#/targets/${encodeURIComponent(name)}`
}

function sortOf(sort: string): readonly [id: string, down: boolean] {
  return sort.startsWith('-') ? [sort.slice(1), true] : [sort, false]
}

/** The targets in this order: each key is made once, because a comparison happens many times. */
function sorted(targets: readonly TargetSummary[], sort: string): readonly TargetSummary[] {
  const [id, down] = sortOf(sort)
  const { by } = columns.find((column) => column.id === id) ?? columns[2]!
  const sign = down ? -1 : 1
  return targets
    .map((target) => ({ target, key: by(target), next: at(nextOf(target)), name: target.name }))
    .sort((a, b) => compare(a.key, b.key) * sign || compare(a.next, b.next) || compare(a.name, b.name))
    .map(({ target }) => target)
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function movedTo(key: string, from: number, count: number): number | undefined {
  const page = Math.max(1, Math.floor(innerHeight / 60))
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: count - 1,
  }
  const to = moves[key]
  return to === undefined ? undefined : Math.max(0, Math.min(count - 1, to))
}

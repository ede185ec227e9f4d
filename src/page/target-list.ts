// The list of targets: search, filters, order.

import type { TargetSummary } from './api-shapes.ts'
import { announce, type Child, el, fill } from './elements.ts'
import { currentFleet, watchFleet } from './fleet.ts'
import { fromNow, moment, plural } from './moments.ts'
import { refusalBox } from './pieces.ts'
import { statusMark, statusWords, urgency, wordFor } from './status-words.ts'
import { localDay } from './timeline.ts'
import { virtualRows } from './virtual-rows.ts'

interface Filter {
  search: string
  status: string
  provider: string
  vault: string
  /** Days of local time, `2026-11-24`: what rotates, or expires first, from the one to the other. */
  from: string
  to: string
  sort: string
}

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
  const filter: Filter = {
    search: query.get('search') ?? '',
    status: query.get('status') ?? '',
    provider: query.get('provider') ?? '',
    vault: query.get('vault') ?? '',
    from: query.get('from') ?? '',
    to: query.get('to') ?? '',
    sort: query.get('sort') ?? 'status',
  }
  let shown: readonly TargetSummary[] = []
  /** All of them in order: letters of the search filter it, and do not sort it again. */
  let ordered: { readonly of: unknown; readonly sort: string; readonly targets: readonly TargetSummary[] } = {
    of: undefined,
    sort: '',
    targets: [],
  }
  let active = 0
  let remembering: ReturnType<typeof setTimeout> | undefined

  const search = el('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Name, service, resource, vault…',
    autocomplete: 'off',
    spellcheck: 'false',
    value: filter.search,
    'aria-keyshortcuts': '/',
  })
  const chips = el('div.chips', { role: 'group', 'aria-label': 'Status' })
  const providers = el('select', { 'aria-label': 'Service' })
  const vaults = el('select', { 'aria-label': 'Vault' })
  const days = el('button', { type: 'button' })
  const count = el('p.count', { role: 'status' })
  const head = el('tr', { role: 'row', 'aria-rowindex': 1 })
  const body = el('tbody', { role: 'rowgroup' })
  const empty = el('div.empty')
  const table = el(
    'table.targets',
    { role: 'table', 'aria-label': 'Targets' },
    el('thead', { role: 'rowgroup' }, head),
    body,
  )
  const rows = virtualRows(body, (index) => rowOf(shown[index]!, index, index === active))

  fill(
    main,
    el('h1', 'Targets'),
    el(
      'div.filters',
      { role: 'search' },
      el('label.grow', { for: 'search' }, el('span.quiet', 'Search targets'), search),
      providers,
      vaults,
      days,
    ),
    chips,
    count,
    table,
    empty,
  )

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

  function controls(): void {
    const { targets } = currentFleet()
    const statuses = countsBy(targets, ({ status }) => status)
    const known = [...statuses.keys()].sort((a, b) => urgency(a) - urgency(b))
    fill(
      chips,
      chip('', 'all', targets.length),
      known.map((status) => chip(status, wordFor(status).label, statuses.get(status)!)),
    )
    options(
      providers,
      'All services',
      countsBy(targets, ({ provider }) => provider),
      filter.provider,
    )
    options(
      vaults,
      'All vaults',
      countsBy(targets, ({ vault = '' }) => hostOf(vault)),
      filter.vault,
    )
    vaults.hidden = vaults.options.length < 3
    const { from, to } = filter
    const when = from === to ? `on ${from}` : `${from} to ${to}`
    days.hidden = from === ''
    days.textContent = `${when} ✕`
    days.setAttribute('aria-label', `Remove the filter: rotates or expires ${when}`)
    fill(head, columns.map(heading))
  }

  function chip(status: string, label: string, many: number): HTMLElement {
    const pressed = filter.status === status
    const tone = statusWords[status]?.tone ?? 'off'
    return el(
      `button.chip.${tone}`,
      {
        type: 'button',
        'aria-pressed': String(pressed),
        onclick: () => {
          filter.status = pressed ? '' : status
          refresh()
          chips.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus()
        },
      },
      label,
      el('b', many.toLocaleString('en')),
    )
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
    controls()
    apply()
  }

  search.addEventListener('input', () => {
    filter.search = search.value
    apply()
    announce(count.textContent ?? '')
  })
  providers.addEventListener('change', () => {
    filter.provider = providers.value
    apply()
  })
  vaults.addEventListener('change', () => {
    filter.vault = vaults.value
    apply()
  })
  days.addEventListener('click', () => {
    filter.from = filter.to = ''
    refresh()
    search.focus()
  })
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
    controls()
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

function matches({ search, status, provider, vault, from, to }: Filter): (target: TargetSummary) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return (target) =>
    (status === '' || target.status === status) &&
    (provider === '' || target.provider === provider) &&
    (vault === '' || hostOf(target.vault ?? '') === vault) &&
    (from === '' || happensBetween(target, from, to)) &&
    words.every((word) => textOf(target).includes(word))
}

/** What is due already happens today. */
function happensBetween({ nextRotationAt, expiresAt }: TargetSummary, from: string, to: string): boolean {
  const at = nextRotationAt ?? expiresAt
  if (at === undefined) return false
  const day = localDay(Math.max(Date.parse(at), Date.now()))
  return from <= day && day <= to
}

const texts = new WeakMap<TargetSummary, string>()

/** What the search goes through, made once for each target. */
function textOf(target: TargetSummary): string {
  let text = texts.get(target)
  if (text === undefined) {
    const { name, provider, resource, vault, status, reason, actor, slot, lastError } = target
    text = [name, provider, resource, vault, status, wordFor(status).label, reason, actor, slot, lastError?.code]
      .join('\n')
      .toLowerCase()
    texts.set(target, text)
  }
  return text
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

function countsBy(targets: readonly TargetSummary[], of: (target: TargetSummary) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const target of targets) counts.set(of(target), (counts.get(of(target)) ?? 0) + 1)
  return counts
}

function options(select: HTMLSelectElement, all: string, counts: ReadonlyMap<string, number>, chosen: string): void {
  const names = [...counts.keys()].sort()
  fill(
    select,
    el('option', { value: '' }, all),
    names.map((name) => el('option', { value: name }, `${name} (${counts.get(name)})`)),
  )
  select.value = chosen
}

function hostOf(vault: string): string {
  return vault.replace(/^https:\/\//, '').replace(/\/$/, '')
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

/** The address keeps the filters, so that it can be sent on; going back does not go through every letter. */
function rememberIn(filter: Filter): void {
  const entries = Object.entries(filter).filter(
    ([name, value]) => value !== '' && !(name === 'sort' && value === 'status'),
  )
  const query = new URLSearchParams(entries).toString()
  history.replaceState(null, '', query === '' ? '#/targets' : `#/targets?${query}`)
}

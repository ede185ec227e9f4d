// The search and the filters above the list of targets.

import type { TargetSummary } from './api-shapes.ts'
import { el, fill } from './elements.ts'
import { statusWords, urgency, wordFor } from './status-words.ts'
import { type Filter, hostOf } from './target-filter.ts'

export interface FilterControls {
  readonly elements: readonly HTMLElement[]
  /** Offers what these targets have. */
  show(targets: readonly TargetSummary[]): void
}

/** Controls that write into `filter`. `typed` is called after each letter of the search, `changed` after any other change. */
export function filterControls(filter: Filter, typed: () => void, changed: () => void): FilterControls {
  const search = searchField(filter, typed)
  const [providers, vaults] = [choice('Service'), choice('Vault')]
  const days = el('button', { type: 'button' })
  const chips = el('div.chips', { role: 'group', 'aria-label': 'Status' })
  providers.addEventListener('change', () => {
    filter.provider = providers.value
    changed()
  })
  vaults.addEventListener('change', () => {
    filter.vault = vaults.value
    changed()
  })
  days.addEventListener('click', () => {
    filter.from = filter.to = ''
    changed()
    search.focus()
  })
  const bar = el(
    'div.filters',
    { role: 'search' },
    el('label.grow', { for: 'search' }, el('span.quiet', 'Search targets'), search),
    providers,
    vaults,
    days,
  )
  const show = (targets: readonly TargetSummary[]) => {
    const byProvider = countsBy(targets, ({ provider }) => provider)
    const byVault = countsBy(targets, ({ vault = '' }) => hostOf(vault))
    options(providers, 'All services', byProvider, filter.provider)
    options(vaults, 'All vaults', byVault, filter.vault)
    vaults.hidden = byVault.size < 2
    showDays(days, filter)
    showChips(chips, targets, filter, changed)
  }
  return { elements: [bar, chips], show }
}

function searchField(filter: Filter, typed: () => void): HTMLInputElement {
  const search = el('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Name, service, resource, vault…',
    autocomplete: 'off',
    spellcheck: 'false',
    value: filter.search,
    'aria-keyshortcuts': '/',
  })
  search.addEventListener('input', () => {
    filter.search = search.value
    typed()
  })
  return search
}

function choice(label: string): HTMLSelectElement {
  return el('select', { 'aria-label': label })
}

/** The days that the timeline led to; pressing it removes them. */
function showDays(days: HTMLButtonElement, { from, to }: Filter): void {
  const when = from === to ? `on ${from}` : `${from} to ${to}`
  days.hidden = from === ''
  days.textContent = `${when} ✕`
  days.setAttribute('aria-label', `Remove the filter: rotates or expires ${when}`)
}

function showChips(chips: HTMLElement, targets: readonly TargetSummary[], filter: Filter, changed: () => void): void {
  const hadFocus = chips.contains(document.activeElement)
  const counts = countsBy(targets, ({ status }) => status)
  const known = [...counts.keys()].sort((a, b) => urgency(a) - urgency(b))
  const press = (status: string) => {
    filter.status = filter.status === status ? '' : status
    changed()
  }
  const chip = (status: string, label: string, many: number) =>
    el(
      `button.chip.${statusWords[status]?.tone ?? 'off'}`,
      { type: 'button', 'aria-pressed': String(filter.status === status), onclick: () => press(status) },
      label,
      el('b', many.toLocaleString('en')),
    )
  fill(
    chips,
    chip('', 'all', targets.length),
    known.map((status) => chip(status, wordFor(status).label, counts.get(status)!)),
  )
  if (hadFocus) chips.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus()
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

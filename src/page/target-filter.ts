// Which targets the list shows: what the address says, and which targets that fits.

import type { TargetSummary } from './api-shapes.ts'
import { wordFor } from './status-words.ts'
import { localDay } from './timeline.ts'

export interface Filter {
  search: string
  status: string
  provider: string
  vault: string
  /** Days of local time, `2026-11-24`: what rotates, or expires first, from the one to the other. */
  from: string
  to: string
  sort: string
}

/** The filter that an address has. */
export function filterIn(query: URLSearchParams): Filter {
  const of = (name: string) => query.get(name) ?? ''
  return {
    search: of('search'),
    status: of('status'),
    provider: of('provider'),
    vault: of('vault'),
    from: of('from'),
    to: of('to'),
    sort: query.get('sort') ?? 'status',
  }
}

/** Whether a target fits all of a filter. */
export function matches({ search, status, provider, vault, from, to }: Filter): (target: TargetSummary) => boolean {
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

/** A vault's host. */
export function hostOf(vault: string): string {
  return vault.replace(/^https:\/\//, '').replace(/\/$/, '')
}

/** The address keeps the filters, so that it can be sent on; going back does not go through every letter. */
export function rememberIn(filter: Filter): void {
  const entries = Object.entries(filter).filter(
    ([name, value]) => value !== '' && !(name === 'sort' && value === 'status'),
  )
  const query = new URLSearchParams(entries).toString()
  history.replaceState(null, '', query === '' ? '#/targets' : `#/targets?${query}`)
}

// What Rekey does not manage yet, with the lines that would add it.

import { getAll } from './api-client.ts'
import type { Candidate, ShownError } from './api-shapes.ts'
import { codeLines, el, fill } from './elements.ts'
import { fromNow, moment, plural } from './moments.ts'
import { problemBox, showRead } from './pieces.ts'

interface Found {
  readonly candidates: readonly Candidate[]
  readonly asOf?: string
  readonly notRead: readonly ShownError[]
}

/** Shows the candidates, oldest key first. */
export function candidatesView(main: HTMLElement): void {
  const place = el('div.stack')
  fill(
    main,
    el('h1', 'Not managed yet'),
    el(
      'p.note',
      'Resources with keys that this app may read and does not rotate. Nothing is added from here: the lines go into targets.json, and the grant into ROTATION_GRANTS.',
    ),
    place,
  )
  void showRead(place, readAll, show)
}

async function readAll(): Promise<Found> {
  let found: Found = { candidates: [], notRead: [] }
  await getAll<Candidate>('/api/candidates', (candidates, page) => {
    const { asOf, notRead = [] } = page as { asOf?: string; notRead?: readonly ShownError[] }
    found = { candidates, notRead: [...found.notRead, ...notRead], ...(asOf !== undefined && { asOf }) }
  })
  return found
}

function show({ candidates, asOf, notRead }: Found) {
  const sorted = [...candidates].sort((a, b) => (b.ageDays ?? -1) - (a.ageDays ?? -1) || (a.name < b.name ? -1 : 1))
  return [
    notRead.map((error) => problemBox(error)),
    el(
      'p.count',
      sorted.length === 0 ? 'Nothing was found that is not managed.' : plural(sorted.length, 'resource'),
      asOf !== undefined && [', as of ', moment(asOf)],
    ),
    el('ul.cards', sorted.map(card)),
  ]
}

function card(candidate: Candidate): HTMLElement {
  const { name, provider, title, subscription, resourceGroup, location, oldestKeyAt, keyPolicyDays, note } = candidate
  const { targetsEntry, grant } = candidate
  const late = keyPolicyDays !== undefined && candidate.ageDays !== undefined && candidate.ageDays > keyPolicyDays
  return el(
    'li.panel',
    el('h2.mono', name),
    el('p.note', [title ?? provider, resourceGroup, location, subscription].filter(Boolean).join(' · ')),
    el(
      late ? 'p.bad' : 'p',
      oldestKeyAt === undefined
        ? 'The service does not say how old its keys are.'
        : ['Oldest key: ', moment(oldestKeyAt, fromNow)],
      keyPolicyDays !== undefined && `; the account's own policy is ${plural(keyPolicyDays, 'day')}`,
    ),
    note !== undefined && el('p.note', note),
    el(
      'details',
      el('summary', 'Add it'),
      el('p.note', 'In targets.json:'),
      codeLines(JSON.stringify(targetsEntry, null, 2), `the entry of ${name} for targets.json`),
      el('p.note', 'In ROTATION_GRANTS:'),
      codeLines(grant, `the grant for ${name}`),
    ),
  )
}

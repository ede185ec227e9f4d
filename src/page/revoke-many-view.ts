// Revokes the keys of a vault, a subscription, a service or a list: first how many that are, then the same number again.

import { ApiError, post } from './api-client.ts'
import type { RevocationDryRun } from './api-shapes.ts'
import { confirmDialog } from './confirm-dialog.ts'
import { el, fill } from './elements.ts'
import { currentFleet, watchFleet } from './fleet.ts'
import { plural } from './moments.ts'
import { refusalBox } from './pieces.ts'
import { targetAddress } from './target-list.ts'

type Kind = 'vault' | 'subscription' | 'provider' | 'targets'

/** The form. Returns what ends it. */
export function revokeMany(main: HTMLElement): () => void {
  const kind = el(
    'select',
    { id: 'kind' },
    el('option', { value: 'vault' }, 'a vault'),
    el('option', { value: 'subscription' }, 'a subscription'),
    el('option', { value: 'provider' }, 'a service'),
    el('option', { value: 'targets' }, 'a list of targets'),
  )
  const which = el('select', { id: 'which' })
  const names = el('textarea', { id: 'names', rows: 6, spellcheck: 'false', 'aria-label': 'Targets, one a line' })
  const found = el('div.stack', { 'aria-live': 'polite' })
  const count = el('button.primary', { type: 'submit' }, 'Count')
  const form = el(
    'form.panel',
    el('label', { for: 'kind' }, 'Every key of', kind),
    el('label', { for: 'which' }, el('span.quiet', 'Which'), which),
    names,
    el('div.buttons', count),
  )
  fill(
    main,
    el('p.crumb', el('a', { href: '#/operations' }, '← Operations')),
    el('h1', 'Revoke many keys'),
    el(
      'p.note',
      'For a leak that is larger than one key. Every key is replaced at once, without an overlap: consumers stop working until they read the new one. Counting changes nothing.',
    ),
    form,
    found,
  )

  function choices(): void {
    const chosen = which.value
    const isList = kind.value === 'targets'
    ;[which.hidden, names.hidden] = [isList, !isList]
    fill(
      which,
      valuesFor(kind.value as Kind).map((value) => el('option', { value }, value)),
    )
    if (chosen !== '') which.value = chosen
    count.disabled = !isList && which.options.length === 0
  }

  const selector = (): object =>
    kind.value === 'targets' ? { targets: names.value.split(/[\s,]+/).filter(Boolean) } : { [kind.value]: which.value }

  kind.addEventListener('change', () => {
    found.replaceChildren()
    choices()
  })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    await dryRun(found, selector())
  })
  return watchFleet(choices)
}

function valuesFor(kind: Kind): readonly string[] {
  const { targets } = currentFleet()
  const of: readonly (string | undefined)[] = {
    vault: targets.map(({ vault }) => vault),
    subscription: targets.map(({ resource }) => /\/subscriptions\/([^/]+)/i.exec(resource ?? '')?.[1]),
    provider: targets.map(({ provider }) => provider),
    targets: [],
  }[kind]
  return [...new Set<string>(of.filter((value) => value !== undefined))].sort()
}

async function dryRun(place: HTMLElement, selector: object): Promise<void> {
  fill(place, el('p.note', 'Counting…'))
  try {
    const { body } = await post<RevocationDryRun>('/api/revocations', { ...selector, dryRun: true })
    fill(place, counted(place, selector, body))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    fill(place, refusalBox(error))
  }
}

function counted(place: HTMLElement, selector: object, dry: RevocationDryRun): HTMLElement {
  const { count, targets, disabled, notApplied, reminders } = dry
  const leftOut = (what: RevocationDryRun['disabled'], why: string) =>
    what && el('p.note', `${plural(what.count, 'target')} ${why}: left alone (${what.targets.join(', ')}).`)
  return el(
    'section.panel',
    el('h2', `${plural(count, 'target')} would be revoked`),
    leftOut(disabled, 'disabled in targets.json'),
    leftOut(notApplied, 'with an entry in targets.json that cannot be applied'),
    leftOut(reminders, 'whose secrets an operator renews'),
    el(
      'details',
      el('summary', targets.length < count ? `The first ${targets.length}` : 'Which'),
      el(
        'ul.list',
        targets.map((name) => el('li', el('a', { href: targetAddress(name) }, name))),
      ),
    ),
    el(
      'div.buttons',
      el(
        'button.danger',
        { type: 'button', disabled: count === 0, onclick: () => void confirm(place, selector, count) },
        `Revoke ${plural(count, 'target')}…`,
      ),
    ),
  )
}

async function confirm(place: HTMLElement, selector: object, count: number): Promise<void> {
  const agreed = await confirmDialog({
    title: `Revoke the keys of ${plural(count, 'target')}?`,
    what: el(
      'p.beware',
      'Every key of these targets is replaced. Consumers that hold an older key stop working until they read the new one.',
    ),
    agree: 'Revoke',
    typed: { label: `Type ${count} to confirm`, text: String(count) },
    noteRequired: true,
    danger: true,
  })
  if (agreed === undefined) return
  try {
    const { body } = await post<{ id: string }>('/api/revocations', { ...selector, count, note: agreed.note })
    location.hash = `#/operations/${body.id}`
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    fill(place, refusalBox(error))
  }
}

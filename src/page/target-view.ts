// One target: the life of its key, what may be done, who did what.

import { ApiError, get } from './api-client.ts'
import type { HistoryEntry, Target, TargetPlan } from './api-shapes.ts'
import { commandPanel } from './command-panel.ts'
import { reasonText } from './command-words.ts'
import { announce, type Child, copyButton, el, fill } from './elements.ts'
import { updateTarget } from './fleet.ts'
import { lifeBar } from './life-bar.ts'
import { dateAndTime, fromNow, moment, spanOf } from './moments.ts'
import { facts, panel, problemBox, showRead } from './pieces.ts'
import { saveCsvButton } from './save-csv.ts'
import { statusMark } from './status-words.ts'

/** How often an open target is read again, to see what others have changed. */
const watchEvery = 10_000

/** Shows the target of this name, read now, and again once another client has changed it. Returns what ends that. */
export function targetView(main: HTMLElement, name: string): () => void {
  document.title = `${name} · Rekey`
  const path = `/api/targets/${encodeURIComponent(name)}`
  const [top, commands, history] = [el('div.stack'), el('div.stack'), el('div.stack')]
  fill(main, el('p.crumb', el('a', { href: '#/targets' }, '← Targets')), el('h1.mono', name), top, commands, history)

  let shown: Target | undefined
  async function read(): Promise<void> {
    let target: Target | undefined
    const found = await showRead(
      top,
      () => get<Target>(path),
      (seen) => {
        target = seen
        shown = seen
        updateTarget(seen)
        return overviewOf(seen)
      },
    )
    if (!found || target === undefined) return
    const seen = target
    const readEntries = () => get<{ value: readonly HistoryEntry[] }>(`${path}/history`)
    const readHistory = showRead(history, readEntries, (entries) => historyOf(seen, entries))
    if (!seen.isReminder) {
      const planOf = () => get<TargetPlan>(`${path}/plan`)
      await showRead(commands, planOf, (plan) => [nextSteps(plan), commandPanel(seen, plan, () => void read())])
    }
    await readHistory
  }
  void read()
  const watching = setInterval(async () => {
    if (shown === undefined || document.visibilityState === 'hidden' || document.querySelector('dialog[open]')) return
    const now = await get<Target>(path).catch(unread)
    if (now === undefined || shown === undefined || stateOf(now) === stateOf(shown)) return
    shown = now
    announce(`${name} has changed`)
    void read()
  }, watchEvery)
  return () => clearInterval(watching)
}

/** A try that failed: what is shown stays, and the next one may succeed. */
function unread(error: unknown): undefined {
  if (!(error instanceof ApiError)) throw error
}

/** What shows that a target has changed. */
function stateOf({ version, status, lastError }: Target): string {
  return JSON.stringify([version, status, lastError])
}

function overviewOf(target: Target): Child {
  const { status, lastError, lastComparedError } = target
  return [
    el('p.headline', statusMark(status), el('span', headline(target))),
    lastError &&
      problemBox({
        ...lastError,
        message: [lastError.message, lastError.at && `(${dateAndTime(lastError.at)})`].filter(Boolean).join(' '),
      }),
    el('section.panel', lifeBar(target), slotsOf(target), factsOf(target, lastComparedError?.code)),
  ]
}

/** The answer to the operator's first question, as a sentence. */
function headline({ slot, slots = [], previousKeyValidUntil, isReminder, dueAt }: Target): string {
  if (isReminder)
    return dueAt === undefined
      ? 'A reminder: Rekey never writes it.'
      : `A reminder: an operator renews it by ${dateAndTime(dueAt)}.`
  if (slot === undefined) return 'The vault holds no key of this target yet.'
  const active = slots.length === 1 ? 'The key is in the vault' : `The key in ${slot} is in the vault`
  if (previousKeyValidUntil === undefined || slots.length < 2) return `${active}.`
  const isOver = Date.parse(previousKeyValidUntil) < Date.now()
  return isOver
    ? `${active}. The overlap is over: the other key may be replaced.`
    : `${active}. Consumers may use the previous one until ${dateAndTime(previousKeyValidUntil)}.`
}

function slotsOf({ slots = [], slot }: Target): Child {
  if (slots.length === 0) return undefined
  return el(
    'ul.slots',
    { 'aria-label': 'Slots' },
    slots.map((each) => el(each === slot ? 'li.active' : 'li', el('b', each), each === slot ? 'active' : 'standby')),
  )
}

function factsOf(target: Target, comparedError: string | undefined): HTMLElement {
  const {
    rotatedAt,
    reason,
    actor,
    note,
    lastComparedAt,
    rotateEvery,
    overlap,
    window,
    secrets = [],
    vault = '',
  } = target
  const by = [reason && reasonText(reason), actor && `by ${actor}`, note && `“${note}”`].filter(Boolean).join(', ')
  return facts([
    ['Last change', rotatedAt !== undefined && [moment(rotatedAt, fromNow), by !== '' && `: ${by}`], 'wide'],
    ['Compared', lastComparedAt !== undefined ? moment(lastComparedAt, fromNow) : (comparedError ?? 'not yet')],
    ['Service', target.provider],
    [
      'Resource',
      target.resource !== undefined && [
        el('code', target.resource),
        ' ',
        copyButton(target.resource, 'the resource id'),
      ],
      'wide',
    ],
    [
      'Rotates',
      rotateEvery !== undefined &&
        `every ${spanOf(rotateEvery)}${overlap === undefined || overlap === 'none' ? '' : `, overlap ${spanOf(overlap)}`}`,
    ],
    ['Window', windowText(window)],
    ['Vault', vault.replace(/^https:\/\//, '')],
    [
      'Secrets',
      el(
        'ul',
        secrets.map(({ name, output, version }) =>
          el('li', el('code', name), ` ${output}`, version !== undefined && [' ', el('code.dim', version.slice(0, 8))]),
        ),
      ),
    ],
  ])
}

function windowText(window: Target['window']): string | undefined {
  if (window === undefined) return undefined
  const { days, start, length, timeZone } = window
  const on = days.length === 7 ? 'every day' : days.join(', ')
  return `${on} from ${start} for ${spanOf(length)} (${timeZone})`
}

/** What the next run does by itself. */
function nextSteps({ reason, until, steps }: TargetPlan): HTMLElement | undefined {
  if (reason === undefined) return undefined
  return el(
    'p.coming',
    el('b', 'The next run: '),
    steps.length > 0 ? `${steps.join(', ')} (${reasonText(reason)})` : `waits: ${reasonText(reason)}`,
    until !== undefined && [', until ', moment(until)],
  )
}

function historyOf({ name }: Target, { value }: { readonly value: readonly HistoryEntry[] }): HTMLElement {
  if (value.length === 0) return panel('History', el('p.note', 'No version yet.'))
  const several = new Set(value.map(({ secret }) => secret)).size > 1
  return panel(
    'History',
    el(
      'div.scroll',
      { tabindex: 0, role: 'region', 'aria-label': 'Versions' },
      el(
        'table',
        el(
          'thead',
          el(
            'tr',
            ['When', several && 'Secret', 'Slot', 'Why', 'By', 'Note', 'Version'].map(
              (title) => title !== false && el('th', { scope: 'col' }, title),
            ),
          ),
        ),
        el(
          'tbody',
          value.map((entry) => historyRow(entry, several)),
        ),
      ),
    ),
    saveCsvButton(`/api/targets/${encodeURIComponent(name)}/history`, `rekey-history-${name}.csv`),
  )
}

function historyRow(entry: HistoryEntry, several: boolean): HTMLElement {
  const { createdAt, secret, slot, reason, actor, note, version, enabled, announced, lastError } = entry
  const marks = [!enabled && 'disabled', announced === false && 'not announced', lastError?.code]
    .filter(Boolean)
    .join(', ')
  return el(
    'tr',
    el('td', moment(createdAt)),
    several && el('td', el('code', secret)),
    el('td', slot ?? '–'),
    el('td.wrap', reason === undefined ? '–' : reasonText(reason), marks !== '' && el('small.warn', ` ${marks}`)),
    el('td', actor ?? '–'),
    el('td.wrap', note ?? ''),
    el('td', el('code', { title: version }, version.slice(0, 8))),
  )
}

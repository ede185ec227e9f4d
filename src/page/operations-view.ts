// Lists of targets that are rotated or revoked together, and one operation of any kind.

import { ApiError, get, getAll } from './api-client.ts'
import type { Counts, ListedOperation, Operation } from './api-shapes.ts'
import { announce, type Child, el, fill } from './elements.ts'
import { follow } from './follow-operation.ts'
import { dateAndTime, fromNow, moment, plural } from './moments.ts'
import { facts, panel, problemBox, refusalBox, showRead } from './pieces.ts'
import { saveCsvButton } from './save-csv.ts'
import { targetAddress } from './target-list.ts'

/** Shows the operations of the last two weeks, newest first; with an id, that one, as it goes on. Returns what ends it. */
export function operationsView(main: HTMLElement, id: string): (() => void) | undefined {
  if (id !== '') return oneOperation(main, id)
  const place = el('div.stack')
  fill(
    main,
    el('div.title', el('h1', 'Operations'), el('a.button.danger-line', { href: '#/revoke' }, 'Revoke many keys…')),
    el('p.note', 'Lists of targets of the last two weeks. A command for one target is shown with that target.'),
    place,
    panel(
      'For an audit',
      el('p.note', 'Every version of every secret: when, why, by whom; never a value.'),
      saveCsvButton('/api/history', 'rekey-history.csv'),
    ),
  )
  void showRead(place, readAll, show)
  return undefined
}

async function readAll(): Promise<readonly ListedOperation[]> {
  let found: readonly ListedOperation[] = []
  await getAll<ListedOperation>('/api/operations', (operations) => {
    found = operations
  })
  return found
}

function show(operations: readonly ListedOperation[]): Child {
  if (operations.length === 0) return el('p.empty', 'No operation in the last two weeks.')
  return el(
    'ul.cards',
    operations.map((operation) => el('li.panel', summary(operation))),
  )
}

function summary({ id, kind, createdAt, actor, note, total, status, counts }: ListedOperation): Child {
  const progress = el('div.stack')
  // Of those that go on, the list does not say how far they are.
  if (status !== undefined && counts !== undefined)
    fill(progress, progressBar(counts), el('p', statusText({ status, counts })))
  else {
    const read = () => get<Operation>(operationPath(id))
    void showRead(progress, read, (seen) => [seen.counts && progressBar(seen.counts), el('p', statusText(seen))])
  }
  return [
    el('h2', el('a', { href: `#/operations/${id}` }, titleOf(kind))),
    el(
      'p.note',
      `${plural(total, 'target')}, `,
      moment(createdAt, fromNow),
      ` by ${actor}`,
      note !== undefined && `: “${note}”`,
    ),
    progress,
  ]
}

function operationPath(id: string): string {
  return `/api/operations/${encodeURIComponent(id)}`
}

function titleOf(kind: ListedOperation['kind']): string {
  return { rotations: 'Rotation of a list', revocations: 'Revocation of a list' }[kind]
}

function statusText({ status, counts }: Pick<Operation, 'status' | 'counts'>): string {
  const word =
    { NotStarted: 'Not started', Running: 'Running', Succeeded: 'Done', Failed: 'Failed' }[status] ??
    status ??
    'Not ended, as far as is known'
  if (counts === undefined) return word
  return `${word}: ${counts.succeeded.toLocaleString('en')} of ${plural(counts.total, 'target')} done${counts.failed > 0 ? `, ${counts.failed.toLocaleString('en')} failed` : ''}`
}

/** How many of a list have got how far. */
function progressBar({ total, succeeded, failed }: Counts): HTMLElement {
  const bar = el('div.progress-bar', {
    role: 'progressbar',
    'aria-label': 'Targets done',
    'aria-valuemin': 0,
    'aria-valuemax': total,
    'aria-valuenow': succeeded + failed,
  })
  for (const [tone, count] of [
    ['ok', succeeded],
    ['bad', failed],
  ] as const) {
    const part = el(`span.fill-${tone}`)
    part.style.width = `${total === 0 ? 0 : (count / total) * 100}%`
    bar.append(part)
  }
  return bar
}

function oneOperation(main: HTMLElement, id: string): () => void {
  const place = el('div.stack')
  fill(main, el('p.crumb', el('a', { href: '#/operations' }, '← Operations')), el('h1', 'Operation'), place)
  let isShown = true
  let said = ''
  const report = (operation: Operation) => {
    if (!isShown) return
    fill(place, el('section.panel', detail(operation)))
    const text = statusText(operation)
    if (text !== said) announce(text)
    said = text
  }
  follow(
    operationPath(id),
    ({ operation }) => operation && report(operation),
    () => isShown,
  ).catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error
    fill(place, refusalBox(error))
  })
  return () => {
    isShown = false
  }
}

function detail(operation: Operation): Child {
  const { counts, error, lastError, failures = [], target, expiresAt, actor, note, createdAt } = operation
  return [
    el('h2', statusText(operation)),
    counts && progressBar(counts),
    error && problemBox(error),
    lastError && problemBox({ ...lastError, message: `The last attempt: ${lastError.message ?? lastError.code}` }),
    facts([
      ['Target', target !== undefined && el('a', { href: targetAddress(target) }, target)],
      ['Asked', createdAt !== undefined && dateAndTime(createdAt)],
      ['By', actor],
      ['Why', note],
      ['Ends at the latest', expiresAt !== undefined && dateAndTime(expiresAt)],
    ]),
    failures.length > 0 &&
      panel(
        'Failed',
        el(
          'ul.list',
          failures.map((each) => el('li', el('a', { href: targetAddress(each.target) }, each.target), ` ${each.code}`)),
        ),
      ),
  ]
}

// The page for operators: who reads it, where they are, and which view shows that.

import { ApiError, get, needsKey, needsSignIn, useKey, whenRefused } from './api-client.ts'
import { candidatesView } from './candidates-view.ts'
import { el, fill } from './elements.ts'
import { currentFleet, loadFleet, watchFleet } from './fleet.ts'
import { healthView } from './health-view.ts'
import { fromNow, moment } from './moments.ts'
import { operationsView } from './operations-view.ts'
import { overview } from './overview.ts'
import { providersView } from './providers-view.ts'
import { revokeMany } from './revoke-many-view.ts'
import { signInView, signOutLink, viewBeforeSignIn } from './sign-in-view.ts'
import { targetList } from './target-list.ts'
import { targetView } from './target-view.ts'

/** Shows a view; returns what ends it. `rest` is what follows its name in the address. */
type View = (main: HTMLElement, query: URLSearchParams, rest: string) => (() => void) | undefined

interface NamedView {
  readonly name: string
  readonly title: string
  readonly view: View
  readonly hidden?: true
  /** It follows the list of targets, or is a form: Refresh does not show it anew. */
  readonly stays?: true
}

const views: readonly NamedView[] = [
  { name: '', title: 'Overview', view: overview, stays: true },
  { name: 'targets', title: 'Targets', view: targets },
  { name: 'candidates', title: 'Not managed', view: shown(candidatesView) },
  { name: 'operations', title: 'Operations', view: (place, _, id) => operationsView(place, id) },
  { name: 'health', title: 'Health', view: shown(healthView) },
  { name: 'providers', title: 'Services', view: shown(providersView) },
  { name: 'revoke', title: 'Revoke many keys', view: revokeMany, hidden: true, stays: true },
]

function targets(place: HTMLElement, query: URLSearchParams, name: string): (() => void) | undefined {
  return name === '' ? targetList(place, query) : targetView(place, name)
}

/** A view that needs no end. */
function shown(view: (place: HTMLElement) => void): View {
  return (place) => {
    view(place)
    return undefined
  }
}

const main = document.querySelector('main')!
const header = document.querySelector('header')!
let end: (() => void) | undefined
let isIn = false

/** The view that the address names, and what else the address says. */
function placeInAddress() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', ...rest] = path.split('/')
  return { found: views.find((each) => each.name === name) ?? views[0]!, query, rest }
}

/** Reads the list of targets again, and what this view shows beside it. */
function refresh(): void {
  const { found, rest } = placeInAddress()
  const isList = found.name === 'targets' && rest.length === 0
  if (!found.stays && !isList) route()
  void loadFleet()
}

function route(): void {
  if (!isIn) return
  const { found, query, rest } = placeInAddress()
  end?.()
  document.title = `${found.title} · Rekey`
  for (const link of header.querySelectorAll('nav a')) {
    const isHere = link.getAttribute('href') === `#/${found.name}`
    if (isHere) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  scrollTo({ top: 0 })
  end = found.view(main, new URLSearchParams(query), rest.map(decoded).join('/'))
}

/** A part of the address that is typed wrong names what there is not. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function showHeader(): void {
  const asOf = el('span.as-of')
  watchFleet(() => {
    const { asOf: at, error } = currentFleet()
    fill(
      asOf,
      // What is shown stays, and may be wrong by now: so it keeps its moment.
      error && el('strong.bad', `${error.problem.detail} `),
      at !== undefined && [el('span', 'as of '), moment(at, fromNow)],
    )
  })
  fill(
    header,
    el('a.brand', { href: '#/' }, 'Rekey'),
    el(
      'nav',
      { 'aria-label': 'Views' },
      views.filter(({ hidden }) => !hidden).map(({ name, title }) => el('a', { href: `#/${name}` }, title)),
    ),
    asOf,
    el('button.small', { type: 'button', onclick: refresh }, 'Refresh'),
    needsKey && el('button.small', { type: 'button', onclick: () => location.reload() }, 'Forget key'),
    needsSignIn && signOutLink(),
  )
}

/** Lists follow the schedule, which reads every quarter of an hour. */
const refreshEvery = 5 * 60_000

function enter(): void {
  isIn = true
  showHeader()
  route()
  void loadFleet()
}

function leave(why?: string): void {
  isIn = false
  end?.()
  end = undefined
  useKey('')
  header.replaceChildren()
  signInView(main, enter, why)
}

async function start(): Promise<void> {
  setInterval(() => {
    if (isIn && document.visibilityState === 'visible') void loadFleet()
  }, refreshEvery)
  addEventListener('hashchange', route)
  addEventListener('keydown', (event) => {
    const isTyping = (event.target as Element).closest('input, textarea, select, dialog')
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return
    const search = document.getElementById('search')
    if (search === null) return
    event.preventDefault()
    search.focus()
  })
  history.replaceState(null, '', viewBeforeSignIn() ?? location.href)
  if (needsKey) {
    leave()
    whenRefused(() => isIn && leave('The app no longer accepts this key.'))
    return
  }
  try {
    await get('/api/providers')
    enter()
    whenRefused(() => isIn && leave('The sign-in has ended.'))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // 401 is whoever has not signed in yet.
    if (error.status === 401) leave()
    else leave([error.problem.detail, error.problem.remedy].join('. '))
  }
}

void start()

// Whether rotations can work, and the line that mends each thing that is wrong.

import { get } from './api-client.ts'
import type { Health, HealthCheck } from './api-shapes.ts'
import { type Child, el, fill } from './elements.ts'
import { dateAndTime, plural } from './moments.ts'
import { facts, panel, remedyOf, showRead } from './pieces.ts'
import { targetAddress } from './target-list.ts'

/** Shows the health check, which is made now. */
export function healthView(main: HTMLElement): void {
  const place = el('div.stack')
  fill(main, el('h1', 'Health'), place)
  void showRead(place, () => get<Health>('/api/health', [200, 503]), show)
}

function show({ status, failed = 0, configuration, problems = [], checks }: Health): Child {
  const by = (wanted: string) => checks.filter((check) => check.status === wanted)
  const [bad, warnings, ok, unseen] = ['failed', 'warning', 'ok', 'unseen'].map(by)
  const healthy = status === 'healthy'
  return [
    el(
      `p.headline.${healthy ? 'ok' : 'bad'}`,
      healthy
        ? '● Everything that can be checked works.'
        : `▲ ${failed > 0 ? `${plural(failed, 'check')} failed.` : 'The configuration has problems.'}`,
    ),
    problems.length > 0 &&
      panel(
        'Configuration',
        el(
          'ul.list',
          problems.map((each) => el('li', problemText(each))),
        ),
      ),
    bad!.length > 0 &&
      panel(
        'Failed',
        el(
          'ul.checks',
          bad!.map((check) => row(check, 'bad')),
        ),
      ),
    warnings!.length > 0 &&
      panel(
        'Warnings',
        el(
          'ul.checks',
          warnings!.map((check) => row(check, 'warn')),
        ),
      ),
    configuration && panel('Configuration in force', configurationFacts(configuration)),
    ok!.length > 0 && folded('Works', ok!, 'ok'),
    unseen!.length > 0 && folded('Cannot be checked', unseen!, 'off'),
  ]
}

function configurationFacts(configuration: NonNullable<Health['configuration']>): HTMLElement {
  const names = (value: unknown) => (Array.isArray(value) && value.length > 0 ? value.join(', ') : undefined)
  return facts([
    ['targets.json', configuration.version],
    ['In force since', configuration.appliedAt !== undefined && dateAndTime(configuration.appliedAt)],
    ['Targets', configuration.targets],
    ['Kept as they were', names(configuration['kept'])],
    ['Suspended', names(configuration['suspended'])],
    ['Off', names(configuration['off'])],
  ])
}

function folded(title: string, checks: readonly HealthCheck[], tone: string): HTMLElement {
  return el(
    'section.panel',
    el(
      'details',
      el('summary', el('h2', `${title} (${checks.length})`)),
      el(
        'ul.checks',
        checks.map((check) => row(check, tone)),
      ),
    ),
  )
}

function row({ check, place, error, detail, remedy, targets = [] }: HealthCheck, tone: string): HTMLElement {
  const mark = { bad: '▲', warn: '◆', ok: '●', off: '○' }[tone]
  return el(
    'li',
    el('p', el(`span.${tone}`, { 'aria-hidden': 'true' }, mark), ' ', el('b', check), ' ', el('code', place)),
    error !== undefined && el('p.note', el('b', `${error.code} `), error.message),
    detail !== undefined && el('p.note', detail),
    targets.length > 0 &&
      el(
        'p.note',
        'Targets: ',
        targets.map((name, index) => [index > 0 && ', ', el('a', { href: targetAddress(name) }, name)]),
      ),
    remedyOf(error?.remedy ?? remedy),
  )
}

function problemText(problem: unknown): string {
  if (typeof problem === 'string') return problem
  return Object.values(problem as object).join(': ')
}

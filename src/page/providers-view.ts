// The services whose keys can be rotated, and what each needs.

import { get } from './api-client.ts'
import type { Provider } from './api-shapes.ts'
import { el, fill } from './elements.ts'
import { currentFleet } from './fleet.ts'
import { showRead } from './pieces.ts'

/** Shows every provider, with the number of its targets. */
export function providersView(main: HTMLElement): void {
  const place = el('div.stack')
  fill(main, el('h1', 'Services'), place)
  void showRead(
    place,
    () => get<{ value: readonly Provider[] }>('/api/providers'),
    ({ value }) => table(value),
  )
}

function table(providers: readonly Provider[]): HTMLElement {
  const counts = Map.groupBy(currentFleet().targets, ({ provider }) => provider)
  return el(
    'div.scroll.panel',
    { tabindex: 0, role: 'region', 'aria-label': 'Services' },
    el(
      'table',
      el(
        'thead',
        el(
          'tr',
          ['Service', 'Targets', 'Slots', 'Outputs', 'New key is tested', 'Rights'].map((title) =>
            el('th', { scope: 'col' }, title),
          ),
        ),
      ),
      el(
        'tbody',
        providers.map(({ id, title, slots, outputs, rights, proof }) => {
          const many = counts.get(id)?.length ?? 0
          return el(
            'tr',
            el('th.wrap', { scope: 'row' }, title, el('small.block', el('code', id))),
            el('td', many === 0 ? '0' : el('a', { href: `#/targets?provider=${id}` }, many.toLocaleString('en'))),
            el('td', slots.join(', ')),
            el('td.wrap', outputs.map(({ name }) => name).join(', ')),
            el('td', proof === 'none' ? 'no' : 'yes'),
            el(
              'td.wrap',
              el(
                'details',
                el('summary', `${rights.length}`),
                el(
                  'ul.list',
                  rights.map(({ name, why }) =>
                    el('li', el('code', name), why !== undefined && el('small.block', why)),
                  ),
                ),
              ),
            ),
          )
        }),
      ),
    ),
  )
}

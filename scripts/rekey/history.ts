// `rekey history`: who did what and why, for one target or all, also as CSV.

import type { HistoryEntry } from '../../src/functions/http/schemas/history-schema.ts'
import type { AppClient, Reply } from './app-client.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'
import { type Column, moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import { pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'the versions of the secrets: when, why, by whom',
  words: '[<target>]',
  count: [0, 1],
  about: 'Of all targets without a name. Never a value of a secret.',
  options: { csv: { about: 'print CSV, for a spreadsheet or an audit' } },
  examples: ['history translator', 'history --csv > history.csv'],
  async run({ words: [name], app, options, output }) {
    const path = name === undefined ? 'history' : `${pathOf(name)}/history`
    if (options.csv) {
      if (output.json) throw asUsage('--csv and --json are two forms of the same', 'Give one of them.')
      for await (const text of csvPages(app(), path)) output.raw(text)
      return
    }
    const shown = columns.filter(({ title }) => name === undefined || title !== 'TARGET')
    return showCollection(output, await wholeOf<HistoryEntry>(app(), path), shown, ['version', 'versions'])
  },
})

const columns: readonly Column<Loose<HistoryEntry>>[] = [
  { title: 'CREATED', of: ({ createdAt }) => moment(createdAt) },
  { title: 'TARGET', of: ({ target }) => target },
  { title: 'SECRET', of: ({ secret }) => secret, spare: 2 },
  { title: 'VERSION', of: ({ version }) => String(version ?? '').slice(0, 8), spare: 5 },
  { title: 'SLOT', of: ({ slot }) => slot, spare: 4 },
  { title: 'ENABLED', of: ({ enabled }) => enabled, spare: 6 },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'BY', of: ({ actor }) => actor, spare: 1 },
  { title: 'NOTE', of: ({ note }) => note },
  { title: 'LAST ERROR', of: ({ lastError }) => lastError?.code, spare: 3 },
]

/** The pages as they come, with one header line. The next page is in the header `Link`. */
async function* csvPages(app: AppClient, path: string): AsyncIterable<string> {
  const accept = 'text/csv'
  const seen = new Set<string>()
  let header: string | undefined
  for (let reply = await app.get(path, {}, { accept }); ; ) {
    if (!reply.headers.get('content-type')?.startsWith(accept)) throw asUsage('this app has no history as CSV')
    const [first = ''] = reply.text.split('\r\n', 1)
    yield first === header ? reply.text.slice(first.length + 2) : reply.text
    header ??= first
    const next = nextIn(reply)
    if (next === undefined || seen.has(next)) return
    seen.add(next)
    reply = await app.follow(next, accept)
  }
}

function nextIn({ headers }: Reply): string | undefined {
  return /<([^>]+)>\s*;\s*rel="?next"?/i.exec(headers.get('link') ?? '')?.[1]
}

// `rekey revoke-many`: a vault or more leaked. First a dry run with the count, which the request then repeats.

import type { RevocationDryRun } from '../../src/functions/http/schemas/revocation-schema.ts'
import { asUnexpected } from './app-client.ts'
import { carryOut, commandOptions, yesOption } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'
import { selected, selectOptions } from './selection.ts'

export const command = defineCommand({
  summary: 'a vault leaked: the same for many targets, after showing how many',
  words: '[<target>…]',
  count: [0, 1000],
  about:
    'Needs --note. First a dry run shows which targets these are. If their number has changed meanwhile, nothing is done.',
  options: {
    'at-once': { about: 'replace both keys in one call, where the service can' },
    'dry-run': { about: 'only show which targets these are' },
    ...selectOptions,
    ...commandOptions,
    ...yesOption,
  },
  examples: [
    'revoke-many --vault https://kv-prod.vault.azure.net --note "the vault leaked" --dry-run',
    'revoke-many vision speech --note "seen in a log" --yes',
  ],
  async run({ words, app, options, output }) {
    const { note } = options
    const { body: selection, shown } = selected(words, options)
    const body = { ...selection, atOnce: options['at-once'] }
    if (note === undefined) throw asUsage('revoke-many needs --note: why')
    const sending = { app: app(), output, options }
    const { body: dry } = await sending.app.post<RevocationDryRun>('revocations', { ...body, note, dryRun: true })
    if (options['dry-run']) output.document(dry)
    showDry(output, dry)
    if (options['dry-run']) return
    if (typeof dry.count !== 'number') throw asUnexpected('a dry run without a count')
    // Of none the app says why that is.
    if (dry.count > 0) await confirmed(output, dry.count, options.yes)
    return carryOut(sending, 'revocations', { ...body, note, count: dry.count }, `Revoking ${shown}…`)
  },
})

function confirmed(output: Output, count: number, yes: true | undefined): Promise<void> {
  const what = `revoke every key of ${count === 1 ? 'this target' : `these ${count} targets`}`
  return output.confirm({ what, warning: 'Consumers fail until they read the new keys.', yes })
}

/** What the dry run found. Names beyond the first hundred are only counted. */
function showDry(output: Output, { dryRun: _, count, targets, ...rest }: Loose<RevocationDryRun>): void {
  const names: readonly unknown[] = Array.isArray(targets) ? targets : []
  output.list([
    ['targets', count],
    ['names', `${names.join(', ')}${names.length < (count ?? 0) ? ' …' : ''}`],
    ...Object.entries(rest).map(([name, value]): [string, unknown] => [name, leftOut(value)]),
  ])
}

/** Targets that are named and not revoked: how many, and the first hundred of them. */
function leftOut(value: unknown): unknown {
  const { count, targets } = Object(value) as { readonly count?: number; readonly targets?: readonly string[] }
  return count === undefined ? value : `${count}: ${(targets ?? []).join(', ')}`
}

// `rekey list`: every target.

import type { TargetSummary } from '../../src/functions/http/schemas/target-schema.ts'
import { filterOptions, showCollection, targetColumns, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'

export const command = defineCommand({
  summary: 'every target: status, next rotation, last error',
  options: filterOptions,
  about: 'As the last tick of the schedule has seen them. `show` reads one target now.',
  examples: ['list', 'list --status failed,overdue', 'list --provider storage-account --json'],
  async run({ app, options: { status, provider, vault, search }, output }) {
    const targets = await wholeOf<TargetSummary>(app(), 'targets', { status, provider, vault, search })
    return showCollection(output, targets, targetColumns, ['target', 'targets'])
  },
})

// `rekey operations`: the operations for many targets of the last two weeks.

import type { ListedOperation } from '../../src/functions/http/schemas/operation-schema.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { type Column, moment } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'

export const command = defineCommand({
  summary: 'rotations and revocations of many targets in the last two weeks',
  options: {},
  examples: ['operations'],
  async run({ app, output }) {
    return showCollection(output, await wholeOf<ListedOperation>(app(), 'operations'), columns, [
      'operation',
      'operations',
    ])
  },
})

const columns: readonly Column<Loose<ListedOperation>>[] = [
  { title: 'OPERATION', of: ({ id }) => id },
  { title: 'KIND', of: ({ kind }) => kind, spare: 3 },
  { title: 'STATUS', of: ({ status }) => status ?? 'open' },
  { title: 'CREATED', of: ({ createdAt }) => moment(createdAt), spare: 2 },
  { title: 'TARGETS', of: ({ total }) => total },
  { title: 'FAILED', of: ({ counts }) => counts?.failed },
  { title: 'BY', of: ({ actor }) => actor, spare: 4 },
  { title: 'NOTE', of: ({ note }) => note, spare: 5 },
]

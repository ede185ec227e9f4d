// `rekey operations`: the operations for many targets of the last two weeks.

import type { Body } from './app-client.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { moment } from './fitted-table.ts'

export const command = defineCommand({
  summary: 'rotations and revocations of many targets in the last two weeks',
  options: {},
  examples: ['operations'],
  async run({ app, output }) {
    return showCollection(output, await wholeOf(app(), 'operations'), columns, ['operation', 'operations'])
  },
})

const columns = [
  { title: 'OPERATION', of: ({ id }: Body) => id },
  { title: 'KIND', of: ({ kind }: Body) => kind, spare: 3 },
  { title: 'STATUS', of: ({ status }: Body) => status ?? 'open' },
  { title: 'CREATED', of: ({ createdAt }: Body) => moment(createdAt), spare: 2 },
  { title: 'TARGETS', of: ({ total }: Body) => total },
  { title: 'FAILED', of: ({ counts }: Body) => counts?.failed },
  { title: 'BY', of: ({ actor }: Body) => actor, spare: 4 },
  { title: 'NOTE', of: ({ note }: Body) => note, spare: 5 },
]

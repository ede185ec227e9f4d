// `rekey discover`: resources with keys that Rekey does not manage yet.

import type { Body } from './app-client.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'

export const command = defineCommand({
  summary: 'resources with keys that are not managed yet',
  options: {
    provider: { value: 'ID', about: 'only resources of this provider' },
    subscription: { value: 'GUID', about: 'only resources of this subscription' },
  },
  examples: ['discover', 'discover --provider storage-account --json'],
  async run({ app, options: { provider, subscription }, output }) {
    const candidates = await wholeOf(app(), 'candidates', { provider, subscription })
    showCollection(output, candidates, columns, ['candidate', 'candidates'])
  },
})

const columns = [
  { title: 'RESOURCE', of: ({ name }: Body) => name },
  { title: 'PROVIDER', of: ({ provider }: Body) => provider },
  { title: 'GROUP', of: ({ resourceGroup }: Body) => resourceGroup, spare: 1 },
  { title: 'SUBSCRIPTION', of: ({ subscription }: Body) => subscription, spare: 2 },
  { title: 'KEY AGE', of: ({ ageDays }: Body) => (ageDays === undefined ? '' : `${ageDays} days`) },
]

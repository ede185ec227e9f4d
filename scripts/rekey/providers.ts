// `rekey providers`: what can be rotated, and what each service needs for it.

import { nearest } from '../../src/config/targets/nearest.ts'
import type { Provider } from '../../src/functions/http/schemas/provider-schema.ts'
import { showCollection, wholeOf } from './collection.ts'
import { defineCommand } from './command.ts'
import { Ended } from './ended.ts'
import type { Column } from './fitted-table.ts'
import type { Loose } from './loose-answer.ts'
import type { Output } from './output.ts'

export const command = defineCommand({
  summary: 'the services whose keys can be rotated: slots, proof, rights',
  words: '[<id>]',
  count: [0, 1],
  options: {},
  examples: ['providers', 'providers cosmos-db'],
  async run({ words: [id], app, output }) {
    const all = await wholeOf<Provider>(app(), 'providers')
    if (id === undefined) return showCollection(output, all, columns, ['provider', 'providers'])
    const provider = all.value.find((each) => each.id === id)
    if (provider === undefined)
      throw asUnknown(
        id,
        all.value.map((each) => String(each.id)),
      )
    output.document(provider)
    showProvider(output, provider)
  },
})

const columns: readonly Column<Loose<Provider>>[] = [
  { title: 'PROVIDER', of: ({ id }) => id },
  { title: 'SERVICE', of: ({ title }) => title, spare: 1 },
  { title: 'SLOTS', of: ({ slots }) => slots?.join?.(', ') },
  { title: 'PROOF', of: ({ proof }) => proof, spare: 2 },
  { title: 'SWAP', of: ({ swap }) => swap, spare: 3 },
]

function showProvider(
  output: Output,
  { id, title, slots, outputs, fields, rights, clouds, proof, swap, atOnce }: Loose<Provider>,
): void {
  output.list([
    ['provider', id],
    ['service', title],
    ['slots', slots?.join?.(', ')],
    ['outputs', outputs?.map?.(({ name }) => name).join(', ')],
    ['fields', fields?.map?.(({ name, required }) => `${name}${required ? '' : ' (optional)'}`).join(', ')],
    ['proof', proof],
    ['swap', swap],
    ['at once', atOnce],
    ['clouds', clouds?.join?.(', ')],
  ])
  if (!Array.isArray(rights)) return
  output.text('')
  output.table(
    [
      { title: 'RIGHT', of: ({ name }) => name },
      { title: 'WHY', of: ({ why }) => why, spare: 1 },
    ],
    rights,
  )
}

function asUnknown(id: string, known: readonly string[]): Ended {
  const guess = nearest(id, known)
  return new Ended('notFound', {
    code: 'UnknownProvider',
    detail: 'there is no such provider',
    remedy: guess === undefined ? 'npm run rekey -- providers lists them.' : `Did you mean ${guess}?`,
  })
}

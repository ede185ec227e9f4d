// `rekey show`: one target, read now.

import type { Target } from '../../src/functions/http/schemas/target-schema.ts'
import { defineCommand } from './command.ts'
import { entriesOf, pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'one target, read now: slot, versions, dates, last error',
  words: '<target>',
  count: [1, 1],
  options: {},
  examples: ['show translator', 'show translator --json'],
  async run({ words: [name = ''], app, output }) {
    const { body } = await app().get<Target>(pathOf(name))
    output.document(body)
    output.list(entriesOf(body))
    const secrets = Array.isArray(body.secrets) ? body.secrets : []
    if (secrets.length === 0) return
    output.text('')
    output.table(
      [
        { title: 'SECRET', of: ({ name }) => name },
        { title: 'OUTPUT', of: ({ output }) => output },
        { title: 'VERSION', of: ({ version }) => version, spare: 1 },
      ],
      secrets,
    )
  },
})

// `rekey operation`: how a command that was accepted goes on.

import type { Operation } from '../../src/functions/http/schemas/operation-schema.ts'
import { deadlineOf, followOperation, showEnd } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'

export const command = defineCommand({
  summary: 'how a command goes on that was accepted',
  words: '<id>',
  count: [1, 1],
  about: 'The id, or the whole address from Operation-Location. Exit code 1 if it has failed.',
  options: {
    wait: { about: 'wait until it has ended' },
    timeout: { value: 'TIME', about: 'with --wait: how long, such as 90s, 10m, 2h' },
  },
  examples: ['operation <id>', 'operation <id> --wait --timeout 1h'],
  async run({ words: [word = ''], app, options, output }) {
    const until = deadlineOf(options.timeout)
    if (options.timeout !== undefined && !options.wait) throw asUsage('--timeout is for --wait')
    const client = app()
    const link = /^https?:/i.test(word) ? word : `${client.address}/api/operations/${idOf(word)}`
    const reply = await client.follow<Operation>(link)
    if (!options.wait) return showEnd(output, reply.body)
    return followOperation({ app: client, output, options: {} }, link, reply, until)
  },
})

function idOf(word: string): string {
  if (/^[\w.~-]{1,2000}$/.test(word) && !/^\.+$/.test(word)) return word
  throw asUsage(
    'this is not the id of an operation',
    'Use the id that the command printed, or the address from Operation-Location.',
  )
}

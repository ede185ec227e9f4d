// `rekey repair`: compares one target with its service now.

import { carryOut, commandOptions } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'compares a target with its service now, and repairs drift',
  words: '<target>',
  count: [1, 1],
  about: 'No key is made that is only due.',
  options: commandOptions,
  examples: ['repair translator'],
  async run({ words: [name = ''], app, options, output }) {
    return carryOut(
      { app: app(), output, options },
      `${pathOf(name)}/repair`,
      { note: options.note },
      `Comparing ${name}…`,
    )
  },
})

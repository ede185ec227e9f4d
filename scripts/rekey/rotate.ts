// `rekey rotate`: a new key for one target or many.

import { carryOut, commandOptions, yesOption } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'
import { isOne, selected, selectOptions } from './selection.ts'
import { pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'a new key becomes the current one; the previous one stays valid for the overlap',
  words: '[<target>…]',
  count: [0, 1000],
  about:
    'Several targets, or all of a vault, provider or subscription, are one operation. It is paced so that no limit of a service is hit.',
  options: {
    force: { about: 'one target: also while consumers may still hold the previous key, which then ends' },
    ...selectOptions,
    ...commandOptions,
    ...yesOption,
  },
  examples: [
    'rotate translator --note planned',
    'rotate translator vision speech',
    'rotate --provider cosmos-db --yes',
  ],
  async run({ words, app, options, output }) {
    const { note, force } = options
    const sending = { app: app(), output, options }
    if (isOne(words, options)) {
      const [name = ''] = words
      const path = `${pathOf(name)}/rotate`
      const warning = 'Consumers that still hold the previous key fail until they read the new one.'
      if (force) await output.confirm({ what: `rotate ${name} at once`, warning, yes: options.yes })
      return carryOut(sending, path, { note, force }, `Rotating ${name}…`)
    }
    const { body, shown } = selected(words, options)
    if (force) throw asUsage('--force is for one target')
    await output.confirm({ what: `rotate ${shown}`, yes: options.yes })
    return carryOut(sending, 'rotations', { ...body, note }, `Rotating ${shown}…`)
  },
})

// `rekey revoke`: an emergency, for one target.

import { carryOut, commandOptions, yesOption } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { asUsage } from './ended.ts'
import { pathOf } from './shown-target.ts'

export const command = defineCommand({
  summary: 'a key leaked: every key of a target that is older than now ends, without an overlap',
  words: '<target>',
  count: [1, 1],
  about: 'Needs --note. Consumers fail until they read the new key. For many targets: revoke-many.',
  options: {
    'at-once': { about: 'replace both keys in one call, where the service can' },
    ...commandOptions,
    ...yesOption,
  },
  examples: ['revoke speech --note "seen in a log"', 'revoke thermostat-7 --note "device stolen" --at-once --yes'],
  async run({ words: [name = ''], app, options, output }) {
    const { note } = options
    const path = `${pathOf(name)}/revoke`
    if (note === undefined)
      throw asUsage('revoke needs --note: why', `npm run rekey -- revoke ${name} --note "seen in a log"`)
    const sending = { app: app(), output, options }
    const warning = 'Consumers fail until they read the new key.'
    await output.confirm({ what: `revoke every key of ${name}`, warning, yes: options.yes })
    return carryOut(sending, path, { note, atOnce: options['at-once'] }, `Revoking ${name}…`)
  },
})

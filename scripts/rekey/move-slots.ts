// `rekey promote` and `rekey swap`: both name the version that they were decided at, and show it before.

import { carryOut, commandOptions, yesOption } from './carried-out.ts'
import { defineCommand } from './command.ts'
import { currentOf, pathOf } from './shown-target.ts'

const options = {
  from: {
    value: 'VERSION',
    about: 'only if this is still the current version; without it the current one is read first',
  },
  ...commandOptions,
  ...yesOption,
} as const

interface Move {
  readonly verb: 'promote' | 'swap'
  readonly summary: string
  readonly about: string
  /** What is to be confirmed, without the name of the target. */
  readonly what: string
  readonly doing: string
}

/** A command that makes the other slot the active one. */
export function moveCommand({ verb, summary, about, what, doing }: Move) {
  return defineCommand({
    summary,
    words: '<target>',
    count: [1, 1],
    about,
    options,
    examples: [`${verb} translator`, `${verb} translator --note "back to the key before" --yes`],
    async run({ words: [name = ''], app, options, output }) {
      const path = `${pathOf(name)}/${verb}`
      const { version, shown } = options.from === undefined ? await currentOf(app(), name) : fixed(options.from)
      output.note(`${name} now has ${shown}.`)
      await output.confirm({ what: `${what} ${name}`, yes: options.yes })
      const body = { from: version, note: options.note }
      return carryOut({ app: app(), output, options }, path, body, `${doing} ${name}…`)
    },
  })
}

function fixed(version: string) {
  return { version, shown: `version ${version}, unless it has changed` }
}

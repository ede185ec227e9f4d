// The entry of targets.json that makes a target of a resource.

import type { KeyProvider } from '../../providers/provider.ts'

export interface Naming {
  /** Names that targets have, in lower case. */
  readonly names: ReadonlySet<string>
  /** What every entry names as its vault. Absent: the defaults, or the settings, name one. */
  readonly vault?: string | undefined
}

/** As targets.json takes it. */
export type TargetsEntry = Readonly<Record<string, unknown>> & {
  readonly name: string
  readonly secrets: Readonly<Record<string, string>>
}

const longestName = 63

/** `fields`: the provider's own, which it has accepted. The secret has the target's name, and holds the first output that changes. */
export function proposeTarget(
  provider: Pick<KeyProvider, 'id' | 'outputs' | 'fieldOfOutput'>,
  resource: string,
  fields: Readonly<Record<string, string>>,
  naming: Naming,
): TargetsEntry {
  const name = freeName(resource, provider.id, naming.names)
  const { outputs, fieldOfOutput = {} } = provider
  const output = Object.keys(outputs).find((each) => outputs[each] === 'secret' && !Object.hasOwn(fieldOfOutput, each))!
  const secret = `${name}-${output.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  return {
    name,
    provider: provider.id,
    ...fields,
    ...(naming.vault === undefined ? {} : { vault: naming.vault }),
    secrets: { [secret]: output },
  }
}

/** The resource's name as far as a target may have it; with the provider's id, then with a number, where another target has that. */
function freeName(resource: string, provider: string, taken: ReadonlySet<string>): string {
  const base = resource.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || provider
  const suffixes = ['', `-${provider}`]
  for (let number = 2; ; number += 1) {
    for (const suffix of suffixes) {
      const name = `${base.slice(0, longestName - suffix.length)}${suffix}`
      if (!taken.has(name.toLowerCase())) return name
    }
    suffixes.splice(0, suffixes.length, `-${provider}-${number}`)
  }
}

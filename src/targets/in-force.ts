// Room: the edge, targets.json. Imports the core's types and its neighbours.
// Which targets are in force when something is wrong with targets.json: a bad entry stops only itself.

import type { Target } from '../rotation/target.ts'
import type { TargetsFile } from '../targets.ts'
import type { Problem } from './problems.ts'
import type { JsonObject } from './reading.ts'

/** A definition of a target that was valid when it was read, and the defaults it was written under. */
export interface Definition {
  readonly target: Target
  readonly credential: string
  readonly given: unknown
  readonly defaults: JsonObject
}

/**
 * `kept`: the last valid definition stays in force. `suspended`: that definition claims a secret or credential that another target
 * has now, so nothing is done. `off`: no valid definition is known.
 */
export type Standing = 'kept' | 'suspended' | 'off'

/** A target whose entry in the newest file cannot be applied. */
export interface NotApplied {
  /** Its name; the path of its entry where no name can be read. */
  readonly target: string
  readonly standing: Standing
  readonly problems: readonly Problem[]
}

export interface InForce {
  /** In the order of the file. */
  readonly targets: readonly Target[]
  /** What the next file falls back on: of every target in force, and of those suspended. */
  readonly definitions: readonly Definition[]
  readonly notApplied: readonly NotApplied[]
}

/** Applies a usable file: valid entries count, each invalid one is replaced by its last valid definition, as far as that is free. */
export function applied(file: TargetsFile, last: readonly Definition[]): InForce {
  const valid = file.entries.flatMap(({ target, credential, given }): Definition[] =>
    target ? [{ target, credential: credential ?? '', given, defaults: file.defaults }] : [],
  )
  const taken = new Set(valid.flatMap(claimsOf))
  const byName = new Map(last.map((each) => [each.target.name.toLowerCase(), each]))
  const byCredential = new Map(last.map((each) => [each.credential, each]))
  for (const { target } of valid) byName.delete(target.name.toLowerCase())
  const named = new Set(file.entries.map(({ name }) => name?.toLowerCase()))

  const made = { targets: [] as Target[], definitions: [] as Definition[], notApplied: [] as NotApplied[] }
  const ready = new Map(valid.map((each) => [each.given, each]))
  for (const [index, { name, credential, given, target, problems }] of file.entries.entries()) {
    const definition = target && ready.get(given)
    if (definition) {
      made.targets.push(definition.target)
      made.definitions.push(definition)
      continue
    }
    // The name may be the slip itself: then the credential says which target was meant, unless another entry has its name.
    const alike = byCredential.get(credential ?? '')?.target.name.toLowerCase() ?? ''
    const former = byName.get(name?.toLowerCase() ?? '') ?? (named.has(alike) ? undefined : byName.get(alike))
    const label = former?.target.name ?? name ?? `$.targets[${index}]`
    if (former) byName.delete(former.target.name.toLowerCase())
    const isFree = former !== undefined && !claimsOf(former).some((claim) => taken.has(claim))
    if (former) made.definitions.push(former)
    if (former && isFree) made.targets.push(former.target)
    // The second of two entries with one name has nothing of its own to say about who is in force.
    if (!former && made.notApplied.some((each) => each.target === label)) continue
    made.notApplied.push({ target: label, standing: former ? (isFree ? 'kept' : 'suspended') : 'off', problems })
  }
  return made
}

/** What no other target may have, in one spelling. */
function claimsOf({ target: { vault, secrets }, credential }: Definition): readonly string[] {
  return [`credential ${credential}`, ...secrets.map(({ name }) => `secret ${vault} ${name}`.toLowerCase())]
}

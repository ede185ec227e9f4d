// Which targets are in force when something is wrong with targets.json: an invalid entry stops only itself.

import type { Target } from '../../engine/target.ts'
import type { TargetsFile } from '../targets.ts'
import type { Problem } from './configuration-problems.ts'
import type { Discover } from './discover-field.ts'
import { isObject, type JsonObject } from './read-fields.ts'

/** A definition of a target that was valid when it was read, and the defaults it was written under. */
export interface Definition {
  readonly target: Target
  readonly credential: string
  /** Its entry, as JSON text. */
  readonly given: string
  readonly defaults: JsonObject
  /** Another target has what it claims: it is remembered, and not in force. */
  readonly suspended?: true
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
  /** The secrets that the entry names, as far as they can be read. */
  readonly secrets: readonly string[]
  readonly problems: readonly Problem[]
}

/** `discover` of a file, and the defaults that it was written under. */
export interface DiscoverInForce extends Discover {
  readonly defaults: JsonObject
}

export interface InForce {
  /** Absent: no secret becomes a target by its tags. */
  readonly discover?: DiscoverInForce
  /** In the order of the file. */
  readonly targets: readonly Target[]
  /** What the next file falls back on: of every target in force, and of those suspended. */
  readonly definitions: readonly Definition[]
  readonly notApplied: readonly NotApplied[]
}

/** Applies a usable file: valid entries count, each invalid one is replaced by its last valid definition, as far as that is free. */
export function applied(file: TargetsFile, last: readonly Definition[]): InForce {
  const valid = file.entries.map(({ target, credential = '', given }): Definition | undefined =>
    target ? { target, credential, given, defaults: file.defaults } : undefined,
  )
  const former = formerOf(file, last)
  const kept = settled(
    valid.flatMap((each) => each ?? []),
    last.filter((each) => former.includes(each)),
  )

  const made = { targets: [] as Target[], definitions: [] as Definition[], notApplied: [] as NotApplied[] }
  for (const [index, { name, given, problems }] of file.entries.entries()) {
    const before = former[index]
    const definition = valid[index] ?? (before && kept.get(before))
    if (definition) made.definitions.push(definition)
    if (definition && !definition.suspended) made.targets.push(definition.target)
    if (valid[index]) continue
    const target = definition?.target.name ?? name ?? `$.targets[${index}]`
    // The second of two entries with one name has nothing of its own to say about what is in force.
    if (!definition && made.notApplied.some((each) => each.target === target)) continue
    const standing = definition ? (definition.suspended ? 'suspended' : 'kept') : 'off'
    made.notApplied.push({ target, standing, secrets: secretsIn(given), problems })
  }
  return { ...made, ...(file.discover && { discover: { ...file.discover, defaults: file.defaults } }) }
}

function secretsIn(given: string): readonly string[] {
  const { secrets } = Object(JSON.parse(given)) as { readonly secrets?: unknown }
  return isObject(secrets) ? Object.keys(secrets) : []
}

/** Of each entry that cannot be applied its last valid definition, by index; each definition stands for one entry. */
function formerOf({ entries }: TargetsFile, last: readonly Definition[]): readonly (Definition | undefined)[] {
  const byName = new Map(last.map((each) => [keyOf(each.target.name), each]))
  const byCredential = new Map(last.map((each) => [each.credential, keyOf(each.target.name)]))
  const named = new Set(entries.map(({ name }) => keyOf(name)))
  for (const { target } of entries) if (target) byName.delete(keyOf(target.name))
  return entries.map(({ name, credential, target }) => {
    if (target) return undefined
    // The name may be the mistake itself: then the credential says which target was meant, unless another entry has its name.
    const alike = byCredential.get(credential ?? '') ?? ''
    const found = byName.get(keyOf(name)) ?? (named.has(alike) ? undefined : byName.get(alike))
    if (found) byName.delete(keyOf(found.target.name))
    return found
  })
}

function keyOf(name: string | undefined): string {
  return name?.toLowerCase() ?? ''
}

/** Which definitions stay in force beside the valid entries, and which are suspended. One that was suspended before comes last. */
function settled(valid: readonly Definition[], former: readonly Definition[]): ReadonlyMap<Definition, Definition> {
  const taken = new Set(valid.flatMap(claimsOf))
  const inOrder = former.toSorted((a, b) => Number(a.suspended ?? false) - Number(b.suspended ?? false))
  return new Map(
    inOrder.map((definition) => {
      const { suspended: _, ...free } = definition
      const claims = claimsOf(definition)
      if (claims.some((claim) => taken.has(claim))) return [definition, { ...free, suspended: true }]
      for (const claim of claims) taken.add(claim)
      return [definition, free]
    }),
  )
}

/** What no other target may have, in one spelling. */
function claimsOf({ target: { vault, secrets }, credential }: Definition): readonly string[] {
  return [`credential ${credential}`, ...secrets.map(({ name }) => `secret ${vault} ${name}`.toLowerCase())]
}

// Room: the edge. May import the providers' shape, clouds, and the core.
// targets.json: parsed whole, with every problem at once, each with its path and what to do.

import { type CloudName, clouds } from './azure/clouds.ts'
import type { KeyProvider } from './providers/provider.ts'
import type { Instant, Target } from './rotation/target.ts'
import { judgeDefaults, type Policy, readTarget, type Shared, type Surroundings } from './targets/entry.ts'
import { policyFields, type TargetFields, targetFields } from './targets/fields.ts'
import { offsetsOf, outlineOf } from './targets/outline.ts'
import { type Finding, type Path, type Problem, pathText } from './targets/problems.ts'
import { isObject, type JsonObject, readFields, refuseUnknown } from './targets/reading.ts'
import { claimFindings } from './targets/relations.ts'

export type { Problem } from './targets/problems.ts'

export type ParsedTargets = { readonly targets: readonly Target[] } | { readonly problems: readonly Problem[] }

/**
 * Parses targets.json. `now` decides whether secrets would expire after 2038; `vault` holds where neither a target nor the
 * defaults name one. Gives all targets, or all problems in the order of the document. Never throws for what the text says.
 */
export function parseTargets(
  text: string,
  registry: readonly KeyProvider[],
  cloud: CloudName,
  now: Instant,
  vault?: string,
): ParsedTargets {
  // Editors on Windows put a byte order mark at the start, and JSON.parse refuses it.
  const json = text.replace(/^\uFEFF/, '')
  const outline = outlineOf(json)
  if ('line' in outline) {
    const message = `line ${outline.line}, column ${outline.column}: ${outline.message}`
    return { problems: [{ path: '$', message, remedy: 'Correct the JSON: an editor shows the place.' }] }
  }

  const around = { registry, cloud, vaultSuffix: clouds[cloud].vaultSuffix, vault, now }
  const { targets, findings } = readDocument(JSON.parse(json), around)
  for (const path of outline.repeated) {
    const remedy = 'Remove or rename one: only the last would count.'
    findings.push({ path, message: 'this key comes twice in its object', remedy })
  }
  if (findings.length === 0) return { targets }

  const offsets = offsetsOf(json)
  const inOrder = findings
    .map(({ path, message, remedy }) => ({ path, message, remedy, offset: offsetOf(path, offsets) }))
    .toSorted((a, b) => a.offset - b.offset)
  return { problems: inOrder.map(({ path, message, remedy }): Problem => ({ path: pathText(path), message, remedy })) }
}

/** Where a path is in the text; of what is missing, where it is missing. */
function offsetOf(path: Path, offsets: ReadonlyMap<string, number>): number {
  if (path.length === 0) return 0
  return offsets.get(pathText(path)) ?? offsetOf(path.slice(0, -1), offsets)
}

function readDocument(document: unknown, around: Surroundings): { targets: readonly Target[]; findings: Finding[] } {
  const findings: Finding[] = []
  if (!isObject(document)) {
    findings.push({ path: [], message: 'must be an object', remedy: 'Write {"targets": [ … ]}.' })
    return { targets: [], findings }
  }
  refuseUnknown(document, ['$schema', 'defaults', 'targets'], [], findings)
  const defaults = orVault(readDefaults(document, around, findings), around.vault)
  const list = document['targets']
  if (!Array.isArray(list)) {
    const message = list === undefined ? 'is missing' : 'must be an array'
    findings.push({ path: ['targets'], message, remedy: 'Write a list, with one object for each target.' })
    return { targets: [], findings }
  }
  const shared: Shared = { defaults, around, findings, claims: [], fieldsOf: fieldsIn(around.vaultSuffix) }
  const targets = list.map((given, index) => readTarget(given, ['targets', index], shared))
  findings.push(...claimFindings(shared.claims))
  return { targets: targets.filter((target) => target !== undefined), findings }
}

function readDefaults(document: JsonObject, { vaultSuffix, now }: Surroundings, findings: Finding[]): Policy {
  const given = document['defaults'] ?? {}
  const path = ['defaults']
  if (!isObject(given)) {
    findings.push({ path, message: 'must be an object', remedy: 'Write {"vault": …, "rotateEvery": …}.' })
    return { values: {}, given: new Set() }
  }
  const fields = policyFields(vaultSuffix)
  const defaults = readFields(fields, given, path, findings)
  refuseUnknown(given, Object.keys(fields), path, findings)
  findings.push(...judgeDefaults(defaults, now))
  return defaults
}

function orVault(defaults: Policy, vault: string | undefined): Policy {
  if (vault === undefined || defaults.given.has('vault')) return defaults
  return { values: { ...defaults.values, vault }, given: new Set([...defaults.given, 'vault']) }
}

/** The fields of a target of each provider, made when first asked for. */
function fieldsIn(vaultSuffix: string): Shared['fieldsOf'] {
  const made = new Map<KeyProvider | undefined, TargetFields>()
  return (provider) => {
    const known = made.get(provider)
    if (known) return known
    const fields = targetFields(vaultSuffix, provider)
    made.set(provider, fields)
    return fields
  }
}

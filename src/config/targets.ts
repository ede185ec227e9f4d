// Reads targets.json entry by entry and reports every problem together, each with its path, line, target and what to do.

import { type CloudName, clouds } from '../azure/clouds.ts'
import type { Instant, Target } from '../engine/target.ts'
import type { KeyProvider } from '../providers/provider.ts'
import { type Finding, type Path, type Problem, pathText } from './targets/configuration-problems.ts'
import { type Discover, discoverFields } from './targets/discover-field.ts'
import { outlineOf, type Position, positionsOf } from './targets/json-outline.ts'
import { isObject, type JsonObject, readFields, refuseUnknown } from './targets/read-fields.ts'
import { reminder } from './targets/reminder.ts'
import {
  judgeDefaults,
  type Policy,
  type ReadEntry,
  readEntry,
  type Shared,
  type Surroundings,
} from './targets/target-entry.ts'
import { type PolicyFields, policyFields, type TargetFields, targetFields } from './targets/target-fields.ts'
import { conflicts } from './targets/target-relations.ts'

export type { Problem } from './targets/configuration-problems.ts'

export type ParsedTargets = { readonly targets: readonly Target[] } | { readonly problems: readonly Problem[] }

/** One entry of `targets`. */
export interface Entry {
  /** As far as it can be read. */
  readonly name?: string
  readonly credential?: string
  /** As it is written, as JSON text: a hundred thousand objects would take twice the memory. */
  readonly given: string
  /** Absent: something is wrong with it, or it claims what another entry claims too. */
  readonly target?: Target
  readonly problems: readonly Problem[]
}

/** targets.json as it was read. */
export interface TargetsFile {
  /** False: what is wrong concerns every target (the JSON, the list, the defaults), so that none can be taken from it. */
  readonly usable: boolean
  /** As they are written. */
  readonly defaults: JsonObject
  /** Absent: no secret becomes a target by its tags. */
  readonly discover?: Discover
  readonly entries: readonly Entry[]
  /** Everything that is wrong, in the order of the document. */
  readonly problems: readonly Problem[]
}

/** What the text is read with. `vault` holds where neither a target nor the defaults name one. */
export interface Reader {
  /** Every provider that the text names. */
  readonly registry: readonly KeyProvider[]
  /** Of all providers that a target may name. Absent: those of `registry`. */
  readonly ids?: readonly string[]
  readonly cloud: CloudName
  /** Decides whether secrets would expire after 2038. */
  readonly now: Instant
  readonly vault?: string | undefined
}

/** Parses targets.json whole: all targets, or all problems in the order of the document. Never throws for what the text says. */
export function parseTargets(
  text: string,
  registry: readonly KeyProvider[],
  cloud: CloudName,
  now: Instant,
  vault?: string,
): ParsedTargets {
  const { entries, problems } = readTargetsFile(text, { registry, cloud, now, vault })
  return problems.length > 0 ? { problems } : { targets: entries.map(({ target }) => target!) }
}

/** Reads targets.json entry by entry, so that what is wrong with one stops none of the others. Never throws for what the text says. */
export function readTargetsFile(text: string, { registry, ids, cloud, now, vault }: Reader): TargetsFile {
  // Editors on Windows put a byte order mark at the start, and JSON.parse refuses it.
  const json = text.replace(/^\uFEFF/, '')
  const outline = outlineOf(json)
  if ('line' in outline) {
    const { line, column } = outline
    const remedy = 'Correct the JSON: an editor shows the place.'
    const message = `line ${line}, column ${column}: ${outline.message}`
    return { usable: false, defaults: {}, entries: [], problems: [{ path: '$', message, remedy, line }] }
  }

  const around = {
    registry: [...registry, reminder],
    ids: [...(ids ?? registry.map(({ id }) => id)), reminder.id],
    cloud,
    vaultSuffix: clouds[cloud].vaultSuffix,
    vault,
    now,
  }
  const { defaults, discover, given, entries, findings } = readDocument(JSON.parse(json), around)
  for (const path of outline.repeated) {
    const remedy = 'Remove or rename one: only the last would count.'
    findings.push({ path, message: 'this key occurs twice in its object', remedy })
  }
  const contested = contest(entries, findings)
  const problems = findings.length === 0 ? [] : located(json, findings, entries)
  const ofEntry = Map.groupBy(problems, ({ index }) => index)
  return {
    usable: problems.every(({ index }) => index !== undefined),
    defaults,
    ...(discover === undefined ? {} : { discover }),
    entries: entries.map(({ name, credential, target }, index) => {
      const own = [...(ofEntry.get(index) ?? []), ...(contested.get(index) ?? [])]
      return {
        given: given[index]!,
        ...(name === undefined ? {} : { name }),
        ...(credential === undefined ? {} : { credential }),
        ...(target && own.length === 0 ? { target } : {}),
        problems: own.map(plain),
      }
    }),
    problems: problems.map(plain),
  }
}

interface Placed extends Problem {
  /** Of the entry that it is about; undefined: it is about all of them. */
  readonly index: number | undefined
}

function plain({ index: _, ...problem }: Placed): Problem {
  return problem
}

/**
 * Adds what more than one entry claims to the findings. Of two entries that are otherwise valid neither can be applied: which of
 * them is the mistake cannot be known. One that is otherwise invalid does not affect the other. Returns what is wrong with
 * an entry because of a later one.
 */
function contest(entries: readonly ReadEntry[], findings: Finding[]): ReadonlyMap<number, readonly Placed[]> {
  const wrong = new Set(findings.map(({ path }) => indexOf(path)))
  const indexes = [...entries.keys()]
  const order = [...indexes.filter((index) => !wrong.has(index)), ...indexes.filter((index) => wrong.has(index))]
  const found = conflicts(entries, order)
  const contested = new Map<number, Placed[]>()
  for (const { earlier, ...finding } of found) {
    findings.push(finding)
    const [index, by] = [indexOf(earlier)!, indexOf(finding.path)]
    if (wrong.has(by) || index === by) continue
    const { path, message, remedy } = finding
    const placed = { index, path: pathText(earlier), message: `${pathText(path)} ${message}`, remedy }
    contested.set(index, [...(contested.get(index) ?? []), placed])
  }
  return contested
}

function indexOf([list, index]: Path): number | undefined {
  return list === 'targets' && typeof index === 'number' ? index : undefined
}

/** The findings in the order of the document, with line and name. */
function located(json: string, findings: readonly Finding[], entries: readonly ReadEntry[]): readonly Placed[] {
  const positions = positionsOf(json)
  return findings
    .map((finding) => ({ ...finding, ...positionOf(finding.path, positions) }))
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ path, message, remedy, line }) => {
      const index = indexOf(path)
      const name = index === undefined ? undefined : entries[index]?.name
      const place = { index, path: pathText(path), line }
      return { ...place, ...(name === undefined ? {} : { target: name }), message, remedy }
    })
}

/** Where a path is in the text; of what is missing, where it is missing. */
function positionOf(path: Path, positions: ReadonlyMap<string, Position>): Position {
  if (path.length === 0) return { offset: 0, line: 1 }
  return positions.get(pathText(path)) ?? positionOf(path.slice(0, -1), positions)
}

interface ReadDocument {
  readonly defaults: JsonObject
  readonly discover?: Discover | undefined
  /** Each entry as JSON text. */
  readonly given: readonly string[]
  readonly entries: readonly ReadEntry[]
  readonly findings: Finding[]
}

function readDocument(document: unknown, around: Surroundings): ReadDocument {
  const findings: Finding[] = []
  const none = { defaults: {}, given: [], entries: [], findings }
  if (!isObject(document)) {
    findings.push({ path: [], message: 'must be an object', remedy: 'Write {"targets": [ … ]}.' })
    return none
  }
  refuseUnknown(document, ['$schema', 'defaults', 'discover', 'targets'], [], findings)
  // Built once for the whole document: a schema takes longer to build than to use.
  const policy = policyFields(around.vaultSuffix)
  const defaults = orVault(readDefaults(document, policy, around.now, findings), around.vault)
  const discover = readDiscover(document['discover'], around.vaultSuffix, findings)
  const list = document['targets']
  if (!Array.isArray(list)) {
    const message = list === undefined ? 'is missing' : 'must be an array'
    findings.push({ path: ['targets'], message, remedy: 'Write a list, with one object for each target.' })
    return none
  }
  const shared: Shared = { defaults, around, findings, fieldsOf: fieldsIn(policy) }
  const given: string[] = []
  const entries = list.map((entry, index) => {
    given.push(JSON.stringify(entry))
    // What has been read is let go: as objects, a hundred thousand entries take more than their targets do.
    list[index] = undefined
    return readEntry(entry, ['targets', index], shared)
  })
  return { defaults: isObject(document['defaults']) ? document['defaults'] : {}, discover, given, entries, findings }
}

/** Undefined: there is none, or something is wrong with it. */
function readDiscover(given: unknown, vaultSuffix: string, findings: Finding[]): Discover | undefined {
  if (given === undefined) return undefined
  const path = ['discover']
  if (!isObject(given)) {
    findings.push({ path, message: 'must be an object', remedy: 'Write {"vaults": [ … ], "scopes": [ … ]}.' })
    return undefined
  }
  const fields = discoverFields(vaultSuffix)
  const { vaults, scopes } = readFields(fields, given, path, findings).values
  refuseUnknown(given, Object.keys(fields), path, findings)
  return vaults && scopes && { vaults, scopes }
}

function readDefaults(document: JsonObject, fields: PolicyFields, now: Instant, findings: Finding[]): Policy {
  const given = document['defaults'] ?? {}
  const path = ['defaults']
  if (!isObject(given)) {
    findings.push({ path, message: 'must be an object', remedy: 'Write {"vault": …, "rotateEvery": …}.' })
    return { values: {}, given: new Set() }
  }
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
function fieldsIn(policy: PolicyFields): Shared['fieldsOf'] {
  const made = new Map<KeyProvider | undefined, TargetFields>()
  return (provider) => {
    const known = made.get(provider)
    if (known) return known
    const fields = targetFields(policy, provider)
    made.set(provider, fields)
    return fields
  }
}

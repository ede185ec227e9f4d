// Adds candidates to the text of a targets.json, each switched off until an operator has read it. What is there stays as it is formatted.

import { findNodeAtLocation, parseTree } from 'jsonc-parser'
import { type CloudName, clouds } from '../../src/azure/clouds.ts'
import { readTargetsFile, type TargetsFile } from '../../src/config/targets.ts'
import { sentenceOf } from '../../src/functions/shared/excerpt.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { asUsage } from './ended.ts'

/** A candidate as the app answers it, as far as it is used; nothing of it is trusted. */
export interface Proposed {
  readonly id: string
  readonly provider: string
  readonly targetsEntry: Readonly<Record<string, unknown>>
}

export interface Adding {
  /** Every provider. */
  readonly registry: readonly KeyProvider[]
  readonly cloud: CloudName
  readonly now: number
}

export interface Added<Candidate extends Proposed> {
  /** The whole file, as it is to be written. */
  readonly text: string
  /** With its entry as it was added. */
  readonly added: readonly (Candidate & { readonly targetsEntry: NewEntry })[]
  /** The file has a target of the same resource already. */
  readonly known: readonly Candidate[]
}

type NewEntry = Readonly<Record<string, unknown>> & { readonly name: string }

const emptyFile = '{\n  "$schema": "./targets.schema.json",\n  "targets": []\n}\n'

/** `text`: undefined where there is no file yet. Throws Ended where the file, or what it would become, is not valid: then nothing may be written. */
export function addTargets<Candidate extends Proposed>(
  text: string | undefined,
  candidates: readonly Candidate[],
  adding: Adding,
): Added<Candidate> {
  // Editors on Windows put a byte order mark at the start, at which the parser stops.
  const before = (text ?? emptyFile).replace(/^\uFEFF/, '')
  const file = read(before, adding)
  if (file.problems.length > 0) throw asInvalid('the file is not valid as it is', file)
  const taken = takenIn(file)
  const added: (Candidate & { readonly targetsEntry: NewEntry })[] = []
  const known: Candidate[] = []
  for (const candidate of candidates) {
    const entry = entryOf(candidate, taken, adding)
    const credential = credentialOf(entry, adding)
    if (credential !== undefined && taken.credentials.has(credential)) known.push(candidate)
    else {
      if (credential !== undefined) taken.credentials.add(credential)
      added.push({ ...candidate, targetsEntry: entry })
    }
  }
  const after = added.reduce((written, { targetsEntry }) => appended(written, targetsEntry), before)
  const result = read(after, adding)
  if (result.problems.length > 0) throw asInvalid('the file would not be valid', result)
  return { text: after, added, known }
}

/** The app knows a vault for targets that name none; which one does not matter here. */
function read(text: string, { registry, cloud, now }: Adding): TargetsFile {
  return readTargetsFile(text, { registry, cloud, now, vault: `https://any-vault.${clouds[cloud].vaultSuffix}` })
}

interface Taken {
  readonly names: Set<string>
  readonly secrets: Set<string>
  readonly credentials: Set<string>
  /** That of the defaults, which no entry needs to repeat. */
  readonly vault: string
}

function takenIn({ entries, defaults }: TargetsFile): Taken {
  const secrets = entries.flatMap(({ target }) => target?.secrets.map(({ name }) => name.toLowerCase()) ?? [])
  return {
    names: new Set(entries.flatMap(({ name }) => name?.toLowerCase() ?? [])),
    secrets: new Set(secrets),
    credentials: new Set(entries.flatMap(({ credential }) => credential ?? [])),
    vault: String(defaults['vault'] ?? '').replace(/\/$/, ''),
  }
}

function credentialOf(entry: NewEntry, adding: Adding): string | undefined {
  return read(JSON.stringify({ targets: [entry] }), adding).entries[0]?.credential
}

/** What an entry may have beside its provider's own fields: its vault, and the periods that tags say. */
const alsoTaken = ['vault', 'rotateEvery', 'validFor'] as const

/**
 * The entry with the fields that its provider knows, and no others: an answer cannot add `adopt`. Switched off: that a file was merged must
 * not rotate a key that no operator has looked at.
 */
function entryOf({ provider: id, targetsEntry }: Proposed, taken: Taken, { registry }: Adding): NewEntry {
  const provider = registry.find((each) => each.id === id)
  if (provider === undefined) throw asUsage(`the app proposes a target of a provider that this version does not know`)
  const fields = Object.keys(provider.resource.shape).filter((name) => Object.hasOwn(targetsEntry, name))
  const given = String(targetsEntry['name'])
  const secrets = Object.entries(Object(targetsEntry['secrets']) as Readonly<Record<string, unknown>>)
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? given : `${given.slice(0, 60 - String(number).length)}-${number}`
    const own = secrets.map(([secret, output]) => [`${name}${secret.slice(given.length)}`, output] as const)
    const isFree =
      !taken.names.has(name.toLowerCase()) && own.every(([secret]) => !taken.secrets.has(secret.toLowerCase()))
    if (!isFree) continue
    taken.names.add(name.toLowerCase())
    for (const [secret] of own) taken.secrets.add(secret.toLowerCase())
    return {
      name,
      provider: id,
      ...Object.fromEntries(fields.map((field) => [field, targetsEntry[field]])),
      ...Object.fromEntries(
        alsoTaken
          .filter((field) => typeof targetsEntry[field] === 'string' && targetsEntry[field] !== taken.vault)
          .map((field) => [field, targetsEntry[field]]),
      ),
      secrets: Object.fromEntries(own),
      enabled: false,
    }
  }
}

/** At the end of the list, on lines of its own, indented as the file is: nothing before it is touched. */
function appended(text: string, entry: object): string {
  const list = findNodeAtLocation(parseTree(text)!, ['targets'])!
  const last = list.children?.at(-1)
  const [, unit = '  '] = /^( +|\t)\S/m.exec(text) ?? []
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  const indent = last === undefined ? unit.repeat(2) : indentAt(text, last.offset)
  const lines = JSON.stringify(entry, null, unit).split('\n')
  const written = lines.map((line) => `${eol}${indent}${line}`).join('')
  if (last !== undefined) return inserted(text, last.offset + last.length, `,${written}`)
  return `${text.slice(0, list.offset)}[${written}${eol}${unit}]${text.slice(list.offset + list.length)}`
}

function inserted(text: string, at: number, more: string): string {
  return `${text.slice(0, at)}${more}${text.slice(at)}`
}

/** The white space that the line at this place begins with. */
function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))![0]
}

function asInvalid(what: string, { problems }: TargetsFile) {
  const first = problems.slice(0, 5).map((problem) => `${sentenceOf(problem)}. ${problem.remedy}`)
  return asUsage(`${what}: nothing was written`, first.join('\n'))
}

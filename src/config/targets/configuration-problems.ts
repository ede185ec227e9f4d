// What is wrong with a configuration, where, and what to do. Never the wrong value itself: people paste keys into the wrong field.

import * as z from 'zod/mini'
import { nearest } from './nearest.ts'

export interface Problem {
  /** A JSON path such as `$.targets[3].rotateEvery`, or the name of a setting. */
  readonly path: string
  /** What is wrong. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
  /** In targets.json: the line where it stands, or where it is missing; counts from 1. */
  readonly line?: number
  /** In targets.json: the name of the target that it is about, where that can be read. */
  readonly target?: string
}

/** Keys and indexes from the document's root. */
export type Path = readonly (string | number)[]

/** A problem before its path is written out and it is put in order. */
export interface Finding {
  readonly path: Path
  readonly message: string
  readonly remedy: string
}

/** The path as JSONPath: `$.targets[3].rotateEvery`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `${text}.${step}` : `${text}['${step.replace(/['\\]/g, '\\$&')}']`
  }, '$')
}

/** What to do about an unknown key. */
export function unknownKey(path: Path, key: string, known: readonly string[]): Finding {
  const guess = nearest(key, known)
  const remedy = guess ? `Did you mean ${guess}?` : `Remove it. Known fields: ${known.join(', ')}.`
  return { path: [...path, key], message: 'unknown field', remedy }
}

/** The first remedy is for the reader; without one, what the field's description and example say. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], path: Path, schema: z.core.$ZodType): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const at = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(at, key, keysOf(schema)))
    }
    if (issue.code === 'invalid_key') return findingsOf(issue.issues, at, schema)
    return [{ path: at, message: issue.message, remedy: remedyIn(issue) ?? wanted(schema, issue.path) }]
  })
}

/** Our own checks say what to do by themselves, in the issue's params. */
function remedyIn(issue: z.core.$ZodIssue): string | undefined {
  const remedy: unknown = issue.code === 'custom' ? issue.params?.['remedy'] : undefined
  return typeof remedy === 'string' ? remedy : undefined
}

interface Described {
  readonly description?: string | undefined
  readonly examples?: unknown
}

/** What a field expects, from the description in its schema. */
export function wanted(schema: z.core.$ZodType, path: readonly PropertyKey[] = []): string {
  const { description, examples } = describedAt(schema, path)
  const [first]: readonly unknown[] = Array.isArray(examples) ? examples : []
  const example = first === undefined ? '' : ` For example: ${JSON.stringify(first)}.`
  return `Expected: ${description ?? 'what targets.schema.json says'}.${example}`
}

/** What the schema says about the value at `path`; of a part that says nothing, what the whole says. */
function describedAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): Described {
  const { own, inner } = unwrapped(schema)
  const [step, ...rest] = path
  const part = step === undefined ? undefined : inner.shape?.[String(step)]
  const said = part ? describedAt(part, rest) : {}
  return said.description === undefined ? own : said
}

function keysOf(schema: z.core.$ZodType): readonly string[] {
  return Object.keys(unwrapped(schema).inner.shape ?? {})
}

interface Unwrapped {
  readonly own: Described
  readonly inner: { readonly shape?: Readonly<Record<string, z.core.$ZodType>> }
}

/** Unwraps optional, nullable and transformed schemas, and returns the described one. */
function unwrapped(schema: z.core.$ZodType): Unwrapped {
  const def = schema._zod.def as z.core.$ZodTypeDef & {
    readonly innerType?: z.core.$ZodType
    readonly in?: z.core.$ZodType
    readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  }
  const own: Described = z.globalRegistry.get(schema) ?? {}
  const within = def.innerType ?? def.in
  if (!within) return { own, inner: def.shape ? { shape: def.shape } : {} }
  const deeper = unwrapped(within)
  return { own: own.description === undefined ? deeper.own : own, inner: deeper.inner }
}

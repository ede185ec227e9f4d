// Reads an object field by field: a mistake in one field does not hide those in the others.

import * as z from 'zod/mini'
import { plainly } from '../../azure/plain-issues.ts'
import { type Finding, findingsOf, type Path, unknownKey, wanted } from './configuration-problems.ts'

export type Fields = Readonly<Record<string, z.core.$ZodType>>

export interface Reading<Shape extends Fields> {
  /** What could be read. */
  readonly values: { readonly [Key in keyof Shape]?: z.output<Shape[Key]> }
  /** What is there at all. Given without a value: it is wrong, and that has been said. */
  readonly given: ReadonlySet<string>
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value of a JSON document is an object, and not an array or null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads the fields that the shape knows, and adds what is wrong with them to `findings`. */
export function readFields<Shape extends Fields>(
  shape: Shape,
  object: JsonObject,
  path: Path,
  findings: Finding[],
): Reading<Shape> {
  const values: Record<string, unknown> = {}
  const given = new Set<string>()
  for (const [key, field] of Object.entries(shape)) {
    if (!Object.hasOwn(object, key)) {
      if (!z.safeParse(field, undefined).success)
        findings.push({ path: [...path, key], message: 'is missing', remedy: wanted(field) })
      continue
    }
    given.add(key)
    const parsed = z.safeParse(field, object[key], plainly)
    if (parsed.success) values[key] = parsed.data
    else findings.push(...findingsOf(parsed.error.issues, [...path, key], field))
  }
  return { values: values as Reading<Shape>['values'], given }
}

/** Refuses every key of the object that is none of `known`. */
export function refuseUnknown(object: JsonObject, known: readonly string[], path: Path, findings: Finding[]): void {
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) findings.push(unknownKey(path, key, known))
  }
}

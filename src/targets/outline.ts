// Room: the edge, targets.json. Imports the paths of problems.
// Reads JSON only to say where things are: JSON.parse tells neither the line of every mistake, nor a key that comes
// twice, and its messages quote the text.

import { type Path, pathText } from './problems.ts'

export interface Outline {
  /** Where each value starts, or the key before it, by its JSON path; of keys that come twice, the last. */
  readonly offsets: ReadonlyMap<string, number>
  /** Every key that its object had already. */
  readonly repeated: readonly Path[]
}

/** Thrown inside this file only, so that the descent can stop anywhere. */
class Fault extends Error {
  readonly at: number

  constructor(at: number, expected: string) {
    super(expected)
    this.at = at
  }
}

export interface SyntaxProblem {
  /** Both count from 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

const deepest = 50
const space = /[ \t\n\r]*/y
const text = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y

/** The outline of a JSON text, or its first mistake. Accepts what JSON.parse accepts, 50 levels deep. */
export function outlineOf(json: string): Outline | SyntaxProblem {
  const offsets = new Map<string, number>()
  const repeated: Path[] = []
  let at = 0

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const found = pattern.exec(json)?.[0]
    if (found !== undefined) at += found.length
    return found
  }

  function next(): string {
    take(space)
    return json[at] ?? ''
  }

  function string(expected: string): string {
    const found = take(text)
    if (found === undefined) throw new Fault(at, json[at] === '"' ? 'a string that ends, on the same line' : expected)
    return JSON.parse(found) as string
  }

  function value(path: Path): void {
    if (path.length > deepest) throw new Fault(at, `less nesting: ${deepest} levels are enough`)
    const first = next()
    if (first === '{') object(path)
    else if (first === '[') array(path)
    else if (first === '"') string('a value')
    else if (take(scalar) === undefined) throw new Fault(at, 'a value')
  }

  function object(path: Path): void {
    const seen = new Set<string>()
    at += 1
    if (skip('}')) return
    for (;;) {
      next()
      const offset = at
      const key = string('a key in double quotes')
      const inner = [...path, key]
      if (seen.has(key)) repeated.push(inner)
      seen.add(key)
      offsets.set(pathText(inner), offset)
      if (!skip(':')) throw new Fault(at, 'a colon after the key')
      value(inner)
      if (ends('}')) return
    }
  }

  function array(path: Path): void {
    at += 1
    if (skip(']')) return
    for (let index = 0; ; index++) {
      next()
      offsets.set(pathText([...path, index]), at)
      value([...path, index])
      if (ends(']')) return
    }
  }

  function skip(character: string): boolean {
    if (next() !== character) return false
    at += 1
    return true
  }

  function ends(closing: ']' | '}'): boolean {
    if (skip(closing)) return true
    if (!skip(',')) throw new Fault(at, `a comma or ${closing}`)
    return false
  }

  try {
    value([])
    if (next() !== '') throw new Fault(at, 'nothing more after the end')
    return { offsets, repeated }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return located(json, fault)
  }
}

function located(json: string, fault: Fault): SyntaxProblem {
  const before = json.slice(0, fault.at).split('\n')
  const position = { line: before.length, column: before.at(-1)!.length + 1 }
  const found = fault.at >= json.length ? 'the end of the text' : 'something else'
  const hint = json.startsWith('//', fault.at) || json.startsWith('/*', fault.at) ? '; JSON has no comments' : ''
  return { ...position, message: `expected ${fault.message}, found ${found}${hint}` }
}

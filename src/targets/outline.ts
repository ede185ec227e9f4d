// Room: the edge, targets.json. Imports the paths of problems.
// Reads JSON only to say where things are: JSON.parse tells neither the line of every mistake, nor a key that comes
// twice, and its messages quote the text.

import { type Path, pathText } from './problems.ts'

export interface Outline {
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
  const repeated: Path[] = []
  try {
    walk(json, ({ path, again }) => {
      if (again) repeated.push([...path])
    })
    return { repeated }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return located(json, fault)
  }
}

/**
 * Where each value starts, or the key before it, by its JSON path; of keys that come twice, the last. For a text that has
 * an outline. Only problems want it, and to write out every path takes longer than all the rest.
 */
export function offsetsOf(json: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>()
  walk(json, ({ path, offset }) => offsets.set(pathText(path), offset))
  return offsets
}

interface Step {
  /** Changes as the walk goes on: copy what is kept. */
  readonly path: Path
  readonly offset: number
  /** Its object has had this key before. */
  readonly again: boolean
}

/** Tells every key, and every element of a list, in the order of the text. Throws a Fault at the first mistake. */
function walk(json: string, tell: (step: Step) => void): void {
  const { peek, at, skip, ends, string, isScalar } = scanner(json)
  const path: (string | number)[] = []

  function value(): void {
    if (path.length > deepest) throw new Fault(at(), `less nesting: ${deepest} levels are enough`)
    const first = peek()
    if (first === '{') object()
    else if (first === '[') array()
    else if (first === '"') string('a value')
    else if (!isScalar()) throw new Fault(at(), 'a value')
  }

  function object(): void {
    const seen = new Set<string>()
    skip('{')
    if (skip('}')) return
    do {
      const offset = at()
      const key = string('a key in double quotes')
      path.push(key)
      tell({ path, offset, again: seen.has(key) })
      seen.add(key)
      if (!skip(':')) throw new Fault(at(), 'a colon after the key')
      value()
      path.pop()
    } while (!ends('}'))
  }

  function array(): void {
    skip('[')
    if (skip(']')) return
    let index = 0
    do {
      path.push(index)
      tell({ path, offset: at(), again: false })
      value()
      path.pop()
      index += 1
    } while (!ends(']'))
  }

  value()
  if (peek() !== '') throw new Fault(at(), 'nothing more after the end')
}

/** Reads a text from its start on. Space between its parts is passed over. */
function scanner(json: string) {
  let place = 0

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = place
    const found = pattern.exec(json)?.[0]
    if (found !== undefined) place += found.length
    return found
  }

  function at(): number {
    take(space)
    return place
  }

  function peek(): string {
    return json[at()] ?? ''
  }

  function skip(character: string): boolean {
    if (peek() !== character) return false
    place += 1
    return true
  }

  /** Whether the list or object ends here, rather than going on after a comma. */
  function ends(closing: ']' | '}'): boolean {
    if (skip(closing)) return true
    if (!skip(',')) throw new Fault(place, `a comma or ${closing}`)
    return false
  }

  function string(expected: string): string {
    const isOpen = peek() === '"'
    const found = take(text)
    if (found === undefined) throw new Fault(place, isOpen ? 'a string that ends, on the same line' : expected)
    return JSON.parse(found) as string
  }

  return { at, peek, skip, ends, string, isScalar: () => take(scalar) !== undefined }
}

/** The line, counted from 1, of a place in a text. */
export function lines(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

function located(json: string, fault: Fault): SyntaxProblem {
  const before = json.slice(0, fault.at).split('\n')
  const position = { line: before.length, column: before.at(-1)!.length + 1 }
  const found = fault.at >= json.length ? 'the end of the text' : 'something else'
  const hint = json.startsWith('//', fault.at) || json.startsWith('/*', fault.at) ? '; JSON has no comments' : ''
  return { ...position, message: `expected ${fault.message}, found ${found}${hint}` }
}

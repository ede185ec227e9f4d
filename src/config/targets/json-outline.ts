// Reads JSON only to say where things are: JSON.parse gives neither the line of every mistake, nor a key that comes
// twice, and its messages quote the text.

import { type JSONVisitor, printParseErrorCode, visit } from 'jsonc-parser'
import { type Path, pathText } from './configuration-problems.ts'

export interface Outline {
  /** Every key that its object had already. */
  readonly repeated: readonly Path[]
}

/** Thrown inside this file only, so that the parser stops at the first mistake. */
class SyntaxFault extends Error {
  readonly problem: SyntaxProblem

  constructor(problem: SyntaxProblem) {
    super(problem.message)
    this.problem = problem
  }
}

/** Lines and columns count from 1. */
export interface SyntaxProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Position {
  readonly offset: number
  /** Counted from 1. */
  readonly line: number
}

const strict = { disallowComments: true, allowTrailingComma: false }
const deepest = 50

/** What was expected where jsonc-parser gives one of its errors. A missing comma is not here: it depends on where. */
const expected: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a value, or a key in double quotes',
  PropertyNameExpected: 'a key in double quotes',
  ValueExpected: 'a value',
  ColonExpected: 'a colon after the key',
  CloseBraceExpected: 'a comma or }',
  CloseBracketExpected: 'a comma or ]',
  EndOfFileExpected: 'nothing more after the end',
  UnexpectedEndOfNumber: 'a number with all its digits',
  UnexpectedEndOfString: 'a string that ends, on the same line',
  InvalidUnicode: 'four hexadecimal digits after each \\u of the string',
  InvalidEscapeCharacter: 'after each \\ of the string one of "\\/bfnrtu',
  InvalidCharacter: 'a string without control characters: escape them',
}

/** The outline of a JSON text, or its first mistake. Accepts what JSON.parse accepts, 50 levels deep. */
export function outlineOf(json: string): Outline | SyntaxProblem {
  try {
    return { repeated: repeatedIn(json) }
  } catch (fault) {
    if (!(fault instanceof SyntaxFault)) throw fault
    return fault.problem
  }
}

/** Every key that its object had already. Throws a SyntaxFault at the first mistake. */
function repeatedIn(json: string): readonly Path[] {
  const repeated: Path[] = []
  /** The keys so far of each object around the place, and undefined for each array. */
  const around: (Set<string> | undefined)[] = []
  const open = (keys: Set<string> | undefined, offset: number, line: number, character: number) => {
    if (around.length >= deepest) fail(`less nesting: ${deepest} levels are enough`, offset, line, character)
    around.push(keys)
  }
  const close = () => {
    around.pop()
  }
  const fail = (what: string, offset: number, line: number, character: number): never => {
    const found = offset >= json.length ? 'the end of the text' : 'something else'
    const message = `expected ${what}, found ${found}`
    throw new SyntaxFault({ line: line + 1, column: character + 1, message })
  }
  const visitor: JSONVisitor = {
    onObjectBegin: (offset, _length, line, character) => open(new Set(), offset, line, character),
    onObjectEnd: close,
    onArrayBegin: (offset, _length, line, character) => open(undefined, offset, line, character),
    onArrayEnd: close,
    onObjectProperty: (key, _offset, _length, _line, _character, path) => {
      const keys = around.at(-1)!
      if (keys.has(key)) repeated.push([...path(), key])
      keys.add(key)
    },
    onError: (error, offset, _length, line, character) => {
      const name = printParseErrorCode(error)
      if (name === 'InvalidCommentToken') {
        throw new SyntaxFault({ line: line + 1, column: character + 1, message: 'JSON has no comments' })
      }
      const comma = `a comma or ${around.at(-1) ? '}' : ']'}`
      fail(expected[name] ?? comma, offset, line, character)
    },
  }
  visit(json, visitor, strict)
  return repeated
}

/**
 * Where each value starts, or the key before it, by its JSON path; of keys that come twice, the last. For a text that has
 * an outline. Only problems want it, and to write out every path takes longer than all the rest.
 */
export function positionsOf(json: string): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>()
  const add = (path: Path, offset: number, line: number) => positions.set(pathText(path), { offset, line: line + 1 })
  /** A value in an array; one in an object is at its key. */
  const element = (offset: number, line: number, path: Path) => {
    if (typeof path.at(-1) === 'number') add(path, offset, line)
  }
  visit(
    json,
    {
      onObjectProperty: (key, offset, _length, line, _character, path) => add([...path(), key], offset, line),
      onObjectBegin: (offset, _length, line, _character, path) => element(offset, line, path()),
      onArrayBegin: (offset, _length, line, _character, path) => element(offset, line, path()),
      onLiteralValue: (_value, offset, _length, line, _character, path) => element(offset, line, path()),
    },
    strict,
  )
  return positions
}

// Works out the value of a variable of a Bicep file, for the few functions that turn parameters into lists. As Resource
// Manager does it: every variable is worked out, also one in the branch that is not taken, and fail() ends it all.

import { posix } from 'node:path'
import { type BicepFile, literal, type Node, named, walk } from './bicep.ts'
import { jsonOf, type Texts } from './project.ts'

type Scope = Readonly<Record<string, unknown>>

// biome-ignore lint/suspicious/noExplicitAny: each is called with what its name takes
const functions: Readonly<Record<string, (...args: any[]) => unknown>> = {
  contains: (list: unknown[], item: unknown) => list.includes(item),
  concat: (...lists: unknown[][]) => lists.flat(),
  endsWith: (text: string, end: string) => text.toLowerCase().endsWith(end.toLowerCase()),
  empty: (value: string | unknown[]) => value.length === 0,
  fail: (message: string) => {
    throw new Error(message)
  },
  filter: (list: unknown[], keep: (item: unknown) => boolean) => list.filter(keep),
  join: (list: unknown[], between: string) => list.join(between),
  last: (list: unknown[]) => list.at(-1),
  length: (value: string | unknown[]) => value.length,
  map: (list: unknown[], change: (item: unknown) => unknown) => list.map((item) => change(item)),
  objectKeys: (object: object) => Object.keys(object),
  split: (text: string, at: string) => text.split(at),
  startsWith: (text: string, start: string) => text.toLowerCase().startsWith(start.toLowerCase()),
  toLower: (text: string) => text.toLowerCase(),
  trim: (text: string) => text.trim(),
  union: (...lists: unknown[][]) => [...new Set(lists.flat())],
}

/** The value of a variable; `given` are the parameters and variables that it may ask for. Throws what fail() says. */
export function variableOf(texts: Texts, file: BicepFile, variable: string, given: Scope): unknown {
  const declares = (name: string) => file.variables.some((each) => each.name === name)
  const lookUp = (name: string, scope: Scope): unknown => {
    if (name in scope) return scope[name]
    const declared = file.variables.find((each) => each.name === name)
    if (declared === undefined) throw new TypeError(`${name} is neither given nor a variable`)
    return evaluate(named(declared.node)[1]!, given)
  }

  const evaluate = (node: Node, scope: Scope): unknown => {
    const children = named(node)
    const [first, second, third] = children
    const operator = node.children.find(({ named }) => !named)?.text
    switch (node.type) {
      case 'identifier':
        return lookUp(node.text, scope)
      case 'number':
        return Number(node.text)
      case 'string':
        if (literal(node) !== undefined) return literal(node)
        return children
          .map((part) => (part.type === 'interpolation' ? evaluate(named(part)[0]!, scope) : part.text))
          .join('')
      case 'array':
        return children.map((item) => evaluate(item, scope))
      case 'lambda_expression':
        return (item: unknown) => evaluate(second!, { ...scope, [first!.text]: item })
      case 'ternary_expression':
        for (const { type, text } of walk(node)) if (type === 'identifier' && declares(text)) lookUp(text, scope)
        return evaluate(evaluate(first!, scope) ? second! : third!, scope)
      case 'unary_expression':
        return !evaluate(first!, scope)
      case 'binary_expression': {
        const [left, right] = [evaluate(first!, scope), evaluate(second!, scope)]
        if (operator === '||') return left || right
        return (operator === '==') === (left === right)
      }
      case 'subscript_expression':
        return (evaluate(first!, scope) as Scope)[evaluate(second!, scope) as string]
      case 'member_expression':
        return (evaluate(first!, scope) as Scope)[second!.text]
      case 'call_expression': {
        const args = named(second!).map((argument) => evaluate(argument, scope))
        if (first!.text === 'loadJsonContent')
          return jsonOf(texts[posix.join(posix.dirname(file.path), String(args[0]))])
        return functions[first!.text]!(...args)
      }
      default:
        throw new TypeError(`${node.type} is not understood: ${node.text}`)
    }
  }

  return lookUp(variable, given)
}

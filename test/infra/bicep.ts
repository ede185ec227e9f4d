// Reads Bicep with tree-sitter: enough of it to check names and values, not types. No compiler can be had from npm, so
// what is checked here is checked, not compiled.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Language, Parser, type Node as SyntaxNode } from 'web-tree-sitter'

/** A node of the tree, copied out of the parser once: rules walk it often. Comments are left out. */
export interface Node {
  readonly type: string
  readonly text: string
  /** From 1. */
  readonly line: number
  /** What cannot be read, or is missing. */
  readonly broken: boolean
  /** The text goes on with an opening parenthesis: the name of a function, even where the grammar takes an array apart. */
  readonly called: boolean
  /** With a name in the grammar, so no brackets and commas. */
  readonly named: boolean
  readonly parent: Node | undefined
  readonly children: readonly Node[]
}

export interface Declaration {
  readonly name: string
  readonly node: Node
}

export interface Parameter extends Declaration {
  /** The default as written, without quotes; absent where the caller must say. */
  readonly fallback?: string
}

export interface Resource extends Declaration {
  /** As written: nested ones only have the last part. */
  readonly type: string
  readonly apiVersion?: string
  readonly existing: boolean
  /** The object with its properties, inside a loop or a condition too. */
  readonly body: Node | undefined
}

export interface Module extends Declaration {
  /** As written, relative to the file. */
  readonly source: string
  readonly body: Node | undefined
}

export interface BicepFile {
  readonly path: string
  readonly root: Node
  readonly parameters: readonly Parameter[]
  readonly variables: readonly Declaration[]
  readonly resources: readonly Resource[]
  readonly modules: readonly Module[]
  readonly outputs: readonly Declaration[]
}

let parser: Parser | undefined
const parsed = new Map<string, BicepFile>()

/** To be awaited once, before `parse`. */
export async function loadGrammar(): Promise<void> {
  if (parser !== undefined) return
  await Parser.init()
  const wasm = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
  const loaded = new Parser()
  loaded.setLanguage(await Language.load(readFileSync(wasm)))
  parser = loaded
}

/** One Bicep file. What the grammar cannot read is left in the tree as broken nodes. */
export function parse(path: string, source: string): BicepFile {
  const known = parsed.get(`${path} ${source}`)
  if (known !== undefined) return known
  const tree = parser!.parse(source)!
  const root = copy(tree.rootNode, source, undefined)
  tree.delete()
  const all = (type: string) => [...walk(root)].filter((node) => node.type === type)
  const file = {
    path,
    root,
    parameters: all('parameter_declaration').map(parameterOf),
    variables: all('variable_declaration').map(declarationOf),
    resources: all('resource_declaration').map(resourceOf),
    modules: all('module_declaration').map(moduleOf),
    outputs: all('output_declaration').map(declarationOf),
  }
  parsed.set(`${path} ${source}`, file)
  return file
}

function copy(node: SyntaxNode, source: string, parent: Node | undefined): Node {
  const children: Node[] = []
  const made: Node = {
    type: node.type,
    text: node.text,
    line: node.startPosition.row + 1,
    broken: node.isError || node.isMissing,
    called: source[node.endIndex] === '(',
    named: node.isNamed,
    parent,
    children,
  }
  for (const child of node.children) if (!child.type.endsWith('comment')) children.push(copy(child, source, made))
  return made
}

/** The node and all below it, in order of the text. */
export function* walk(node: Node): Generator<Node> {
  yield node
  for (const child of node.children) yield* walk(child)
}

export function named(node: Node): readonly Node[] {
  return node.children.filter((child) => child.named)
}

/** A string's text when it has no interpolation; undefined otherwise. */
export function literal(node: Node | undefined): string | undefined {
  if (node?.type !== 'string' || named(node).some((child) => child.type === 'interpolation')) return undefined
  return named(node)
    .map((child) => child.text)
    .join('')
}

/** The properties of an object, by name. */
export function propertiesOf(object: Node | undefined): ReadonlyMap<string, Node> {
  const entries = (object === undefined ? [] : named(object))
    .filter((child) => child.type === 'object_property' && named(child).length === 2)
    .map((property) => {
      const [key, value] = named(property)
      return [literal(key) ?? key!.text, value!] as const
    })
  return new Map(entries)
}

/** The value at a path such as `properties.siteConfig`; undefined where there is none. */
export function valueAt(object: Node | undefined, path: string): Node | undefined {
  return path.split('.').reduce<Node | undefined>((node, key) => node && propertiesOf(node).get(key), object)
}

function declarationOf(node: Node): Declaration {
  return { name: named(node)[0]!.text, node }
}

function parameterOf(node: Node): Parameter {
  const fallback = named(node)[2]
  return {
    ...declarationOf(node),
    ...(fallback === undefined ? {} : { fallback: literal(fallback) ?? fallback.text }),
  }
}

function resourceOf(node: Node): Resource {
  const [type = '', apiVersion] = (literal(named(node)[1]) ?? '').split('@')
  return {
    ...declarationOf(node),
    type,
    ...(apiVersion === undefined ? {} : { apiVersion }),
    existing: node.children.some((child) => child.type === 'existing'),
    body: bodyOf(named(node)[2]),
  }
}

function moduleOf(node: Node): Module {
  return { ...declarationOf(node), source: literal(named(node)[1]) ?? '', body: bodyOf(named(node)[2]) }
}

function bodyOf(node: Node | undefined): Node | undefined {
  if (node === undefined || node.type === 'object') return node
  return bodyOf(named(node).at(-1))
}

// Room: the tests. Lint rules between files: modules get exactly their parameters, give what is asked of them, and what
// is loaded is there.

import { posix } from 'node:path'
import { type BicepFile, literal, type Module, type Node, named, propertiesOf, walk } from './bicep.ts'
import { at, type Finding, jsonOf, type Project } from './project.ts'

export function moduleFiles({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    file.modules
      .filter((module) => sourceOf(files, file, module) === undefined)
      .map(({ source, node }) => ({ rule: 'module-file', place: at(file, node), message: `${source} does not exist` })),
  )
}

export function moduleParameters({ files }: Project): Finding[] {
  return files.flatMap((file) => file.modules.flatMap((module) => misfits(files, file, module)))
}

function misfits(files: readonly BicepFile[], file: BicepFile, module: Module): Finding[] {
  const source = sourceOf(files, file, module)
  if (source === undefined) return []
  const given = [...propertiesOf(propertiesOf(module.body).get('params')).keys()]
  const wanted = source.parameters
  const finding = (message: string) => ({ rule: 'module-parameter', place: at(file, module.node), message })
  return [
    ...given
      .filter((name) => !wanted.some((parameter) => parameter.name === name))
      .map((name) => finding(`${source.path} has no parameter ${name}`)),
    ...wanted
      .filter(({ name, fallback }) => fallback === undefined && !given.includes(name))
      .map(({ name }) => finding(`${source.path} wants the parameter ${name}`)),
  ]
}

export function moduleOutputs({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    outputsAsked(file).flatMap(({ module, name, node }) => {
      const source = sourceOf(files, file, module)
      if (source === undefined || source.outputs.some((output) => output.name === name)) return []
      return [{ rule: 'module-output', place: at(file, node), message: `${source.path} has no output ${name}` }]
    }),
  )
}

/** An output that nobody asks for. The outputs of a file that is deployed by itself are for people and hooks. */
export function unusedOutputs({ files }: Project): Finding[] {
  const asked = new Set(
    files.flatMap((file) =>
      outputsAsked(file).map(({ module, name }) => `${sourceOf(files, file, module)?.path} ${name}`),
    ),
  )
  const modules = new Set(files.flatMap((file) => file.modules.map((each) => sourceOf(files, file, each)?.path)))
  return files
    .filter(({ path }) => modules.has(path))
    .flatMap((file) =>
      file.outputs
        .filter(({ name }) => !asked.has(`${file.path} ${name}`))
        .map(({ name, node }) => ({ rule: 'unused', place: at(file, node), message: `output ${name} is not used` })),
    )
}

/** loadJsonContent and loadTextContent name files that are there; and what is read from a variable loaded so, is in it. */
export function loadedFiles({ texts, files }: Project): Finding[] {
  return files.flatMap((file) => {
    const calls = [...walk(file.root)].filter((node) => node.type === 'call_expression' && /^load/.test(node.text))
    const missing = calls.filter((node) => texts[pathOf(file, node)] === undefined)
    return [
      ...missing.map((node) => ({ rule: 'loaded-file', place: at(file, node), message: `${node.text}: no such file` })),
      ...file.variables.flatMap(({ name, node }) => {
        const loads = named(node)[1]!
        if (!loads.text.startsWith('loadJsonContent')) return []
        const keys = Object.keys((jsonOf(texts[pathOf(file, loads)]) as object | undefined) ?? {})
        return membersOf(file, name)
          .filter(({ key }) => !keys.includes(key))
          .map(({ key, node }) => ({ rule: 'loaded-file', place: at(file, node), message: `${name} has no ${key}` }))
      }),
    ]
  })
}

function pathOf(file: BicepFile, call: Node): string {
  const argument = literal(named(named(call)[1]!)[0])
  return posix.join(posix.dirname(file.path), argument ?? '')
}

export function sourceOf(files: readonly BicepFile[], file: BicepFile, module: Module): BicepFile | undefined {
  const path = posix.join(posix.dirname(file.path), module.source)
  return files.find((each) => each.path === path)
}

function outputsAsked(file: BicepFile): { module: Module; name: string; node: Node }[] {
  return [...walk(file.root)].flatMap((node) => {
    const [, symbol, name] = (node.type === 'member_expression' && /^(\w+)!?\.outputs\.(\w+)$/.exec(node.text)) || []
    const module = file.modules.find((each) => each.name === symbol)
    return module === undefined || name === undefined ? [] : [{ module, name, node }]
  })
}

function membersOf(file: BicepFile, variable: string): { key: string; node: Node }[] {
  return [...walk(file.root)].flatMap((node) => {
    const [, symbol, key] = (node.type === 'member_expression' && /^(\w+)\.(\w+)$/.exec(node.text)) || []
    return symbol === variable && key !== undefined ? [{ key, node }] : []
  })
}

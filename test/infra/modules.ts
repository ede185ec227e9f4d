// Lint rules between files: modules get exactly their parameters, give what is asked of them, and what is loaded is
// there.

import { posix } from 'node:path'
import { type BicepFile, literal, type Module, type Node, named, propertiesOf, walk } from './bicep.ts'
import { at, type Finding, jsonOf, type Project } from './project.ts'

/** What a module is made from: a Bicep file, or an ARM template in JSON. */
export interface ModuleSource {
  readonly path: string
  readonly targetScope: string
  readonly parameters: readonly { readonly name: string; readonly fallback?: string | undefined }[]
  readonly outputs: readonly { readonly name: string }[]
}

export function moduleFiles(project: Project): Finding[] {
  return project.files.flatMap((file) =>
    file.modules
      .filter((module) => sourceOf(project, file, module) === undefined)
      .map(({ source, node }) => ({ rule: 'module-file', place: at(file, node), message: `${source} does not exist` })),
  )
}

export function moduleParameters(project: Project): Finding[] {
  return project.files.flatMap((file) => file.modules.flatMap((module) => misfits(project, file, module)))
}

function misfits(project: Project, file: BicepFile, module: Module): Finding[] {
  const source = sourceOf(project, file, module)
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

export function moduleOutputs(project: Project): Finding[] {
  return project.files.flatMap((file) =>
    outputsAsked(file).flatMap(({ module, name, node }) => {
      const source = sourceOf(project, file, module)
      if (source === undefined || source.outputs.some((output) => output.name === name)) return []
      return [{ rule: 'module-output', place: at(file, node), message: `${source.path} has no output ${name}` }]
    }),
  )
}

/** An output that no file reads. The outputs of a file that is deployed by itself are for people and hooks. */
export function unusedOutputs(project: Project): Finding[] {
  const { files } = project
  const asked = new Set(
    files.flatMap((file) =>
      outputsAsked(file).map(({ module, name }) => `${sourceOf(project, file, module)?.path} ${name}`),
    ),
  )
  const modules = new Set(files.flatMap((file) => file.modules.map((each) => sourceOf(project, file, each)?.path)))
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

export function sourceOf({ texts, files }: Project, file: BicepFile, module: Module): ModuleSource | undefined {
  const path = posix.join(posix.dirname(file.path), module.source)
  const bicep = files.find((each) => each.path === path)
  if (bicep !== undefined) return { ...bicep, targetScope: targetScopeOf(bicep) }
  return path.endsWith('.json') ? templateOf(path, jsonOf(texts[path])) : undefined
}

export function targetScopeOf({ root }: BicepFile): string {
  const assignment = root.children.find(({ type }) => type === 'target_scope_assignment')
  return assignment === undefined ? 'resourceGroup' : (literal(named(assignment)[0]) ?? assignment.text)
}

/** The schema of an ARM template says for which scope it is written. */
const templateScopes: Readonly<Record<string, string>> = {
  'deploymentTemplate.json#': 'resourceGroup',
  'subscriptionDeploymentTemplate.json#': 'subscription',
}

interface ArmTemplate {
  readonly $schema: string
  readonly parameters?: Readonly<Record<string, { readonly defaultValue?: unknown }>>
  readonly outputs?: Readonly<Record<string, unknown>>
}

function templateOf(path: string, json: unknown): ModuleSource | undefined {
  if (json === undefined) return undefined
  const { $schema, parameters = {}, outputs = {} } = json as ArmTemplate
  return {
    path,
    targetScope: templateScopes[$schema.split('/').at(-1)!] ?? $schema,
    parameters: Object.entries(parameters).map(([name, { defaultValue }]) => ({
      name,
      ...(defaultValue === undefined ? {} : { fallback: JSON.stringify(defaultValue) }),
    })),
    outputs: Object.keys(outputs).map((name) => ({ name })),
  }
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

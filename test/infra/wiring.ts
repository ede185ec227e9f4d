// Lint rules about what lies around the Bicep: azure.yaml, main.parameters.json, the hooks, the scripts.

import { posix } from 'node:path'
import { type BicepFile, literal, named, propertiesOf, walk } from './bicep.ts'
import { type Finding, jsonOf, type Project } from './project.ts'

const main = 'infra/main.bicep'
const parametersFile = 'infra/main.parameters.json'
/** What azd sets by itself. */
const azdNames = ['AZURE_ENV_NAME', 'AZURE_LOCATION', 'AZURE_PRINCIPAL_ID', 'AZURE_SUBSCRIPTION_ID']

export function parameterFile({ texts, files }: Project): Finding[] {
  const finding = (message: string) => ({ rule: 'parameters-file', place: parametersFile, message })
  const content = jsonOf(texts[parametersFile]) as { parameters?: Record<string, { value: string }> } | undefined
  if (content?.parameters === undefined) return [finding('is not valid JSON with parameters')]
  const wanted = mainOf(files)?.parameters ?? []
  return [
    ...Object.keys(content.parameters)
      .filter((name) => !wanted.some((parameter) => parameter.name === name))
      .map((name) => finding(`main.bicep has no parameter ${name}`)),
    ...wanted
      .filter(({ name, fallback }) => fallback === undefined && content.parameters![name] === undefined)
      .map(({ name }) => finding(`main.bicep wants the parameter ${name}`)),
    ...wanted.flatMap(({ name, fallback }) => {
      const [, given] = /^\$\{\w+=(.*)\}$/.exec(content.parameters![name]?.value ?? '') ?? []
      if (given === undefined || given === fallback) return []
      return [finding(`${name} is ${given} here by default, and ${fallback} in main.bicep`)]
    }),
  ]
}

/** Whatever is loaded, sent or deployed as JSON is JSON. */
export function jsonFiles({ texts }: Project): Finding[] {
  return Object.keys(texts)
    .filter((path) => path.endsWith('.json') && jsonOf(texts[path]) === undefined)
    .map((path) => ({ rule: 'json', place: path, message: 'is not valid JSON' }))
}

export function azureYaml({ texts, files }: Project): Finding[] {
  const yaml = texts['azure.yaml'] ?? ''
  const finding = (message: string) => ({ rule: 'azure-yaml', place: 'azure.yaml', message })
  const scripts = [...yaml.matchAll(/^ *run: (\S+)$/gm)].map(([, path]) => path!)
  const service = /^services:\n {2}([\w-]+):/m.exec(yaml)?.[1]
  const tag = [...(mainOf(files) === undefined ? [] : walk(mainOf(files)!.root))]
    .filter((node) => node.type === 'object_property' && literal(named(node)[0]) === 'azd-service-name')
    .map((node) => literal(named(node)[1]))
  const ignored = (texts['.funcignore'] ?? '').split(/\r?\n/).map((line) => line.trim())
  return [
    ...scripts.filter((path) => texts[path] === undefined).map((path) => finding(`${path} does not exist`)),
    ...(tag.includes(service) ? [] : [finding(`service ${service} is not the azd-service-name of main.bicep`)]),
    ...(['posix', 'windows'] as const)
      .filter((system) => !new RegExp(`^    ${system}:$`, 'm').test(yaml))
      .map((system) => finding(`postdeploy has no hook for ${system}`)),
    ...(/^ *remoteBuild: false$/m.test(yaml) ? [] : [finding('remoteBuild is not false: the bundle needs no build')]),
    // azd stops at this pair. Its matcher (github.com/denormal/go-gitignore) takes `node_modules/**` for the folder as well.
    ...ignored
      .filter((line) => /^\/?(\*\*\/)?node_modules(\/|\/\*\*)?$/.test(line))
      .map((line) => ({
        ...finding(`${line} with remoteBuild: false stops azd; write node_modules/*`),
        place: '.funcignore',
      })),
  ]
}

/** Every variable that a script reads is an output of main.bicep, a setting of main.parameters.json, or azd's own. */
export function scriptVariables({ texts, files }: Project): Finding[] {
  const settings = [...(texts[parametersFile] ?? '').matchAll(/\$\{(\w+)/g)].map(([, name]) => name!)
  const known = new Set([...(mainOf(files)?.outputs ?? []).map(({ name }) => name), ...settings, ...azdNames])
  return scriptsOf(texts).flatMap(([path, text]) =>
    variablesOf(text)
      .filter((name) => !known.has(name))
      .map((name) => ({ rule: 'script-variable', place: path, message: `${name} is not an output of main.bicep` })),
  )
}

/** What a hook deploys gets exactly its parameters. */
export function hookParameters({ texts, files }: Project): Finding[] {
  return scriptsOf(texts).flatMap(([path, text]) =>
    text
      .split('--template-file')
      .slice(1)
      .flatMap((deployment) => misfits(files, path, deployment)),
  )
}

/** `deployment`: the script from a template's name on. */
function misfits(files: readonly BicepFile[], path: string, deployment: string): Finding[] {
  const template = /infra\/\S+\.bicep/.exec(deployment)?.[0]
  const file = files.find((each) => each.path === template)
  const finding = (message: string) => ({ rule: 'hook-parameter', place: path, message })
  if (file === undefined) return [finding(`${template} does not exist`)]
  const given = [...deployment.matchAll(/"(\w+)=\$/g)].map(([, name]) => name!)
  const wanted = file.parameters.map(({ name }) => name)
  const flags = file.parameters.filter(({ node }) => named(node)[1]?.text === 'bool').map(({ name }) => name)
  return [
    ...given.filter((name) => !wanted.includes(name)).map((name) => finding(`${template} has no parameter ${name}`)),
    ...wanted.filter((name) => !given.includes(name)).map((name) => finding(`${template} wants ${name}`)),
    // PowerShell writes True.
    ...flags
      .filter((name) => path.endsWith('.ps1') && !new RegExp(`"${name}=.*ToLower`).test(deployment))
      .map((name) => finding(`${name} is a bool, which az takes in lower case`)),
  ]
}

/** A script for sh has a twin for PowerShell that reads the same variables and calls az for the same things. */
export function twins({ texts }: Project): Finding[] {
  return scriptsOf(texts).flatMap(([path, text]) => {
    const other = path.endsWith('.sh') ? path.replace(/\.sh$/, '.ps1') : path.replace(/\.ps1$/, '.sh')
    const finding = (message: string) => ({ rule: 'twin', place: path, message })
    if (texts[other] === undefined) return [finding(`${posix.basename(other)} does not exist`)]
    const missing = difference(variablesOf(text), variablesOf(texts[other]))
    const calls = difference(callsOf(text), callsOf(texts[other]))
    return [...missing, ...calls].map((what) => finding(`${what} is not in ${posix.basename(other)}`))
  })
}

/**
 * az is a batch file on Windows, and PowerShell puts an argument in quotes only where it has a space: cmd then reads the
 * rest of an address as commands of its own.
 */
export function forCmd({ texts }: Project): Finding[] {
  return scriptsOf(texts)
    .filter(([path]) => path.endsWith('.ps1'))
    .flatMap(([path, text]) =>
      [...text.matchAll(/"([^"\s]*\/[^"\s]*)"/g)].map(([, address]) => [path, address!] as const),
    )
    .filter(([, address]) => /[()&|<>^]/.test(address.replace(/\$\([^)]*\)/g, '')))
    .map(([path, address]) => ({ rule: 'cmd', place: path, message: `${address} has a character that cmd reads` }))
}

function mainOf(files: readonly BicepFile[]): BicepFile | undefined {
  return files.find(({ path }) => path === main)
}

function scriptsOf(texts: Project['texts']): [string, string][] {
  return Object.entries(texts).filter(([path]) => /\.(sh|ps1)$/.test(path))
}

function variablesOf(text: string): string[] {
  return [...new Set(text.match(/\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b/g))]
}

/** `az ad app create`: the verbs, without what follows. */
function callsOf(text: string): string[] {
  const code = text.replace(/^\s*#.*$/gm, '')
  return [
    ...new Set(
      [...code.matchAll(/\baz ((?:[a-z]+(?:-[a-z]+)* )+)(?=["$@-])/g)].map(([, verbs]) => `az ${verbs!.trim()}`),
    ),
  ]
}

function difference(these: readonly string[], those: readonly string[]): string[] {
  return these.filter((each) => !those.includes(each))
}

/** The names of the settings that the app gets. */
export function appSettings({ files }: Project): string[] {
  const app = files.find(({ path }) => path === 'infra/app/function-app.bicep')
  const settings = app?.resources.find(({ name }) => name === 'settings')
  return [...propertiesOf(propertiesOf(settings?.body).get('properties')).keys()]
}

// Lint rules about Azure: versions, roles, no keys, tags.

import { addressFunction, apiVersions, required, roleIds, untagged } from './allowed.ts'
import { type BicepFile, literal, type Node, named, propertiesOf, type Resource, valueAt, walk } from './bicep.ts'
import { at, type Finding, type Project } from './project.ts'

export function knownVersions({ files }: Project): Finding[] {
  return perResource(files, ({ type, apiVersion, node }, file) => {
    // A nested resource takes its parent's version.
    if (apiVersion === undefined && node.parent?.type === 'object_property') return []
    if (apiVersions[type]?.includes(apiVersion ?? '')) return []
    const known = apiVersions[type]?.join(', ') ?? 'no version of it is listed'
    const message = `${type}@${apiVersion} is not in the list of versions that exist (${known})`
    return [{ rule: 'api-version', place: at(file, node), message }]
  })
}

const guid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** A role's id stands in a variable of the role's name, and nowhere else. */
export function knownRoles({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    [...walk(file.root)].flatMap((node) => {
      const id = literal(node)
      if (id === undefined || !guid.test(id)) return []
      const variable = node.parent?.type === 'variable_declaration' ? named(node.parent)[0]!.text : ''
      if (roleIds[variable] === id) return []
      const message = `${id} is not the id of a role called ${variable || '(give it a variable)'}`
      return [{ rule: 'role-id', place: at(file, node), message }]
    }),
  )
}

/** No function that reads a key, in Bicep or in the scripts. */
export function noKeys({ texts, files }: Project): Finding[] {
  const calls = files.flatMap((file) =>
    [...walk(file.root)]
      .filter((node) => node.type === 'call_expression' && /(^|\.)list\w*\($/i.test(`${calledBy(node)}(`))
      .filter((node) => calledBy(node) !== addressFunction)
      .map((node) => ({ rule: 'list-keys', place: at(file, node), message: `${calledBy(node)} reads keys` })),
  )
  const scripts = Object.entries(texts)
    .filter(([path]) => /\.(sh|ps1|yaml)$/.test(path))
    .filter(([, text]) => /\bkeys? list\b|list-?keys|--account-key|connection-string|--auth-mode key/i.test(text))
    .map(([path]) => ({ rule: 'list-keys', place: path, message: 'reads keys' }))
  return [...calls, ...scripts]
}

function calledBy(call: Node): string {
  return named(call)[0]?.text ?? ''
}

export function requiredProperties({ files }: Project): Finding[] {
  return perResource(files, ({ type, existing, body, node }, file) => {
    if (existing) return []
    return Object.entries(required[type] ?? {})
      .filter(([path, value]) => valueAt(body, path)?.text !== value)
      .map(([path, value]) => ({
        rule: 'required',
        place: at(file, node),
        message: `${type} must have ${path}: ${value}`,
      }))
  })
}

export function tagged({ files }: Project): Finding[] {
  return perResource(files, ({ type, existing, body, node }, file) => {
    if (existing || untagged.has(type) || node.parent?.type === 'object_property') return []
    if (propertiesOf(body).get('tags') !== undefined) return []
    return [{ rule: 'tags', place: at(file, node), message: `${type} has no tags` }]
  })
}

/** Outputs become environment variables and stay in the deployment's history. */
export function noSecretOutputs({ files }: Project): Finding[] {
  return files.flatMap((file) =>
    file.outputs
      .filter(({ name }) => /(key|secret|password|token)$/i.test(name))
      .map(({ name, node }) => ({
        rule: 'secret-output',
        place: at(file, node),
        message: `${name} looks like a secret`,
      })),
  )
}

function perResource(
  files: readonly BicepFile[],
  check: (resource: Resource, file: BicepFile) => Finding[],
): Finding[] {
  return files.flatMap((file) => file.resources.flatMap((resource) => check(resource, file)))
}

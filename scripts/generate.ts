// `npm run generate`: writes the files that follow from what the providers declare and the routes answer. They are checked in.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import { targetsJsonSchema } from '../src/config/targets/json-schema.ts'
import { vaultAllowance } from '../src/engine/pace.ts'
import { loadProviders } from '../src/providers/index.ts'
import type { KeyProvider, Permission } from '../src/providers/provider.ts'
import { isHeard, keyOperations } from '../src/providers/wire/key-changes.ts'
import { openapiDocument } from './openapi.ts'

const providers = await loadProviders()

/** What each generated JSON file holds now, by its path from the root. */
export const generated: Readonly<Record<string, () => object>> = {
  'infra/provider-actions.json': () => Object.fromEntries(providers.map((each) => [each.id, rightsOf(each)])),
  // The filter of the event subscriptions on the resources of a subscription.
  'infra/key-operations.json': () => ({ operations: keyOperations(providers) }),
  'targets.schema.json': () => targetsJsonSchema(providers),
  'docs/openapi.json': openapiDocument,
}

/** As the Bicep files read it: the custom role of each provider, and the type of resource at which it is assigned. */
function rightsOf({ actions, grant }: KeyProvider): object {
  const named = (kind: Permission['kind']) => actions.filter((each) => each.kind === kind).map(({ name }) => name)
  return {
    title: grant.title,
    resourceType: grant.resourceType ?? '',
    actions: named('action'),
    dataActions: named('dataAction'),
    appRoles: named('appRole'),
  }
}

const marks = /(<!-- npm run generate writes this table -->\n)[\s\S]*?(<!-- end of the table -->)/

/** The documents with a table of all providers between two marks: everything else in them is written by hand. */
export const tables: Readonly<Record<string, () => readonly (readonly string[])[]>> = {
  'docs/providers/index.md': () => [
    ['provider', 'service', 'outputs', 'can', 'a change by hand is found', 'clouds'],
    ...providers.map((provider) => {
      const { id, title, outputs, clouds, can } = provider
      const named = Object.keys(outputs).map((name) => `\`${name}\``)
      const found = isHeard(provider) ? 'by an event' : 'within a day'
      return [`[${id}](${id}.md)`, title, named.join(', '), Object.keys(can).join(', '), found, clouds.join(', ')]
    }),
  ],
  'docs/reference/numbers.md': () => [
    ['limit of', 'at once', 'then, each second'],
    ...new Map(
      [...providers, { limit: 'a vault: secret versions created', allowance: vaultAllowance }].map(
        ({ limit, allowance }) => [limit, [limit, `${allowance.burst}`, `${allowance.perSecond}`]] as const,
      ),
    ).values(),
  ],
  'docs/security.md': () => [
    ['provider', 'role, or permission of Microsoft Graph', 'what it allows'],
    ...providers.map(({ id, grant, actions }) => {
      const isRole = grant.resourceType !== undefined
      const role = isRole ? `Rekey: ${grant.title} (<env>)` : actions.map(({ name }) => name).join(', ')
      return [`\`${id}\``, `\`${role}\``, `the calls of \`${id}\`, no more. ${grant.caution ?? ''}`.trim()]
    }),
  ],
}

/** The document with its table as it is now. Throws TypeError where the marks are missing. */
export function withTable(document: string, name: string): string {
  if (!marks.test(document)) throw new TypeError(`${name} lacks the marks around its table`)
  const [head = [], ...rows] = tables[name]!()
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return document.replace(marks, (_, begin: string, end: string) => `${begin}\n${lines.join('\n')}\n\n${end}`)
}

/** The sample of targets.json: every provider that it lacks is added, the rest is written by hand. */
export const sampleFile = 'targets.sample.json'

/** The sample with a target of every provider. Throws TypeError where its list does not end as it is formatted. */
export function withEveryProvider(sample: string): string {
  const { targets } = JSON.parse(sample) as { targets: { provider: string }[] }
  const missing = providers.filter(({ id }) => !targets.some(({ provider }) => provider === id))
  const end = /\n {2}\]\n\}\n$/
  if (!end.test(sample)) throw new TypeError(`${sampleFile} does not end with its list of targets`)
  const added = missing.map(
    (provider) => `,\n    ${JSON.stringify(exampleOf(provider), null, 2).replaceAll('\n', '\n    ')}`,
  )
  return sample.replace(end, (closing) => `${added.join('')}${closing}`)
}

/** A target from the examples of the provider's own fields, with a secret for each output. */
function exampleOf({ id, resource, outputs }: KeyProvider) {
  const fields = Object.entries(resource.shape as Readonly<Record<string, z.ZodMiniType>>).flatMap(([name, field]) => {
    const [example] = (z.globalRegistry.get(field)?.['examples'] ?? []) as readonly unknown[]
    return example === undefined ? [] : [[name, example]]
  })
  const secrets = Object.keys(outputs).map((output) => {
    const name = output.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return [`${id}-${name}`, output]
  })
  return { name: id, provider: id, ...Object.fromEntries(fields), secrets: Object.fromEntries(secrets) }
}

if (import.meta.main) {
  const inRoot = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
  const files = Object.keys(generated).map(inRoot)
  for (const [name, content] of Object.entries(generated)) {
    writeFileSync(inRoot(name), JSON.stringify(content(), null, 2))
  }
  for (const name of Object.keys(tables)) {
    writeFileSync(inRoot(name), withTable(readFileSync(inRoot(name), 'utf8'), name))
  }
  writeFileSync(inRoot(sampleFile), withEveryProvider(readFileSync(inRoot(sampleFile), 'utf8')))
  const biome = inRoot('node_modules/@biomejs/biome/bin/biome')
  execFileSync(process.execPath, [biome, 'format', '--write', ...files], { stdio: ['ignore', 'ignore', 'inherit'] })
}

// `npm run generate`: writes the files that follow from what the providers declare. They are checked in.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { targetsJsonSchema } from '../src/config/targets/json-schema.ts'
import { loadProviders } from '../src/providers/index.ts'
import type { KeyProvider, Permission } from '../src/providers/provider.ts'

const providers = await loadProviders()

/** What each generated JSON file holds now, by its path from the root. */
export const generated: Readonly<Record<string, () => object>> = {
  'infra/provider-actions.json': () => Object.fromEntries(providers.map((each) => [each.id, rightsOf(each)])),
  'targets.schema.json': () => targetsJsonSchema(providers),
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

/** The document that has the table of all providers, between two marks: everything else in it is written by hand. */
export const providersIndex = 'docs/providers/index.md'
const marks = /(<!-- npm run generate writes this table -->\n)[\s\S]*?(<!-- end of the table -->)/

/** The document with the table as it is now. Throws TypeError where the marks are missing. */
export function withProvidersTable(document: string): string {
  if (!marks.test(document)) throw new TypeError(`${providersIndex} lacks the marks around its table`)
  const rows = providers.map(({ id, title, outputs, clouds, can }) => {
    const named = Object.keys(outputs).map((name) => `\`${name}\``)
    return `| [${id}](${id}.md) | ${title} | ${named.join(', ')} | ${Object.keys(can).join(', ')} | ${clouds.join(', ')} |`
  })
  const table = ['| provider | service | outputs | can | clouds |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  )
  return document.replace(marks, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`)
}

if (import.meta.main) {
  const inRoot = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
  const files = Object.keys(generated).map(inRoot)
  for (const [name, content] of Object.entries(generated)) {
    writeFileSync(inRoot(name), JSON.stringify(content(), null, 2))
  }
  writeFileSync(inRoot(providersIndex), withProvidersTable(readFileSync(inRoot(providersIndex), 'utf8')))
  const biome = inRoot('node_modules/@biomejs/biome/bin/biome')
  execFileSync(process.execPath, [biome, 'format', '--write', ...files], { stdio: ['ignore', 'ignore', 'inherit'] })
}

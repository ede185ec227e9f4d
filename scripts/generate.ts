// `npm run generate`: writes the files that follow from what the providers declare. They are checked in.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { providers } from '../src/providers/index.ts'
import type { KeyProvider, Permission } from '../src/providers/provider.ts'
import { targetsJsonSchema } from '../src/targets/json-schema.ts'

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

if (import.meta.main) {
  const inRoot = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
  const files = Object.keys(generated).map(inRoot)
  for (const [name, content] of Object.entries(generated)) {
    writeFileSync(inRoot(name), JSON.stringify(content(), null, 2))
  }
  const biome = inRoot('node_modules/@biomejs/biome/bin/biome')
  execFileSync(process.execPath, [biome, 'format', '--write', ...files], { stdio: ['ignore', 'ignore', 'inherit'] })
}

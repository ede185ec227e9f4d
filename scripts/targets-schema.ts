// Room: scripts. Writes targets.schema.json from the fields that the app reads: `npm run schema`.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { providers } from '../src/providers/index.ts'
import { targetsJsonSchema } from '../src/targets/json-schema.ts'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const file = path('targets.schema.json')

writeFileSync(file, JSON.stringify(targetsJsonSchema(providers), null, 2))
execFileSync(path('node_modules/.bin/biome'), ['format', '--write', file], { stdio: ['ignore', 'ignore', 'inherit'] })

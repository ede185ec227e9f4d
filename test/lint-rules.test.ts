// The import rules and the purity of the engine, as biome.json states them: each rule finds what it is there for. A folder that is
// moved would leave its rule behind without a word.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
type Case = readonly [folder: string, code: string]

const forbidden: readonly Case[] = [
  ['src/engine', "import { log } from '../azure/log.ts'"],
  ['src/engine', "import type { App } from '../compose.ts'"],
  ['src/engine', "import type { KeyProvider } from '../providers/provider.ts'"],
  ['src/engine', "import * as z from 'zod'"],
  ['src/engine', "import { createHash } from 'node:crypto'"],
  ['src/engine/steps', "import { log } from '../../azure/log.ts'"],
  ['src/engine', 'Date.now()'],
  ['src/engine', 'new Date()'],
  ['src/engine', 'Math.random()'],
  ['src/engine', 'setTimeout(() => undefined, 1)'],
  ['src/engine', 'process.env'],
  ['src/engine', "fetch('https://example.com')"],
  ['src/azure', "import { compose } from '../compose.ts'"],
  ['src/azure', "import { providers } from '../providers/index.ts'"],
  ['src/providers', "import { credential } from '../azure/credential.ts'"],
  ['src/providers/wire', "import { readSettings } from '../../config/settings.ts'"],
  ['src/config', "import { providers } from '../providers/index.ts'"],
  ['src/config/targets', "import { compose } from '../../compose.ts'"],
  ['src/functions/queue', "import { providers } from '../../providers/index.ts'"],
  ['src/functions/queue', "import { createVault } from '../../azure/event-grid.ts'"],
  ['src/functions/queue', "import { readSettings } from '../../config/settings.ts'"],
  ['src/functions/queue', "await import('../../config/settings.ts')"],
  ['src/functions/http/status', "import { virtualClock } from '../../../../simulator/clock.ts'"],
  ['src/azure', "import { wireSeed } from '../../test/wire-seed.ts'"],
  ['src/azure', 'export const options = { rejectUnauthorized: false }'],
  ['src/azure', "process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'"],
  ['src/providers', 'key.reveal()'],
  ['src/providers/wire', 'const { reveal } = key'],
  ['src/azure', 'lines.map((secret) => secret.reveal)'],
  ['src/engine', 'secrets[0]?.reveal()'],
  ['src/azure', 'try { import.meta.url } catch {}'],
  ['simulator/services', "import { Secret } from '../../src/engine/secret.ts'"],
  ['simulator', "import { wireSeed } from '../test/wire-seed.ts'"],
]

const allowed: readonly Case[] = [
  ['src/engine', "import { minutes } from './target.ts'"],
  ['src/engine', 'new Date(0)'],
  ['src/azure', "import { minutes } from '../engine/target.ts'"],
  ['src/functions/queue', "import type { App } from '../../compose.ts'"],
  ['simulator', 'Date.now()'],
]

const cases = [...forbidden, ...allowed]
const project = mkdtempSync(join(tmpdir(), 'rekey-lint-'))
after(() => rmSync(project, { recursive: true }))
const findings = lint(cases)

for (const [n, [folder, code]] of cases.entries()) {
  const expected = n < forbidden.length ? 'refuses' : 'accepts'
  test(`the linter ${expected} \`${code}\` in ${folder}`, () => {
    assert.equal(findings.has(fileOf(n)) ? 'refuses' : 'accepts', expected)
  })
}

/** The files of the cases in which the rules in question find something, in a project with this project's biome.json. */
function lint(cases: readonly Case[]): ReadonlySet<string> {
  for (const part of ['biome.json', 'scripts/lint']) cpSync(join(root, part), join(project, part), { recursive: true })
  for (const [n, [folder, code]] of cases.entries()) {
    mkdirSync(join(project, folder), { recursive: true })
    writeFileSync(join(project, fileOf(n)), `${code}\n`)
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const rules = [
    'style/noRestrictedImports',
    'style/noRestrictedGlobals',
    'suspicious/noEmptyBlockStatements',
    'plugin',
  ]
  const only = rules.flatMap((rule) => ['--only', rule])
  const args = [biome, 'lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', ...only]
  const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
  const { diagnostics }: { diagnostics: { location: { path: string } }[] } = JSON.parse(stdout)
  return new Set(diagnostics.map(({ location }) => location.path))
}

function fileOf(n: number): string {
  return `${cases[n]![0]}/case-${n}.ts`
}

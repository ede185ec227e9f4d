// A small function app with one function of each kind, built into a temporary folder, for the local host.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../../scripts/build.ts'

export interface TemporaryApp {
  readonly directory: string
  remove(): void
}

/** Builds an app of the given source. Nothing but dist/, host.json and package.json is in the folder that runs. */
export async function temporaryApp(source: string, host: object): Promise<TemporaryApp> {
  const sources = mkdtempSync(join(tmpdir(), 'rekey-app-'))
  mkdirSync(join(sources, 'src/functions'), { recursive: true })
  writeFileSync(join(sources, 'src/functions/register.ts'), source)
  await buildApp({ app: sources })
  const directory = mkdtempSync(join(tmpdir(), 'rekey-app-'))
  cpSync(join(sources, 'dist'), join(directory, 'dist'), { recursive: true })
  rmSync(sources, { recursive: true })
  writeFileSync(join(directory, 'host.json'), JSON.stringify({ version: '2.0', ...host }))
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/functions/*.js' }))
  return { directory, remove: () => rmSync(directory, { recursive: true }) }
}

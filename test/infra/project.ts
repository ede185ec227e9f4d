// The infrastructure as texts, so that a test can break one and check that the lint reports it.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BicepFile, type Node, parse } from './bicep.ts'

export const repository = join(import.meta.dirname, '../..')

/** Every text that the rules read, by path from the repository's root. */
export type Texts = Readonly<Record<string, string>>

export interface Project {
  readonly texts: Texts
  readonly files: readonly BicepFile[]
}

export interface Finding {
  readonly rule: string
  /** `infra/main.bicep:12` */
  readonly place: string
  readonly message: string
}

export function readTexts(): Texts {
  const patterns = ['infra/**/*.{bicep,json,sh,ps1}', 'azure.yaml', '.funcignore']
  const paths = patterns.flatMap((pattern) => globSync(pattern, { cwd: repository }))
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(repository, path), 'utf8')]))
}

export function projectOf(texts: Texts): Project {
  const bicep = Object.entries(texts).filter(([path]) => path.endsWith('.bicep'))
  return { texts, files: bicep.map(([path, source]) => parse(path, source)) }
}

export function at(file: BicepFile, node: Node): string {
  return `${file.path}:${node.line}`
}

/** JSON that may be broken: undefined when it does not parse. */
export function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

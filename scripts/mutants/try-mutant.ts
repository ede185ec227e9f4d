// Tries one defect on a copy of the project, never on the working tree.

import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { edited, type Mutant } from '../../test/engine/mutants/mutant.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface TryOptions {
  readonly seeds: number
  readonly world: boolean
  readonly unit: boolean
}

export interface Report {
  readonly mutant: Mutant
  /** The first seed that breaks an invariant. */
  readonly world?: { readonly climate: string; readonly seed: number; readonly violation: string }
  /** The test files that fail. */
  readonly unit?: readonly string[]
  /** Why it could not be tried. */
  readonly failure?: string
}

/** A copy of the project as it is now, to make defects in, so that the working tree may change meanwhile. */
export async function snapshot(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-snapshot-'))
  for (const part of parts) await cp(join(root, part), join(folder, part), { recursive: true })
  return folder
}

const parts = ['src', 'test', 'simulator', 'package.json']

/**
 * Makes one defect in a copy of the snapshot, and reports which tests notice it. Never throws: the report contains what
 * failed.
 */
export async function tryMutant(mutant: Mutant, from: string, options: TryOptions): Promise<Report> {
  const copy = await mkdtemp(join(tmpdir(), 'rekey-mutant-'))
  try {
    await makeCopy(from, copy, mutant)
    const world = options.world ? await askWorld(copy, options.seeds) : undefined
    const unit = options.unit ? await askUnitTests(copy) : undefined
    return { mutant, ...(world ? { world } : {}), ...(unit ? { unit } : {}) }
  } catch (error) {
    return { mutant, failure: error instanceof Error ? error.message : String(error) }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

async function makeCopy(from: string, copy: string, mutant: Mutant): Promise<void> {
  for (const part of parts) await cp(join(from, part), join(copy, part), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  for (const edit of mutant.edits) {
    const file = join(copy, 'src', edit[0])
    await writeFile(file, edited(await readFile(file, 'utf8'), edit, mutant.id))
  }
}

/** The first violation, as `first.ts` prints it. */
async function askWorld(copy: string, seeds: number): Promise<Report['world'] | undefined> {
  const { code, output } = await node(copy, ['test/engine/world/first.ts', String(seeds)])
  if (code !== 0) throw new Error(`the simulated world did not run: ${output.slice(-2000)}`)
  return JSON.parse(output.trim().split('\n').at(-1)!) ?? undefined
}

/** The tests of the core and of the tags, without the world: each file by itself, so that the report can name it. */
async function askUnitTests(copy: string): Promise<readonly string[]> {
  const { output } = await node(copy, [
    '--test',
    '--test-reporter=tap',
    '--test-concurrency=1',
    'test/engine/!(world|mutants).test.ts',
    'test/azure/tags.test.ts',
  ])
  const failed = [...output.matchAll(/^\s*location: '(?<file>[^:']+\.test\.ts):/gm)].map(
    ({ groups }) => groups!['file']!,
  )
  return [...new Set(failed)].map((file) => file.slice(file.indexOf('test/')))
}

function node(
  cwd: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.once('error', reject)
    child.once('exit', (code) => resolve({ code, output }))
  })
}

// Room: the scripts. Makes what is deployed: dist/, one ES module per file in src/functions and shared chunks.
// May import esbuild and node:* only.

import { cpSync, existsSync, globSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions as BuildSettings, build, type Metafile, type Plugin } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Bundled CommonJS asks for `require`; the runtime's own `@azure/functions-core` is reached through it as well. */
const banner = `import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);`

export interface BuildOptions {
  /** The app: its `src/functions/*.ts` are the entry points. Default: this repository. */
  readonly app?: string
  /** Where `functions/` and `chunks/` go. Default: the app's `dist`. */
  readonly out?: string
}

/**
 * Bundles the app and answers esbuild's account of it. The new files take the old ones' place at the end, in one
 * rename, so that a host which starts meanwhile never sees half of them. Throws where the sources do not build.
 */
export async function buildApp({ app = root, out = join(app, 'dist') }: BuildOptions = {}): Promise<Metafile> {
  const entryPoints = globSync('src/functions/*.ts', { cwd: app })
  if (entryPoints.length === 0) throw new Error(`${join(app, 'src/functions')} has no functions: nothing to build.`)
  const fresh = `${out}.${process.pid}`
  sweep(out)
  const common = {
    absWorkingDir: app,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    // Provided by the runtime under this name; the `@azure/functions` in the bundle asks for it.
    external: ['@azure/functions-core'],
    minify: true,
    legalComments: 'none',
    banner: { js: banner },
    nodePaths: [join(root, 'node_modules')],
    metafile: true,
    logLevel: 'error',
  } as const satisfies BuildSettings
  const [functions, telemetry] = await Promise.all([
    build({
      ...common,
      entryPoints,
      outdir: fresh,
      outbase: 'src',
      entryNames: '[dir]/[name]',
      chunkNames: 'chunks/[name]-[hash]',
      splitting: true,
      plugins: [telemetryApart],
    }),
    app === root
      ? buildTelemetry({ ...common, outfile: join(fresh, telemetryFile) }, join(root, 'dist', telemetryFile))
      : undefined,
  ])
  replace(fresh, out)
  return {
    inputs: { ...functions.metafile.inputs, ...telemetry?.inputs },
    outputs: { ...functions.metafile.outputs, ...telemetry?.outputs },
  }
}

const telemetryFile = 'chunks/telemetry.js'
/** What src/azure/telemetry.ts takes of the package. */
const telemetryEntry = { contents: "export { TelemetryClient } from 'applicationinsights'", resolveDir: root }

/** Its sources change with the lock file only: what was built since then is taken over. */
async function buildTelemetry(settings: BuildSettings & { outfile: string }, before: string): Promise<Metafile> {
  const age = existsSync(before) ? statSync(before).mtimeMs : 0
  if (age < Math.max(modified('package-lock.json'), modified('scripts/build.ts'))) {
    return (await build({ ...settings, stdin: telemetryEntry, metafile: true })).metafile
  }
  cpSync(before, settings.outfile, { preserveTimestamps: true })
  const { size: bytes } = statSync(before)
  return { inputs: {}, outputs: { [telemetryFile]: { bytes, inputs: {}, imports: [], exports: [] } } }
}

/**
 * Telemetry is more code than all the rest, in a hundred pieces: one file of its own, found from functions/ and chunks/
 * alike, since both lie one below the root.
 */
const telemetryApart: Plugin = {
  name: 'telemetry-apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^applicationinsights$/ }, () => ({ path: `../${telemetryFile}`, external: true }))
  },
}

/** Whether a source, the lock file or this script is younger than what was built. */
export function isStale(): boolean {
  const built = globSync('dist/functions/*.js', { cwd: root })
  if (built.length === 0) return true
  const since = Math.min(...built.map((file) => modified(file)))
  const sources = ['src', ...globSync('src/**', { cwd: root }), 'package-lock.json', 'scripts/build.ts']
  return sources.some((file) => modified(file) > since)
}

function modified(file: string): number {
  return statSync(join(root, file)).mtimeMs
}

/** What builds left that were killed half way. */
function sweep(out: string): void {
  for (const left of globSync(`${basename(out)}.*`, { cwd: dirname(out) })) {
    const pid = Number(/\.(\d+)(\.old)?$/.exec(left)?.[1])
    if (pid > 0 && pid !== process.pid && !isAlive(pid))
      rmSync(join(dirname(out), left), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function replace(fresh: string, out: string): void {
  const old = `${fresh}.old`
  if (existsSync(out)) renameSync(out, old)
  renameSync(fresh, out)
  rmSync(old, { recursive: true, force: true })
}

if (import.meta.main) {
  const start = performance.now()
  const { outputs } = await buildApp()
  const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0)
  const entries = Object.values(outputs).filter((output) => /^src\/functions\/[^/]+$/.test(output.entryPoint ?? ''))
  process.stderr.write(
    `Built ${entries.length} entry points, ${Object.keys(outputs).length} files, ${(bytes / 1e6).toFixed(2)} MB ` +
      `into ${relative(process.cwd(), join(root, 'dist')) || 'dist'} in ${Math.round(performance.now() - start)} ms.\n`,
  )
}

// `npm run build`: writes dist/, which is what is deployed.

import { existsSync, globSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Metafile } from 'esbuild'
import { bundleApp, bundleFunctions, bundlePage, bundleTelemetry } from './bundles.ts'
import { packageLimits, packageSize } from './package-size.ts'
import { thirdPartyNotices } from './third-party-notices.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const noticesFile = 'THIRD-PARTY-NOTICES.txt'

export interface BuildOptions {
  /** The app: its `src/functions/register.ts` registers the functions. Default: this repository. */
  readonly app?: string
  /** Where `functions/` and `chunks/` go. Default: the app's `dist`. */
  readonly out?: string
}

/** esbuild's metafiles of the bundles. */
export interface Built {
  /** What loading `main` loads. */
  readonly functions: Metafile
  /** What the first call of any function loads, and the clients that are loaded when first needed. */
  readonly onDemand: Metafile
}

/**
 * Bundles the app. The new files replace the old ones at the end, in one rename, so that a host which starts
 * meanwhile never sees half of them. Throws where the sources do not build.
 */
export async function buildApp({ app = root, out = join(app, 'dist') }: BuildOptions = {}): Promise<Built> {
  sweep(out)
  const where = { app, out: `${out}.${process.pid}`, packages: root }
  const [functions, onDemand] = await Promise.all([
    bundleFunctions(where),
    bundleApp(where),
    bundlePage(where),
    app === root ? bundleTelemetry(where, join(root, 'dist')) : undefined,
  ])
  const inputs = [functions, onDemand].flatMap((bundle) => Object.keys(bundle.inputs))
  if (app === root) writeFileSync(join(where.out, noticesFile), thirdPartyNotices(root, inputs))
  replace(where.out, out)
  return { functions, onDemand }
}

/** Whether a source, the lock file or the build itself is newer than the last build. */
export function isStale(): boolean {
  const main = join(root, 'dist/functions/index.js')
  if (!existsSync(main)) return true
  const scripts = ['scripts/build.ts', 'scripts/bundles.ts', 'scripts/build-page.ts']
  const sources = ['src', ...globSync('src/**', { cwd: root }), 'package-lock.json', ...scripts]
  return sources.some((file) => statSync(join(root, file)).mtimeMs > statSync(main).mtimeMs)
}

/** Deletes the remains of builds that were killed half-way. */
function sweep(out: string): void {
  for (const left of globSync(`${basename(out)}.*`, { cwd: dirname(out) })) {
    const pid = Number(/\.(\d+)(\.old)?$/.exec(left)?.[1])
    if (pid > 0 && pid !== process.pid && !isAlive(pid)) {
      rmSync(join(dirname(out), left), { recursive: true, force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
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
  await buildApp()
  const files = globSync('dist/**/*.js', { cwd: root }).map((file) => statSync(join(root, file)).size)
  const megabytes = files.reduce((sum, size) => sum + size, 0) / 1e6
  const took = Math.round(performance.now() - start)
  const { files: uploaded, zipped } = packageSize(root)
  process.stderr.write(
    `Built dist: ${files.length} files, ${megabytes.toFixed(2)} MB, in ${took} ms.\n` +
      `Uploaded, telemetry aside: ${uploaded} files (fewer than ${packageLimits.files}), ${(zipped / 1e6).toFixed(2)} MB zipped (less than ${packageLimits.bytes / 1e6} MB).\n`,
  )
}

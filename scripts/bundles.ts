// The bundles of a deployed app: what registers the functions, what they load with their first call, telemetry, and the
// page for operators.

import { cpSync, existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { builtPage } from './build-page.ts'

export interface Where {
  /** The folder with `src`. */
  readonly app: string
  /** The folder that gets `functions/` and `chunks/`. */
  readonly out: string
  /** The folder with `node_modules`. */
  readonly packages: string
}

const appChunk = 'chunks/app.js'
const telemetryChunk = 'chunks/telemetry.js'
const pageChunk = 'chunks/page.js'
const pageHandler = 'src/functions/http/page/show-page.ts'

/** Bundled CommonJS asks for `require`; the runtime's own `@azure/functions-core` is loaded through it as well. */
const banner = `import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);`

function common({ app, packages }: Where) {
  return {
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
    nodePaths: [join(packages, 'node_modules')],
    // Its main is UMD, whose inner files esbuild cannot follow: they would be missing at run time.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    metafile: true,
    logLevel: 'error',
  } as const satisfies BuildOptions
}

/** What `main` loads: one file, because every further file adds a read to a cold start. */
export async function bundleFunctions(where: Where): Promise<Metafile> {
  const { app, out } = where
  const entry = 'src/functions/register.ts'
  if (!existsSync(join(app, entry)))
    throw new Error(`${join(app, entry)}, which registers the functions, is missing: there is nothing to build.`)
  const { metafile } = await build({
    ...common(where),
    entryPoints: [entry],
    outfile: join(out, 'functions/index.js'),
    plugins: [
      {
        name: 'on-demand',
        setup: ({ onResolve }) => {
          onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
            if (kind !== 'dynamic-import') return undefined
            const isPage = resolve(resolveDir, path) === join(app, pageHandler)
            return { path: `../${isPage ? pageChunk : appChunk}`, external: true }
          })
        },
      },
    ],
  })
  return metafile
}

/**
 * What the functions load with their first call. Each loads a file of its own; esbuild would make a chunk for every set of them
 * that shares another: sixty, most smaller than a kilobyte. A caller of one route usually calls others, so their files
 * become one module that exports what all of them export. The providers are another one, loaded with the first target. Azure's
 * clients keep chunks of their own, loaded when first needed. Throws if two of the files export the same name, since neither would be found then.
 */
export async function bundleApp(where: Where): Promise<Metafile> {
  const { app, out } = where
  const files = onDemand(app)
  if (files.length === 0) return { inputs: {}, outputs: {} }
  await assertDistinct(app, files)
  const isProvider = (file: string) => file.startsWith(join(app, 'src/providers/'))
  const modules = { app: files.filter((file) => !isProvider(file)), providers: files.filter(isProvider) }
  const { metafile } = await build({
    ...common(where),
    entryPoints: [{ in: 'app', out: 'chunks/app' }],
    outdir: out,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    plugins: [
      telemetryApart,
      {
        name: 'together',
        setup: ({ onLoad, onResolve }) => {
          const namespace = 'together'
          onResolve({ filter: /^app$/ }, ({ path }) => ({ path, namespace }))
          onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) =>
            kind === 'dynamic-import' && isProvider(resolve(resolveDir, path))
              ? { path: 'providers', namespace }
              : undefined,
          )
          onLoad({ filter: /.*/, namespace }, ({ path }) => ({
            contents: modules[path as keyof typeof modules]
              .map((file) => `export * from ${JSON.stringify(file)}`)
              .join('\n'),
            resolveDir: app,
          }))
        },
      },
    ],
  })
  return metafile
}

/**
 * Telemetry is more code than all the rest, in a hundred pieces: one file of its own, found from every chunk under its plain
 * name. Its sources change with the lock file only, so what `before` holds is reused while it is newer.
 */
export async function bundleTelemetry(where: Where, before: string): Promise<Metafile> {
  const built = join(before, telemetryChunk)
  const outfile = join(where.out, telemetryChunk)
  const made = existsSync(built) ? statSync(built).mtimeMs : 0
  if (made > Math.max(...[join(where.packages, 'package-lock.json'), import.meta.filename].map(modified))) {
    cpSync(built, outfile, { preserveTimestamps: true })
    const { size: bytes } = statSync(built)
    return { inputs: {}, outputs: { [telemetryChunk]: { bytes, inputs: {}, imports: [], exports: [] } } }
  }
  // What src/azure/telemetry.ts takes of the package.
  const contents = "export { TelemetryClient } from 'applicationinsights'"
  const js = `${banner}const __dirname=import.meta.dirname,__filename=import.meta.filename;`
  const stdin = { contents, resolveDir: where.packages }
  // The package reads its configuration beside its own files, and cannot be constructed without them.
  const { metafile } = await build({ ...common(where), banner: { js }, stdin, outfile })
  return metafile
}

/** The page and what serves it: whoever opens the page waits for no client of Azure, and no other call loads the page. */
export async function bundlePage(where: Where): Promise<void> {
  const { app, out } = where
  if (!existsSync(join(app, pageHandler))) return
  await build({
    ...common(where),
    entryPoints: [pageHandler],
    outfile: join(out, pageChunk),
    plugins: [builtPage(app)],
  })
}

const telemetryApart: Plugin = {
  name: 'telemetry-apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^applicationinsights$/ }, () => ({ path: `../${telemetryChunk}`, external: true }))
  },
}

/** The source files that another source file imports dynamically, the page aside. */
function onDemand(app: string): string[] {
  const found = globSync('src/**/*.ts', { cwd: app }).flatMap((file) => {
    const source = readFileSync(join(app, file), 'utf8')
    return [...source.matchAll(/\bimport\('(\.\.?\/[^']+)'\)/g)].map(([, path = '']) =>
      resolve(dirname(join(app, file)), path),
    )
  })
  return [...new Set(found)].filter((file) => file !== join(app, pageHandler)).sort()
}

async function assertDistinct(app: string, files: readonly string[]): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: app,
    entryPoints: [...files],
    outdir: '.',
    write: false,
    metafile: true,
    format: 'esm',
  })
  const owners = new Map<string, string>()
  for (const { entryPoint = '', exports } of Object.values(metafile.outputs)) {
    for (const name of exports) {
      const other = owners.get(name)
      if (other !== undefined) throw new Error(`${entryPoint} and ${other} both export "${name}": rename one of them.`)
      owners.set(name, relative(app, join(app, entryPoint)))
    }
  }
}

function modified(file: string): number {
  return statSync(file).mtimeMs
}

// Builds the page that GET /api/page serves: one HTML document, with its style and its script inside.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin, transform } from 'esbuild'

/** What the module that stands for the built page exports. */
interface BuiltPage {
  readonly html: string
  /** The Content-Security-Policy that lets exactly this page's style and script run. */
  readonly policy: string
}

/** Makes the page of the app in `app`. Throws where its sources do not build. */
export async function buildPage(app: string): Promise<BuiltPage> {
  const source = (name: string) => readFileSync(join(app, 'src/page', name), 'utf8')
  const [script, style] = await Promise.all([
    bundleScript(join(app, 'src/page/main.ts')),
    transform(source('page.css'), { loader: 'css', minify: true, target: 'es2024', legalComments: 'none' }),
  ])
  const html = source('page.html')
    .replaceAll(/\n\s*/g, '\n')
    // Functions: a dollar sign in what is inserted means nothing.
    .replace('<style></style>', () => `<style>${style.code}</style>`)
    .replace('<script></script>', () => `<script>${script}</script>`)
  return { html, policy: policyFor(style.code, script) }
}

async function bundleScript(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2023',
    minify: true,
    legalComments: 'none',
    logLevel: 'error',
  })
  return outputFiles[0]!.text
}

/** Nothing but the page's own style and script, and calls of its own host; no frame shows it, and no form leaves it. */
function policyFor(style: string, script: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    // The icon is in the document.
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Puts the built page in the place of the module that stands for it. */
export function builtPage(app: string): Plugin {
  return {
    name: 'built-page',
    setup: ({ onLoad }) => {
      onLoad({ filter: /[\\/]http[\\/]page[\\/]built-page\.ts$/ }, async () => {
        const { html, policy } = await buildPage(app)
        const contents = `export const html = ${JSON.stringify(html)}\nexport const policy = ${JSON.stringify(policy)}`
        return { contents, loader: 'js' }
      })
    },
  }
}

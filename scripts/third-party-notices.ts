// Collects the licenses of the packages in the bundle: most of them require their notice in every copy, and minified
// code carries none.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
}

interface Notice {
  readonly text: string
  /** `name version (license)` */
  readonly packages: string[]
}

const isLicense = /^(licen[cs]e|copying|notice|third-?party)[^.]*(\.(md|txt))?$/i
const rule = '-'.repeat(80)

/**
 * One text with the notice of every package that a production install of `root` brings, and of those that `inputs` come from: a
 * package may bundle an optional one that only development installs. `inputs`: paths of bundled files below `root`. Packages with
 * the same text share it. Throws where a package has neither a license file nor a license in its manifest.
 */
export function thirdPartyNotices(root: string, inputs: readonly string[]): string {
  const notices = new Map<string, Notice>()
  const bundled = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  for (const folder of [...new Set([...productionPackages(root), ...bundled])].sort()) {
    const { label, text } = noticeOf(root, folder)
    const known = notices.get(text)
    if (known) known.packages.push(label)
    else notices.set(text, { text, packages: [label] })
  }
  const parts = [...notices.values()].map(({ text, packages }) => `${packages.join('\n')}\n\n${text}`)
  return ['Rekey contains code of these packages, each under its own license.', ...parts].join(`\n\n${rule}\n\n`)
}

/** Folders below `root`, from the lock file. An optional package of another platform is not installed, and not bundled. */
function productionPackages(root: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>
  }
  return Object.entries(packages)
    .filter(([folder, { dev }]) => folder !== '' && !dev)
    .map(([folder]) => folder)
    .filter((folder) => existsSync(join(root, folder)))
}

function noticeOf(root: string, folder: string): { label: string; text: string } {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
    author?: string | { name: string }
  }
  const { name, version, license, author } = manifest
  const texts = readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && isLicense.test(entry.name))
    .map((entry) => entry.name)
    .sort()
    .map((file) =>
      readFileSync(join(root, folder, file), 'utf8')
        .replaceAll('\r\n', '\n')
        .trim(),
    )
  if (texts.length === 0 && !license)
    throw new Error(
      `${folder} has neither a license file nor a license in its manifest: find its license before you bundle it.`,
    )
  const holder = typeof author === 'string' ? author : author?.name
  const text =
    texts.length > 0 ? texts.join('\n\n') : `License: ${license}. Copyright ${holder ?? `the authors of ${name}`}.`
  return { label: `${name} ${version} (${license ?? 'see below'})`, text }
}

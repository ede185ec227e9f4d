// Measures the size of the package that is uploaded.

import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'

/** Limits of the package without telemetry's file, which is loaded late and only if telemetry is on. */
export const packageLimits = { files: 40, bytes: 1_000_000 }

export interface PackageSize {
  readonly files: number
  /** Bytes in the zip. */
  readonly zipped: number
}

/** The size of `dist`, `host.json` and `package.json` in `folder` as they are uploaded, telemetry left out. */
export function packageSize(folder: string): PackageSize {
  const manifests = ['host.json', 'package.json'].filter((file) => existsSync(join(folder, file)))
  const files = [...globSync('dist/**/*.{js,txt}', { cwd: folder }), ...manifests].filter(
    (file) => !file.endsWith('telemetry.js'),
  )
  // A zip adds about a hundred bytes per file.
  const sizes = files.map((file) => deflateRawSync(readFileSync(join(folder, file))).length + 100)
  return { files: files.length, zipped: sizes.reduce((sum, size) => sum + size, 0) }
}

// The last valid targets.json, kept in the blob rekey-state/targets-last-valid.json, so that an instance which starts while
// the file is broken knows what the others know. Holds names and ids; no secrets.

import * as z from 'zod/mini'
import { onFirstUse } from '../../azure/lazily.ts'
import { iso } from '../../engine/duration.ts'
import { type Duration, days, type Instant } from '../../engine/target.ts'
import type { Definition, DiscoverInForce } from './in-force.ts'
import type { JsonObject } from './read-fields.ts'

export const lastValidBlob = 'targets-last-valid.json'

/** A change that removed more than half of the targets. */
export interface Removal {
  readonly at: Instant
  readonly removed: number
  /** How many there were before. */
  readonly of: number
}

/** How long a removal is alerted about. */
export const removalAlert: Duration = days(1)

export interface LastValid {
  /** Of targets.json: the blob's ETag, or a hash of the file. */
  readonly version: string
  /** Since when it is in force. */
  readonly since: Instant
  /** The newest file first; definitions of an older one that are still in force, with the defaults of their time, after it. */
  readonly files: readonly { readonly defaults: JsonObject; readonly targets: readonly unknown[] }[]
  /** Names of targets that are remembered, and not in force: another one has what they claim. */
  readonly suspended: readonly string[]
  readonly discover?: DiscoverInForce | undefined
  readonly removal?: Removal | undefined
}

const instant = onFirstUse(() =>
  z.pipe(
    z.iso.datetime({ offset: true }),
    z.transform((text: string): Instant => Date.parse(text)),
  ),
)
const object = onFirstUse(() => z.record(z.string(), z.unknown()))

const Record = onFirstUse(() =>
  z.object({
    version: z.string(),
    since: instant(),
    files: z.array(z.object({ defaults: object(), targets: z.array(z.unknown()) })),
    suspended: z._default(z.array(z.string()), []),
    discover: z.optional(z.object({ vaults: z.array(z.string()), scopes: z.array(z.string()), defaults: object() })),
    removal: z.optional(z.object({ at: instant(), removed: z.number(), of: z.number() })),
  }),
)

/** Undefined: the text was not written by Rekey. */
export function readLastValid(text: string): LastValid | undefined {
  try {
    return Record().safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** The text of the blob; `readLastValid` reads it. */
export function writeLastValid({ version, since, files, suspended, discover, removal }: LastValid): string {
  const written = removal && { ...removal, at: iso(removal.at) }
  return `${JSON.stringify({ version, since: iso(since), files, suspended, discover, ...(written ? { removal: written } : {}) })}\n`
}

/** The definitions as files again: each under the defaults it was written under. */
export function filesOf(definitions: readonly Definition[]): LastValid['files'] {
  const byDefaults = Map.groupBy(definitions, ({ defaults }) => defaults)
  return [...byDefaults].map(([defaults, each]) => ({ defaults, targets: each.map(({ given }) => given) }))
}

/** What the change from `before` to these definitions removes, if that is more than half; otherwise the removal that an alert still reports. */
export function removalOf(
  before: LastValid | undefined,
  definitions: readonly Definition[],
  now: Instant,
): Removal | undefined {
  if (before === undefined) return undefined
  const names = new Set(definitions.map(({ target }) => target.name))
  const earlier = before.files.flatMap(({ targets }) => targets).map((given) => String(Object(given).name))
  const removed = earlier.filter((name) => !names.has(name)).length
  if (removed * 2 > earlier.length) return { at: now, removed, of: earlier.length }
  const pending = before.removal
  const isBack = pending !== undefined && definitions.length * 2 > pending.of
  return pending && !isBack && now - pending.at < removalAlert ? pending : undefined
}

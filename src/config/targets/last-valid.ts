// The last valid targets.json, kept in the blob rekey-state/targets-last-valid.json, so that an instance which starts while
// the file is broken knows what the others know. Holds names and ids; no secrets.

import * as z from 'zod/mini'
import { parseJson } from '../../azure/json.ts'
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

/** What is kept of a targets.json: its defaults, and each entry as JSON text. */
export interface RecordedFile {
  readonly defaults: JsonObject
  readonly targets: readonly string[]
}

export interface LastValid {
  /** Of targets.json: the blob's ETag, or a hash of the file. */
  readonly version: string
  /** Since when it is in force. */
  readonly since: Instant
  /** The newest file first; definitions of an older one that are still in force, with the defaults of their time, after it. */
  readonly files: readonly RecordedFile[]
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
  const record = Record().safeParse(parseJson(text)).data
  const files = record?.files.map(({ defaults, targets }) => {
    return { defaults, targets: targets.map((entry) => JSON.stringify(entry)) }
  })
  return record && files && { ...record, files }
}

/** The text of the blob; `readLastValid` reads it. */
export function writeLastValid({ version, since, files, suspended, discover, removal }: LastValid): string {
  const written = removal && { ...removal, at: iso(removal.at) }
  const rest = JSON.stringify({
    version,
    since: iso(since),
    suspended,
    discover,
    ...(written ? { removal: written } : {}),
  })
  return `{"files":[${files.map(textOf).join(',')}],${rest.slice(1)}\n`
}

/** The file as targets.json would have it. */
export function textOf({ defaults, targets }: RecordedFile): string {
  return `{"defaults":${JSON.stringify(defaults)},"targets":[${targets.join(',')}]}`
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
  const earlier = before.files.flatMap(({ targets }) => targets).map((entry) => String(Object(JSON.parse(entry)).name))
  const removed = earlier.filter((name) => !names.has(name)).length
  if (removed * 2 > earlier.length) return { at: now, removed, of: earlier.length }
  const pending = before.removal
  const isBack = pending !== undefined && definitions.length * 2 > pending.of
  return pending && !isBack && now - pending.at < removalAlert ? pending : undefined
}

// The newest stored snapshot, as the lists use it: read again only when the blob has changed, and parsed once for each of its versions.

import type { PackedBlob, PackedText } from '../../azure/packed-blob.ts'
import type { Instant, Target } from '../../engine/target.ts'
import type { Listed } from '../shared/assess.ts'
import { type Content, comparedGroup, contentOf, groupOf, headGroup, linesOf } from './snapshot-lines.ts'

/** What the schedule has read. */
export interface Snapshot {
  readonly takenAt: Instant
  /** Undefined: the target was not in targets.json when it was read. */
  of(target: Target): Reading | undefined
  /** When the target was last compared with its service, as its lease said by then. */
  comparedAt(target: Target): Instant | undefined
}

/** What the tags of one target's secrets said, lead first, and when; or the code of the error for which they could not be read. */
export type Reading = { readonly at: Instant } & ({ readonly secrets: readonly Listed[] } | { readonly code: string })

interface Kept {
  readonly etag: string
  readonly snapshot: Snapshot | undefined
}

/** What this process has parsed of each blob. One reading follows another, so that no two of them are parsed at once. */
const parsed = new WeakMap<PackedBlob, Promise<Kept | undefined>>()

/** Undefined: no tick has stored one, or it is lost. Throws RekeyError. */
export async function latestSnapshot(blob: PackedBlob, signal: AbortSignal): Promise<Snapshot | undefined> {
  const before = parsed.get(blob) ?? Promise.resolve(undefined)
  const now = before.then((kept) => refreshed(blob, kept, signal))
  parsed.set(
    blob,
    now.catch(() => before),
  )
  return (await now)?.snapshot
}

async function refreshed(blob: PackedBlob, kept: Kept | undefined, signal: AbortSignal): Promise<Kept | undefined> {
  const stored = await blob.readNewer(kept?.etag, signal)
  if (stored === 'unchanged') return kept
  return stored && { etag: stored.etag, snapshot: await snapshotIn(stored) }
}

async function snapshotIn(stored: PackedText): Promise<Snapshot | undefined> {
  const groups = new Map<string, { readonly at: Instant; readonly content: Content }>()
  for await (const line of linesOf(stored)) {
    const content = contentOf(line)
    if (content !== undefined) groups.set(line.group, { at: line.at, content })
  }
  const takenAt = groups.get(headGroup)?.at
  if (takenAt === undefined) return undefined
  const moments = groups.get(comparedGroup)?.content
  return {
    takenAt,
    of: (target) => {
      const group = groups.get(groupOf(target))
      return group && readingIn(group, target)
    },
    comparedAt: ({ name }) => (moments && 'compared' in moments ? own(moments.compared, name) : undefined),
  }
}

function readingIn(
  { at, content }: { readonly at: Instant; readonly content: Content },
  target: Target,
): Reading | undefined {
  if ('code' in content) return { at, code: content.code }
  if (!('secrets' in content)) return undefined
  const found = target.secrets.map(({ name }) => own(content.secrets, name.toLowerCase()))
  // One that was not asked for is not known to be absent.
  if (found.includes(undefined)) return undefined
  return { at, secrets: found.map((secret) => secret ?? undefined) }
}

function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

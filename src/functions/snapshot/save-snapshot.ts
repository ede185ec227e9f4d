// Stores what one tick has read of the vaults, for the lists of targets. What it could not read stays as it was read before.

import type { PackedBlob } from '../../azure/packed-blob.ts'
import type { Instant } from '../../engine/target.ts'
import { headGroup, headLine, isFailed, type Line, linesOf, lineText } from './snapshot-lines.ts'

/** How often another instance may be in the way: what it writes is as new. */
const attempts = 3

/**
 * Stores the lines of a tick that began at `takenAt`. Of each group the newest reading counts, so a tick that is late or could not read
 * a vault takes nothing away. Throws RekeyError.
 */
export async function saveSnapshot(
  blob: PackedBlob,
  takenAt: Instant,
  lines: readonly Line[],
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const stored = await blob.read(signal)
    const merged = await mergedWith(linesOf(stored), takenAt, lines)
    if (await blob.write(textsOf(merged), stored?.etag, signal)) return
  }
}

async function mergedWith(
  stored: AsyncIterable<Line>,
  takenAt: Instant,
  lines: readonly Line[],
): Promise<readonly Line[]> {
  const groups = new Map(lines.map((line) => [line.group, line]))
  let latest = takenAt
  for await (const line of stored) {
    if (line.group === headGroup) {
      latest = Math.max(latest, line.at)
      continue
    }
    const own = groups.get(line.group)
    // What this tick has not tried to read is gone from targets.json, unless the stored snapshot knows a newer one.
    const stays = own === undefined ? latest > takenAt : replaces(line, own)
    if (stays) groups.set(line.group, line)
  }
  return [headLine(latest), ...groups.values()]
}

function* textsOf(lines: readonly Line[]): Iterable<string> {
  for (const line of lines) yield lineText(line)
}

/** Whether the stored reading is better than this tick's own. */
function replaces(stored: Line, own: Line): boolean {
  if (isFailed(own) !== isFailed(stored)) return isFailed(own)
  return stored.at > own.at
}

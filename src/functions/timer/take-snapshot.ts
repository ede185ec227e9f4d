// Stores what a tick has read, for the lists of targets.

import type { App } from '../../compose.ts'
import { comparedAt } from '../../engine/lease-metadata.ts'
import type { Instant } from '../../engine/target.ts'
import { saveSnapshot } from '../snapshot/save-snapshot.ts'
import { comparedLine, type Line, unreadMoments } from '../snapshot/snapshot-lines.ts'
import type { Collect } from './tick.ts'

/** Also of an app that is stopped. What cannot be stored fails the tick at its end: the lists then say how old they are. */
export async function takeSnapshot(
  app: App,
  takenAt: Instant,
  lines: readonly Line[],
  collect: Collect,
  signal: AbortSignal,
): Promise<void> {
  try {
    const compared = await readMoments(app, collect, signal)
    await saveSnapshot(app.snapshot, takenAt, [...lines, compared], signal)
  } catch (thrown) {
    collect(thrown, 'rekey-state')
  }
}

/** When each target was last compared, in one listing of the leases. */
async function readMoments(app: App, collect: Collect, signal: AbortSignal): Promise<Line> {
  const at = app.clock.now()
  try {
    const entriesOf = await app.leaseNotes.all(signal)
    return comparedLine(app.targets, at, (target) => comparedAt(target, entriesOf(target.lease)))
  } catch (thrown) {
    return unreadMoments(at, collect(thrown, 'rekey-leases').code)
  }
}

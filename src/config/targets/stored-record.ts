// The record of the last valid targets.json, as it is stored: read at most once a minute, and written over what another
// instance has written meanwhile.

import type { StateBlob } from '../../azure/state-blob.ts'
import type { Clock } from '../../engine/ports.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import { type Duration, type Instant, minutes, seconds } from '../../engine/target.ts'
import type { Definition, DiscoverInForce } from './in-force.ts'
import { filesOf, type LastValid, lastValidBlob, readLastValid, removalOf, writeLastValid } from './last-valid.ts'

/** How long what was read counts as current. */
export const hold: Duration = minutes(1)
/** The same after a failure: it may be over soon, but calling a dead service takes seconds. */
export const failedHold: Duration = seconds(15)

/** What is to be recorded. */
export interface Recordable {
  readonly version: string
  readonly since: Instant
  readonly definitions: readonly Definition[]
  readonly discover?: DiscoverInForce
}

export interface StoredRecord {
  /** The record; undefined: there is none. Requested at most once a minute, after a failure at most every 15 seconds. Throws RekeyError. */
  read(): Promise<LastValid | undefined>
  /** As it was last read or written here. */
  latest(): LastValid | undefined
  /** Records what is in force, and returns the record; undefined: other instances have written over it three times. Throws RekeyError. */
  write(inForce: Recordable): Promise<LastValid | undefined>
}

/** `writes`: false where this process may not write; the record is then what it would be. */
export function storedRecord(state: StateBlob, clock: Pick<Clock, 'monotonic' | 'now'>, writes: boolean): StoredRecord {
  let stored: { readonly record: LastValid | undefined; readonly until: number } | undefined
  let failed: { readonly error: RekeyError; readonly until: number } | undefined

  async function request(): Promise<LastValid | undefined> {
    const found = await state.read()
    const record = found && readLastValid(found.text)
    stored = { record, until: clock.monotonic() + hold }
    if (found && !record) throw unreadableRecord()
    return record
  }

  return {
    latest: () => stored?.record,
    read: async () => {
      if (stored && clock.monotonic() < stored.until) return stored.record
      if (failed && clock.monotonic() < failed.until) throw failed.error
      try {
        return await request()
      } catch (thrown) {
        if (thrown instanceof RekeyError) failed = { error: thrown, until: clock.monotonic() + failedHold }
        throw thrown
      }
    },
    write: async (inForce) => {
      // Another instance may write at the same moment, most likely the same: once more, over what it wrote.
      for (let attempt = 0; attempt < 3; attempt++) {
        const found = await state.read()
        const before = found && readLastValid(found.text)
        const record = recordOf(inForce, before, clock.now())
        const text = writeLastValid(record)
        const isDone = text === found?.text || !writes || (await state.write(text, found?.etag))
        if (!isDone) continue
        stored = { record, until: clock.monotonic() + hold }
        return record
      }
      return undefined
    },
  }
}

/** What is in force as a record. `before`: the one that it replaces. */
function recordOf(
  { version, since, definitions, discover }: Recordable,
  before: LastValid | undefined,
  now: Instant,
): LastValid {
  return {
    version,
    since: before?.version === version ? before.since : since,
    files: filesOf(definitions),
    suspended: definitions.flatMap((each) => (each.suspended ? [each.target.name] : [])),
    discover,
    removal: removalOf(before, definitions, now),
  }
}

function unreadableRecord(): RekeyError {
  return new RekeyError('UnexpectedAnswer', {
    message: `the blob ${lastValidBlob} was not written by Rekey, or is damaged`,
    remedy: 'Correct targets.json: the blob is replaced as soon as the file is accepted.',
  })
}

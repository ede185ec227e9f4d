// Room: the edge. May import azure/clients, the core, and targets.
// Keeps targets.json at hand: read again when it has changed, asked about at most once a minute, also while it gives no answer.

import type { AzureClients } from './azure/clients.ts'
import type { Clock } from './rotation/ports.ts'
import { type Duration, minutes, seconds } from './rotation/target.ts'
import { blobReader, fileReader, type Look } from './targets/text.ts'
import type { ParsedTargets } from './targets.ts'

export interface TargetsSource {
  /** All targets, or all problems; what was found to be wrong stays wrong until the text changes. Never throws. */
  read(): Promise<ParsedTargets>
}

export interface TargetsSourceSettings {
  /** `ROTATION_TARGETS`: a path, relative to `root`, or the https URL of a blob. */
  readonly location: string
  /** The app's folder. */
  readonly root: string
  readonly clock: Pick<Clock, 'monotonic'>
  parse(text: string): ParsedTargets
  /** Asked for only when the location is a blob. */
  azure(): AzureClients
}

/** How long a blob is not asked about again. A file is looked at each time: that costs nothing. */
const hold: Duration = minutes(1)
/** The same after a look that left nothing to go by: somebody may be mending it, but a look at a dead service takes seconds. */
const failedHold: Duration = seconds(15)
/**
 * How long a copy may stand in for a blob that gives no answer (5xx, throttled, no network), counted from when the
 * service last confirmed it. Short: somebody may have switched a target off meanwhile. A definite refusal (403, 404)
 * counts at once, and so does a new text with mistakes: an older one is never used instead.
 */
const grace: Duration = minutes(5)

/** Times are monotonic. */
interface Copy {
  readonly parsed: ParsedTargets
  readonly version: string
  readonly confirmed: number
}

/** What the last look at a blob came to, and until when nobody looks again. */
interface Held {
  readonly parsed: ParsedTargets
  readonly until: number
}

/** One source for the life of the process. */
export function targetsSource({ location, root, clock, parse, azure }: TargetsSourceSettings): TargetsSource {
  const remote = location.startsWith('https://')
  const reader = remote ? blobReader(location, azure()) : fileReader(location, root)
  let copy: Copy | undefined
  let held: Held | undefined
  let looking: Promise<Held> | undefined

  async function look(): Promise<Held> {
    const asked = clock.monotonic()
    const found = await reader(copy?.version)
    const now = clock.monotonic()
    if (found.found === 'text') copy = { parsed: parse(found.text), version: found.version, confirmed: asked }
    else if (found.found === 'unchanged') copy = { ...copy!, confirmed: asked }
    else if (!(copy && mayStandIn(found, copy, now))) return { parsed: unreadable(found), until: now + failedHold }
    return { parsed: copy.parsed, until: Math.min(now + hold, copy.confirmed + grace) }
  }

  return {
    read: async () => {
      if (remote && held && clock.monotonic() < held.until) return held.parsed
      // Whoever comes while a look is under way gets its answer.
      looking ??= look().finally(() => {
        looking = undefined
      })
      held = await looking
      return held.parsed
    },
  }
}

function unreadable({ message, remedy }: Look & { found: 'nothing' }): ParsedTargets {
  return { problems: [{ path: 'ROTATION_TARGETS', message, remedy }] }
}

function mayStandIn(found: Look & { found: 'nothing' }, copy: Copy, now: number): boolean {
  return found.why === 'passing' && now - copy.confirmed < grace
}

// Room: the edge. May import azure/clients, the core, and targets.
// Keeps targets.json at hand: read again when it has changed, asked about at most once a minute.

import type { AzureClients } from './azure/clients.ts'
import type { Clock } from './rotation/ports.ts'
import { type Duration, minutes } from './rotation/target.ts'
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
/**
 * How long a copy may stand in for a blob that gives no answer (5xx, throttled, no network), counted from when the
 * service last confirmed it. Short: somebody may have switched a target off meanwhile. A definite refusal (403, 404)
 * counts at once, and so does a new text with mistakes: an older one is never used instead.
 */
const grace: Duration = minutes(5)

interface Copy {
  readonly parsed: ParsedTargets
  readonly version: string
  /** Monotonic time. */
  readonly confirmed: number
}

/** One source for the life of the process. */
export function targetsSource({ location, root, clock, parse, azure }: TargetsSourceSettings): TargetsSource {
  const remote = location.startsWith('https://')
  const reader = remote ? blobReader(location, azure()) : fileReader(location, root)
  let copy: Copy | undefined
  let looking: Promise<ParsedTargets> | undefined

  async function look(): Promise<ParsedTargets> {
    const asked = clock.monotonic()
    const found = await reader(copy?.version)
    if (found.found === 'text') {
      copy = { parsed: parse(found.text), version: found.version, confirmed: asked }
    } else if (found.found === 'unchanged' && copy) {
      copy = { ...copy, confirmed: asked }
    } else if (found.found === 'nothing' && !(copy && mayStandIn(found, copy, asked))) {
      return { problems: [{ path: 'ROTATION_TARGETS', message: found.message, remedy: found.remedy }] }
    }
    return copy!.parsed
  }

  function fresh(): boolean {
    return remote && copy !== undefined && clock.monotonic() - copy.confirmed < hold
  }

  return {
    read: async () => {
      if (copy && fresh()) return copy.parsed
      // Whoever comes while a look is under way gets its answer.
      looking ??= look().finally(() => {
        looking = undefined
      })
      return await looking
    },
  }
}

function mayStandIn(found: Look & { found: 'nothing' }, copy: Copy, now: number): boolean {
  return found.why === 'passing' && now - copy.confirmed < grace
}

// When throttled requests come back: in turns, each as far from the one before as their service's limit asks for. Together they would be
// throttled again, all but the first few.

import type { Duration, Instant } from './target.ts'

export interface Turns {
  /**
   * The next turn of a line, at `earliest` or later, which takes so long that what is asked for then is within the limit. Each instance of the
   * app has lines of its own: what several allow together is more than the limit, so it is never left unused.
   */
  next(line: string, length: Duration, earliest: Instant): Instant
}

export function createTurns(): Turns {
  const free = new Map<string, Instant>()
  return {
    next: (line, length, earliest) => {
      const at = Math.max(earliest, free.get(line) ?? earliest)
      free.set(line, at + length)
      return at
    },
  }
}

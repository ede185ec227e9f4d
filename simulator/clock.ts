// The clock of the simulated Azure.

export interface SimulatedClock {
  /** Milliseconds since 1970. */
  now(): number
  advance(ms: number): void
  /** Resolves when `ms` have passed by this clock. One that only moves when told to is told to. */
  pass(ms: number): Promise<void>
}

/** The machine's clock, which can still be pushed forward. */
export function realClock(): SimulatedClock {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    advance: (ms) => {
      ahead += ms
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }
}

/** A clock that moves only when it is told to. */
export function virtualClock(startMs: number): SimulatedClock {
  let now = startMs
  return {
    now: () => now,
    advance: (ms) => {
      now += ms
    },
    pass: async (ms) => {
      now += ms
    },
  }
}

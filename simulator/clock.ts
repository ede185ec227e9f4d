// The clock of the simulated Azure.

export interface SimulatedClock {
  /** Milliseconds since 1970. */
  now(): number
  advance(ms: number): void
  /** Resolves when `ms` have passed by this clock. A clock that moves only on demand is moved by it. */
  pass(ms: number): Promise<void>
}

/** The machine's clock, which can also be moved forward. */
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

/** A clock that moves only when `advance` or `pass` moves it. */
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

// Formats the figures of a benchmark.

import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { columns } from '../../simulator/local/columns.ts'

export interface Figure {
  readonly what: string
  readonly figure: string
  /** What was measured. */
  readonly about: string
}

/** Runs once, and returns the wall time in milliseconds. */
export async function timed<Result>(run: () => Promise<Result>): Promise<{ took: number; result: Result }> {
  const start = performance.now()
  const result = await run()
  return { took: performance.now() - start, result }
}

export function ms(time: number): string {
  return time < 100
    ? `${time.toFixed(1)} ms`
    : time < 10_000
      ? `${Math.round(time)} ms`
      : `${(time / 1000).toFixed(1)} s`
}

/** The machine on which the figures were measured, and its load. */
export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
  const busy = `load ${loadavg()[0]!.toFixed(1)} before`
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${memory}, Node ${process.versions.node}, ${process.platform}; ${busy}`
}

/** The figures as a table. */
export function table(figures: readonly Figure[]): string {
  return columns([['BENCHMARK', 'FIGURE', 'OF'], ...figures.map(({ what, figure, about }) => [what, figure, about])])
}

// Entity tags with a history, so that a stale read shows the tag of its own moment.

import type { Kernel } from '../kernel.ts'

export interface EntityTag {
  /** The tag as of `at`; now, if not given. */
  value(at?: number): string
  /** The thing has changed. */
  renew(): void
}

/** A tag in the base64 form that IoT Hub's tags have. `name`: of the thing, so that no two things share their tags. */
export function entityTag(kernel: Kernel, name: string): EntityTag {
  const seed = kernel.dice.fork(`tag of ${name}`).next()
  const history = [{ from: kernel.clock.now(), n: 0 }]
  const encode = (n: number) => Buffer.from((seed + n).toFixed(8)).toString('base64')
  return {
    value(at = kernel.clock.now()) {
      return encode((history.findLast(({ from }) => from <= at) ?? history[0]!).n)
    },
    renew() {
      history.push({ from: kernel.clock.now(), n: history.length })
    },
  }
}

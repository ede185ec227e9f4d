// Reads the vaults of all targets for one tick.

import type { App } from '../../compose.ts'
import { fraction } from '../../engine/due.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { Target } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault, secretsOf } from '../shared/read-secrets.ts'
import { type Line, secretsLine, unreadLine } from '../snapshot/snapshot-lines.ts'
import { type Seen, see, unreadable } from './candidates.ts'
import type { Period } from './period.ts'
import type { Collect } from './tick.ts'

/** How many vaults are read at once. One that is out of reach keeps its place for half a minute. */
const vaults = 16

/** What was read: each target, and a line of the snapshot for each vault. */
export interface Readings {
  readonly seen: readonly Seen[]
  readonly lines: readonly Line[]
}

/** Every enabled target; those of a vault that cannot be read as `unreadable`. */
export async function readVaults(app: App, period: Period, collect: Collect, signal: AbortSignal): Promise<Readings> {
  const enabled = app.targets.filter((target) => target.enabled)
  // In another order each time: where the time runs out, it must not always be for the same ones.
  const place = ([url]: readonly [string, unknown]) => fraction(`${url} ${period.to}`)
  const shuffled = [...byVault(enabled)].toSorted((a, b) => place(a) - place(b))
  const read = async ([url, targets]: readonly [string, readonly Target[]]) => {
    const at = app.clock.now()
    try {
      if (signal.aborted) throw outOfTime(url)
      const secrets = await secretsOf(app.vault(url), targets, signal)
      const seen = targets.map((target) => see(target, secrets.get(target.name) ?? [], period))
      return { seen, line: secretsLine(targets, at, secrets) }
    } catch (thrown) {
      const { code } = collect(thrown, url)
      return { seen: targets.map(unreadable), line: unreadLine(targets, at, code) }
    }
  }
  const readings = await atMost(vaults, shuffled, read)
  return { seen: readings.flatMap(({ seen }) => seen), lines: readings.map(({ line }) => line) }
}

function outOfTime(url: string): RekeyError {
  return new RekeyError('OutOfTime', {
    message: `${url} was not read: the tick had no time left for it`,
    remedy: 'Check for vaults that do not answer: GET /api/health names them.',
  })
}

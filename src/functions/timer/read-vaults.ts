// Reads the vaults of all targets for one tick.

import type { App } from '../../compose.ts'
import { fraction } from '../../engine/due.ts'
import { RekeyError } from '../../engine/rekey-error.ts'
import type { Target } from '../../engine/target.ts'
import { atMost } from '../shared/at-most.ts'
import { byVault, secretsOf } from '../shared/read-secrets.ts'
import { type Seen, see, unreadable } from './candidates.ts'
import type { Period } from './period.ts'
import type { Collect } from './tick.ts'

/** How many vaults are read at once. One that is out of reach keeps its place for half a minute. */
const vaults = 16

/** Every enabled target; those of a vault that cannot be read as `unreadable`. */
export async function readVaults(
  app: App,
  period: Period,
  collect: Collect,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const enabled = app.targets.filter((target) => target.enabled)
  // In another order each time: where the time runs out, it must not always be for the same ones.
  const place = ([url]: readonly [string, unknown]) => fraction(`${url} ${period.to}`)
  const shuffled = [...byVault(enabled)].toSorted((a, b) => place(a) - place(b))
  const read = async ([url, targets]: readonly [string, readonly Target[]]) => {
    try {
      if (signal.aborted) throw outOfTime(url)
      const secrets = await secretsOf(app.vault(url), targets, signal)
      return targets.map((target) => see(target, secrets.get(target.name) ?? [], period))
    } catch (thrown) {
      collect(thrown, url)
      return targets.map(unreadable)
    }
  }
  return (await atMost(vaults, shuffled, read)).flat()
}

function outOfTime(url: string): RekeyError {
  return new RekeyError('OutOfTime', {
    message: `${url} was not read: the tick had no time left for it`,
    remedy: 'Check for vaults that do not answer: GET /api/health names them.',
  })
}

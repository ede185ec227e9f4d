// Measures a tick and a rotation in this process: real adapters and SDK clients, the simulated Azure without a socket.

import { type LargeFleet, largeFleet } from '../../test/scale/scale-fleet.ts'
import { type Figure, ms, timed } from './figures.ts'

const minutes = 60_000

/** Two ticks of the schedule over targets of which one in fifteen is due. */
export async function ticking(seed: number, targets: number, vaults: number): Promise<readonly Figure[]> {
  const fleet = largeFleet({ seed, targets, vaults, age: 57.2 })
  const before = process.memoryUsage.rss()

  const first = await tickOf(fleet)
  const second = await tickOf(fleet)

  const size = targets.toLocaleString('en')
  const grown = Math.max(0, process.memoryUsage.rss() - before) / 2 ** 20
  fleet.close()
  return [
    {
      what: `first tick over ${size} targets`,
      figure: ms(first.took),
      about: `${vaults} vaults, ${first.calls} calls, ${first.queued} queued; reads targets.json`,
    },
    { what: 'next tick', figure: ms(second.took), about: `${second.calls} calls, ${second.queued} queued` },
    {
      what: 'memory of both ticks',
      figure: `${Math.round(grown)} MB`,
      about: 'growth of the process, the simulated Azure’s own included',
    },
  ]
}

/** Rotations, one after the other, from message to announcement. */
export async function rotating(seed: number, rotations: number): Promise<Figure> {
  const fleet = largeFleet({ seed, targets: rotations, vaults: 4, age: 60 })
  await fleet.tick(15 * minutes)
  const sent = fleet.azure.sent.length

  const { took, result } = await timed(() => fleet.drain(fleet.cloud.clock.now() + 15 * minutes))

  const calls = (fleet.azure.sent.length - sent) / result
  fleet.close()
  return {
    what: 'one rotation, in process',
    figure: ms(took / result),
    about: `mean of ${result}, ${calls.toFixed(1)} calls each, leases and queue in memory; the simulated Azure’s own time included`,
  }
}

async function tickOf(fleet: LargeFleet): Promise<{ took: number; calls: number; queued: number }> {
  const sent = fleet.azure.sent.length
  const { took } = await timed(() => fleet.tick(15 * minutes))
  return { took, calls: fleet.azure.sent.length - sent, queued: fleet.counts()['queued']! }
}

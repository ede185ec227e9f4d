// `npm run bench:drift`: how long after an operator has regenerated a key in the portal the vault has one that works, in the demo's own
// setting: the built app in the local host, over TLS, with the simulated Event Grid. `--stale`: where the service's listing lags by five minutes.

import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { staleReads } from '../simulator/faults.ts'
import { type Estate, startEstate } from '../simulator/local/estate.ts'
import { deliverEvents, eventWebhook } from '../simulator/local/event-delivery.ts'
import { spawnHost } from '../simulator/local/host-child.ts'
import { buildApp, isStale } from './build.ts'

const lag = 5 * 60_000
const rounds = 5
const longest = 10 * 60_000

interface Member {
  readonly name: string
  readonly provider: string
  readonly resource?: string
  readonly secrets: Readonly<Record<string, string>>
}

/** Accounts of one provider whose secrets are Rekey's, and enabled: an event takes over none, and waits for an operator. */
function members({ cloud, fleet }: Estate): readonly (Member & { readonly resource: string })[] {
  const { targets } = fleet.targets as { readonly targets: readonly Member[] }
  const vault = cloud.vault(fleet.vaultHost)
  return targets.filter((target): target is Member & { readonly resource: string } => {
    const [version] = vault.versions(swapped(target.secrets)['key'] ?? '')
    const isOurs = version?.enabled === true && version.tags?.['rekey'] !== undefined
    return target.provider === 'cognitive-services' && target.resource !== undefined && isOurs
  })
}

function swapped(secrets: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(secrets).map(([name, output]) => [output, name]))
}

/** Milliseconds from the regenerate until the service accepts what is in the vault. */
async function repairedAfter(estate: Estate, member: Member & { readonly resource: string }): Promise<number> {
  const { cloud, fleet } = estate
  const handle = cloud.resources.get(member.resource.toLowerCase())!
  const secret = swapped(member.secrets)['key']!
  const vault = cloud.vault(fleet.vaultHost)
  const works = () => handle.accepts(vault.read(secret) ?? '')
  for (const slot of Object.keys(handle.keys())) handle.regenerateByHand(slot)
  const start = performance.now()
  if (works()) throw new Error(`${member.name}: the vault's key still works`)
  while (!works()) {
    if (performance.now() - start > longest) throw new Error(`${member.name} was not repaired in ten minutes`)
    await pause(20)
  }
  return performance.now() - start
}

async function main(stale: boolean): Promise<void> {
  const [estate] = await Promise.all([startEstate(), isStale() ? buildApp() : undefined])
  const directory = new URL('..', import.meta.url).pathname
  // No tick of the schedule: only the events repair.
  const settings = { ...estate.settings, 'AzureWebJobs.schedule.Disabled': 'true', ROTATION_SCHEDULE: '0 0 0 1 1 *' }
  const host = await spawnHost({ directory, port: 0, settings, preload: estate.preload, onLine: () => undefined })
  const stop = deliverEvents(estate.resourceEvents.take, eventWebhook(host.url, 'resourceEvents', host.keys.eventGrid))
  try {
    const measured = members(estate)
    if (stale) estate.cloud.faults.add(staleReads({ ms: lag }))
    const times = stale
      ? await Promise.all(measured.slice(0, 3).map((member) => repairedAfter(estate, member)))
      : await inTurn(Array<typeof measured>(rounds).fill(measured).flat(), (member) => repairedAfter(estate, member))
    const sorted = times.map((ms) => ms / 1000).toSorted((one, other) => one - other)
    const [least, median, most] = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!]
    const said = [least, median, most].map((seconds) => seconds.toFixed(1)).join(' / ')
    process.stdout.write(`${sorted.length} repairs, after ${said} s (least / median / most)\n`)
  } finally {
    stop()
    await host.stop()
    await estate.close()
  }
}

async function inTurn<Item, Result>(items: readonly Item[], run: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (const item of items) results.push(await run(item))
  return results
}

const { values } = parseArgs({ options: { stale: { type: 'boolean', default: false } } })
await main(values.stale)
// Azurite's own timer keeps the event loop alive.
process.exit(0)

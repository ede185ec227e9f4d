// Writes targets.json for a large estate: targets of every provider, as the simulated services describe one, over several subscriptions.

import { virtualClock } from '../../simulator/clock.ts'
import { simulatedCloud } from '../../simulator/cloud.ts'
import { samples } from '../../simulator/services/index.ts'
import { loadProviders } from '../../src/providers/index.ts'
import { nameOf } from './estate-names.ts'

export interface EstateSize {
  readonly targets: number
  readonly subscriptions: number
}

const marker = nameOf(0)
const subscriptionOf = (n: number) => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`
/** Ten vaults for each subscription, and no more than one for each hundred targets. */
const vaultsFor = ({ targets, subscriptions }: EstateSize) =>
  Math.min(subscriptions * 10, Math.max(1, Math.floor(targets / 100)))

/** The text of targets.json. A provider of which there can be one target only has one. */
export async function estateFile(size: EstateSize): Promise<string> {
  const cloud = simulatedCloud({ seed: 1, clock: virtualClock(0) })
  const kinds = (await loadProviders()).map(({ id, outputs, writes }) => ({
    ...{ id, writes },
    fields: JSON.stringify(samples[id]!.add(cloud, marker).fields),
    output: Object.keys(outputs).find((output) => outputs[output] === 'secret')!,
  }))
  const many = kinds.filter(({ fields }) => fields.includes(marker))
  const single = kinds.filter(({ fields }) => !fields.includes(marker))
  const vaults = vaultsFor(size)
  const targets = Array.from({ length: size.targets }, (_, n) => {
    const { id, fields, output } = single[n] ?? many[n % many.length]!
    const name = nameOf(n)
    const own = fields
      .replaceAll(marker, name)
      .replace(
        /"\/subscriptions\/[^/]+/,
        `"/subscriptions/${subscriptionOf(Math.floor(n / many.length) % size.subscriptions)}`,
      )
    const vault = `https://kv-${n % vaults}.vault.azure.net`
    return { name, provider: id, ...JSON.parse(own), vault, secrets: { [`${name}-key`]: output } }
  })
  return JSON.stringify({ defaults: { rotateEvery: 'P60D', validFor: 'P90D', overlap: 'P2D' }, targets })
}

// The sample fleet: resources in the simulated Azure, what a year of rotations left in the vault, and the targets.json
// that names them. Each service says what it adds; by default that is one target that is due.

import type { Cloud } from '../cloud.ts'
import { type Left, type Sample, type SampleEstate, tutorialTags } from '../sample.ts'
import { samples } from '../services/index.ts'

export interface SampleFleet {
  /** What goes into targets.json. */
  readonly targets: object
  /** Targets without an entry: their secrets have the tags of Microsoft's templates. */
  readonly tagged: readonly string[]
  /** Target → the expected result of its first round. */
  readonly expected: Readonly<Record<string, 'changed' | 'current' | 'paused'>>
  /** Leases that were held before, by name. */
  readonly leases: readonly string[]
  readonly vaultHost: string
  readonly topicHost: string
}

const hour = 3_600_000
const day = 24 * hour
const vaultHost = 'kv-contoso.vault.azure.net'
const topicHost = 'rekey-contoso.westeurope-1.eventgrid.azure.net'

/**
 * Due a moment ago, because the expiry comes near, and not overdue: the period of 60 days, less what it is spread by, ends
 * within a day of now. So the result of a first round does not depend on the day.
 */
const dueAge = 57.5 * day
const dueExpiry = 30 * day - hour

/** Puts the fleet into the cloud: at least one target of every provider. */
export function seedSampleFleet(cloud: Cloud): SampleFleet {
  cloud.topic(topicHost)
  const estate = estateIn(cloud)
  const members = Object.entries(samples).flatMap(([provider, sample]) =>
    (sample.estate ?? oneDue(provider, sample))(estate).map((target) => ({ provider, ...target })),
  )
  const tagged = asTemplatesLeaveIt(estate)
  forgotten(estate)
  const { subscription, group } = estate.group
  return {
    tagged,
    leases: members.flatMap(({ lease }) => lease ?? []),
    vaultHost,
    topicHost,
    targets: {
      defaults: { vault: `https://${vaultHost}`, rotateEvery: 'P60D', validFor: 'P90D', overlap: 'P2D' },
      discover: {
        vaults: [`https://${vaultHost}`],
        scopes: [`/subscriptions/${subscription}/resourceGroups/${group}`],
      },
      targets: members.map(({ name, provider, fields, secrets }) => ({ name, provider, ...fields, secrets })),
    },
    expected: Object.fromEntries(
      [...members, ...tagged.map((name) => ({ name }) as { name: string; expected?: undefined })].map(
        ({ name, expected = 'changed' }) => [name, expected],
      ),
    ),
  }
}

/**
 * A secret that a function of Microsoft's rotation tutorial has looked after until now: the bare key, the three tags, an expiry that Key Vault
 * warns of by now, and no content type.
 */
function asTemplatesLeaveIt({ cloud, vault, now, group }: SampleEstate): readonly string[] {
  const name = 'shop-storage-key'
  const account = cloud.storageAccounts.add({ name: 'contososhop', age: 400 * day, ...group })
  vault.set(name, account.keyOf('key2'), {
    tags: { ...tutorialTags('key2', account.resourceId), ValidityPeriodDays: '60' },
    createdAt: now - 31 * day,
    expires: now + 29 * day,
  })
  return [name]
}

/** Resources with keys that no target has: candidates. */
function forgotten({ cloud, group }: SampleEstate): void {
  cloud.storageAccounts.add({ name: 'contosoarchive', age: 746 * day, keyPolicyDays: 90, ...group })
  cloud.storageAccounts.add({ name: 'contosobackup', age: 21 * day, ...group })
  samples['maps']!.add(cloud, 'contoso-atlas')
  samples['service-bus']!.add(cloud, 'contoso-events')
  const kept = cloud.storageAccounts.add({ name: 'contosolegacy', age: 900 * day, ...group })
  cloud.resourceGraph.tag(kept.resourceId, { rekey: 'off' })
}

/** One target that is due, named after the provider. */
function oneDue(provider: string, sample: Sample): NonNullable<Sample['estate']> {
  return ({ cloud, due }) => {
    const { fields, handle } = sample.add(cloud, `contoso-${provider}`)
    const [[slot, key] = ['', '']] = Object.entries(handle.keys())
    due({ target: provider, slot, address: handle.resourceId, values: { [`${provider}-key`]: key } })
    return [{ name: provider, fields, secrets: { [`${provider}-key`]: 'key' } }]
  }
}

function estateIn(cloud: Cloud): SampleEstate {
  const now = cloud.clock.now()
  const vault = cloud.vault(vaultHost)

  function leave({ target, slot, address, values, age }: Left, expires = now - age + 90 * day): void {
    const at = (ms: number) => new Date(ms).toISOString()
    const stamps = {
      target,
      rotatedAt: at(now - age),
      createdAfter: at(now - age),
      standbyCreatedAfter: at(now - age - 60 * day),
      announced: true,
      reason: 'due',
      actor: 'schedule',
    }
    for (const [name, value] of Object.entries(values).toReversed()) {
      const tags = { rekey: JSON.stringify(stamps), ...tutorialTags(slot, address), team: 'platform' }
      vault.set(name, value, { tags, createdAt: now - age, expires })
    }
  }
  return {
    cloud,
    vault,
    now,
    group: { subscription: '11111111-2222-4333-8444-555555555555', group: 'rg-contoso' },
    leave,
    due: (left) => leave({ ...left, age: dueAge }, now + dueExpiry),
  }
}

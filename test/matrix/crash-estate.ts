// One target of any provider in a simulated Azure, reconciled by real adapters and real SDK clients, on a clock that only the
// test moves.

import { virtualClock } from '../../simulator/clock.ts'
import { type Cloud, simulatedCloud } from '../../simulator/cloud.ts'
import type { Fault } from '../../simulator/faults.ts'
import { createAnnouncer } from '../../src/azure/event-grid.ts'
import { createVault } from '../../src/azure/key-vault.ts'
import { parseTargets } from '../../src/config/targets.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { KeyHolder, Lease, Leases, Ports } from '../../src/engine/ports.ts'
import { reconcile } from '../../src/engine/reconcile.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days, leaseLength, minutes, seconds, type Target } from '../../src/engine/target.ts'
import type { KeyProvider } from '../../src/providers/provider.ts'
import { metadataInMemory } from '../memory-lease.ts'
import { providers } from '../providers/all-providers.ts'
import { fleet, type Member, samples } from '../providers/provider-fleet.ts'
import { type ConnectedAzure, connect } from '../simulated-azure.ts'
import { seedOf } from '../wire-seed.ts'

export const vaultHost = 'kv-prod.vault.azure.net'
/** When every estate begins. */
export const estateBegins = Date.UTC(2026, 5, 1)
const topicHost = 'rekey.westeurope-1.eventgrid.azure.net'

export interface EstateOptions {
  /** Rules of the engine to leave out; `asked` is the record before a regenerate, `probe` the question whether a key works. */
  readonly without?: readonly string[]
  /** One secret only, of the key, rather than one for each output. */
  readonly outputs?: 'one'
  /** Names the history: what goes wrong on the wire depends on it, and on the seed. */
  readonly history?: string
  /** Adds the target's resource. Default: that of the sample. */
  member?(cloud: Cloud): Member
  /** Default: kept in memory, on the estate's clock. */
  readonly leases?: Leases
}

export interface Estate {
  readonly cloud: Cloud
  readonly provider: KeyProvider
  readonly member: Member
  readonly target: Target
  /** Ids of the events that the topic received. */
  announced(): readonly string[]
  regenerations(): number
  /** One delivery of a request to a new process. */
  deliver(request: RotationRequest): Promise<Outcome | 'crashed'>
  /** Delivers again and again, as a queue would, until nothing is to come back for. */
  settle(request: RotationRequest): Promise<void>
  request(desired?: Partial<RotationRequest>): RotationRequest
  version(): string
}

/** A provider's target with a secret for each of its outputs, not adopted yet. */
export function estate(
  provider: KeyProvider,
  { without = [], outputs, member: add, leases: own, history = provider.id }: EstateOptions = {},
): Estate {
  const cloud = simulatedCloud({ seed: seedOf(history), clock: virtualClock(estateBegins) })
  const member = (add ?? fleet[provider.id]!)(cloud)
  const target = targetOf(provider, member, {
    outputs,
    probe: without.includes('probe') ? 'off' : 'on',
    now: cloud.clock.now(),
  })
  const topic = cloud.topic(topicHost)
  cloud.vault(vaultHost)
  // Every call takes a moment, so that no two writes are of the same one.
  cloud.onEffect(({ when }) => when === 'after' && cloud.clock.advance(300))
  const leases = new Map<string, { owner: object; until: number }>()
  const metadataOf = metadataInMemory(cloud.clock.now)
  let processes = 0

  function portsOf(azure: ConnectedAzure): Ports {
    const vault = createVault(target.vault, azure)
    const forgetful = without.includes('asked') ? { ...vault, describe: describeWithoutAsked(vault.describe) } : vault
    return {
      clock: { now: () => cloud.clock.now(), monotonic: () => cloud.clock.now(), after: () => () => undefined },
      log: () => undefined,
      vault: () => forgetful,
      announcer: createAnnouncer({ endpoint: topic.endpoint, schema: 'CloudEvent', source: '/rekey/test' }, azure),
      queue: { send: async () => undefined },
      leases: own ?? { acquire: async (credential) => acquire(credential, azure) },
      open: async () =>
        provider.open(
          target.resource,
          azure,
          target.secrets.map(({ output }) => output),
        ) as KeyHolder,
    }
  }

  function acquire(credential: string, owner: ConnectedAzure): Lease | undefined {
    const held = leases.get(credential)
    if (held && cloud.clock.now() < held.until) return undefined
    const renewed = () => ({ owner, until: cloud.clock.now() + leaseLength })
    leases.set(credential, renewed())
    const ours = () => leases.get(credential)?.owner === owner && !owner.crashed
    return {
      metadata: metadataOf(credential),
      renew: async () => {
        if (!ours()) return false
        leases.set(credential, renewed())
        return true
      },
      release: async () => {
        if (ours()) leases.delete(credential)
      },
    }
  }

  async function deliver(request: RotationRequest): Promise<Outcome | 'crashed'> {
    const caller = `process-${++processes}`
    let crashed = false
    const wait = async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted()
      // A dead process's pauses take no time.
      if (!crashed) cloud.clock.advance(ms)
    }
    const azure = connect(cloud, { caller, wait })
    const outcome = await reconcile(target, request, portsOf(azure), { without: new Set(without) })
    crashed = azure.crashed
    return crashed ? 'crashed' : outcome
  }

  async function settle(request: RotationRequest): Promise<void> {
    for (let delivery = 0; delivery < 30; delivery++) {
      const outcome = await deliver(request)
      if (outcome !== 'crashed' && !outcome.again) return
      // After a crash the message comes back soon, as soon as the dead process's lease allows.
      cloud.clock.advance(outcome === 'crashed' ? leaseLength + seconds(1) : outcome.again!.after)
    }
    throw new Error(`${request.id} does not come to rest`)
  }

  return {
    cloud,
    provider,
    member,
    target,
    announced: () => topic.events.map((event) => String(event['id'])),
    regenerations: () => cloud.history.filter((entry) => entry.effect && isRegenerate(entry.operation)).length,
    deliver,
    settle,
    request: (desired = {}) => ({
      id: `request-${processes}`,
      target: target.name,
      actor: 'test',
      expiresAt: cloud.clock.now() + days(7),
      ...desired,
    }),
    version: () => cloud.vault(vaultHost).versions(target.secrets[0].name)[0]!.id,
  }
}

/** The weathers in which crashes are survived: none, or listings that lag and new keys that are slow to be accepted. */
export function weather(
  name: 'clear' | 'foggy',
  provider: KeyProvider,
  faults: { stale: (ms: number) => Fault; slow: (ms: number) => Fault },
): readonly Fault[] {
  if (name === 'clear') return []
  const stale = faults.stale(minutes(2))
  // Where no probe can ask, no wait for an accepted key is possible.
  return provider.can.probe ? [stale, faults.slow(minutes(3))] : [stale]
}

function targetOf(
  provider: KeyProvider,
  member: Member,
  { outputs, probe, now }: { outputs: 'one' | undefined; probe: 'on' | 'off'; now: number },
): Target {
  const all = Object.keys(provider.outputs).toSorted((one) => (provider.outputs[one] === 'secret' ? -1 : 1))
  const wanted = outputs === 'one' ? ['key'] : all
  const text = JSON.stringify({
    targets: [
      {
        name: 'target',
        provider: provider.id,
        ...member.fields,
        vault: `https://${vaultHost}`,
        secrets: Object.fromEntries(wanted.map((output) => [`target-${output}`, output])),
        ...(provider.can.probe ? { probe } : {}),
      },
    ],
  })
  const parsed = parseTargets(text, providers, 'public', now)
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.targets[0]!
}

function describeWithoutAsked(describe: ReturnType<typeof createVault>['describe']): typeof describe {
  return (stored, metadata, signal) => {
    const { pending, ...stamps } = metadata.stamps
    return describe(stored, pending?.state === 'requested' ? { ...metadata, stamps } : metadata, signal)
  }
}

/** An effect at a service, rather than in the vault or at the topic. */
export function isRegenerate(operation: string): boolean {
  return Object.values(samples).some(({ regenerate }) => regenerate === operation)
}

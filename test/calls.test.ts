// The calls of a rotation and of a resync: what docs/reference/costs.md counts with, and what pacing spends of Azure's limits.
// Leases are taken in Azurite, everything else happens in the simulated Azure.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createLeases } from '../src/azure/blob-lease.ts'
import { openStorage } from '../src/azure/storage.ts'
import type { App } from '../src/compose.ts'
import type { Leases } from '../src/engine/ports.ts'
import type { RotationRequest } from '../src/engine/request.ts'
import { Secret } from '../src/engine/secret.ts'
import { days } from '../src/engine/target.ts'
import { revokeWrites } from '../src/functions/shared/many-candidate.ts'
import type { KeyProvider } from '../src/providers/provider.ts'
import { type StorageTap, tapStorage } from './leak/storage-tap.ts'
import { type Estate, estate, estateBegins } from './matrix/crash-estate.ts'
import { providers } from './providers/all-providers.ts'
import { samples } from './providers/provider-fleet.ts'
import { type Azurite, startAzurite } from './started-azurite.ts'

/** The lease, and in the metadata of its blob when the target was last compared with its service. */
const atTheStorage = ['lease/acquire', 'lease/readMetadata', 'lease/writeMetadata']

/** What a request to the storage account is; one that is no lease's is answered as it is. */
function storageCall(line: string): string {
  const [, action] = /^PUT .*"x-ms-lease-action":"(\w+)"/.exec(line) ?? []
  if (action !== undefined) return `lease/${action}`
  if (/^PUT \S+[?&]comp=metadata/.test(line)) return 'lease/writeMetadata'
  return line.startsWith('HEAD ') ? 'lease/readMetadata' : line
}

describe('The calls of one reconcile', () => {
  let azurite: Azurite
  let tap: StorageTap
  let leases: Leases

  before(async () => {
    azurite = await startAzurite()
    tap = await tapStorage(azurite.connectionString)
    const noCredential = () => assert.fail('a connection string needs no credential')
    leases = createLeases(
      openStorage({ by: 'connectionString', connectionString: Secret.of(tap.connectionString) }, noCredential),
      // As old as the estates: what is noted of a lease is compared with their clock.
      () => estateBegins,
    )
  })
  after(async () => {
    tap.close()
    await azurite.close()
  })

  /** A target whose lease and secret have been there for long. */
  async function settled(provider: KeyProvider): Promise<Estate> {
    const lived = estate(provider, { outputs: 'one', leases })
    await lived.settle(lived.request())
    lived.cloud.clock.advance(days(3))
    return lived
  }

  /** The operations of one delivery: those of the lease, sorted, for its renewals depend on the time, then the others in order. A new vault client's question where to sign in is no call of ours. */
  async function callsOf(lived: Estate, desired: Partial<RotationRequest>): Promise<readonly string[]> {
    const { length } = lived.cloud.history
    const { length: heard } = tap.seen
    const outcome = await lived.deliver(lived.request(desired))
    assert.ok(outcome !== 'crashed' && !outcome.again)
    const lines = tap.seen.slice(heard)
    const stored = lines.filter((line) => !/^\d{3} /.test(line)).map(storageCall)
    const rest = lived.cloud.history.slice(length).filter(({ status }) => status !== 401)
    return [...stored.toSorted(), ...rest.map(({ operation }) => operation)]
  }

  for (const provider of providers) {
    const { read, rotation, storage = [] } = samples[provider.id]!

    test(`A rotation of ${provider.id} makes the declared calls, and no other`, async () => {
      const lived = await settled(provider)

      const calls = await callsOf(lived, { createdAfter: lived.cloud.clock.now() })

      assert.deepEqual(calls, [
        ...[...atTheStorage, ...storage, 'lease/release'].toSorted(),
        read,
        'key-vault/getSecret',
        'key-vault/updateSecret',
        ...rotation,
        'key-vault/setSecret',
        'event-grid/publish',
        'key-vault/updateSecret',
      ])
    })

    test(`A resync of ${provider.id} that finds nothing to do reads the keys and the secret, and writes nothing`, async () => {
      const lived = await settled(provider)

      const calls = await callsOf(lived, {})

      assert.deepEqual(calls, [...[...atTheStorage, 'lease/release'].toSorted(), read, 'key-vault/getSecret'])
    })
  }

  test('A rotation makes no more writes at its service than pacing counts with, and neither does a revoke', async () => {
    for (const provider of providers) {
      for (const desired of ['createdAfter', 'revokeBefore'] as const) {
        const lived = await settled(provider)
        const app = { providerOf: () => provider } as Partial<App> as App
        const most = desired === 'createdAfter' ? provider.writes : revokeWrites(app, lived.target)
        const { length } = lived.cloud.history

        await lived.settle(lived.request({ [desired]: lived.cloud.clock.now() }))

        const calls = lived.cloud.history.slice(length)
        const { host: keysAt } = calls.find(({ operation }) => operation === samples[provider.id]!.read)!
        const writes = calls.filter(({ host, method }) => host === keysAt && method !== 'GET')
        assert.ok(writes.length > 0 && writes.length <= most, `${provider.id}, ${desired}: ${writes.length} of ${most}`)
      }
    }
  })

  test('A rotation is twelve calls where the answer has the new key and the address of the probe is known', async () => {
    const plain = providers.filter(({ id, can }) => can.probe && samples[id]!.rotation.length === 2)
    assert.ok(plain.length > 0)

    for (const provider of plain) {
      const lived = await settled(provider)
      const calls = await callsOf(lived, { createdAfter: lived.cloud.clock.now() })
      assert.equal(calls.length, 12, provider.id)
    }
  })
})

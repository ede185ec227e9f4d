// Cosmos DB through the real engine and adapters, in the simulated Azure: a regenerate of three hours, a worker that dies meanwhile, answers
// that are lost, polls that are refused. One request regenerates once, and the vault's key works at every moment.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crash, type Fault, lostAnswer, slowOperation, untrackableOperations } from '../../simulator/faults.ts'
import type { CosmosAccountOptions } from '../../simulator/services/cosmos-db.ts'
import type { RotationRequest } from '../../src/engine/request.ts'
import { days, hours, leaseLength, minutes, seconds } from '../../src/engine/target.ts'
import { cosmosDb } from '../../src/providers/cosmos-db.ts'
import { type Estate, estate, vaultHost } from '../matrix/crash-estate.ts'

const secret = 'target-key'
const regenerate = 'cosmos-db/regenerateKey'

interface Watched {
  readonly lived: Estate
  /** Moments at which a region refused the vault's key. */
  readonly refused: readonly string[]
  /** The number of the last effect. */
  effects(): number
  /** Delivers a request until nothing is to come back for: as often as it takes. */
  settle(request: RotationRequest): Promise<void>
}

/** A target that was adopted long ago. From then on the vault's key is tried in every region, after each effect and minute by minute. */
async function watched(options: Partial<CosmosAccountOptions>): Promise<Watched> {
  const lived = estate(cosmosDb, {
    outputs: 'one',
    member: (cloud) => {
      const account = cloud.cosmosAccounts.add({ name: 'orders', ...options })
      return { fields: { resource: account.resourceId }, handle: account.ring('readWrite') }
    },
  })
  const { clock } = lived.cloud
  await lived.settle(lived.request())
  clock.advance(days(3))
  const refused: string[] = []
  const look = () => {
    const value = lived.cloud.vault(vaultHost).read(secret)!
    if (!lived.member.handle.accepts(value)) refused.push(new Date(clock.now()).toISOString())
  }
  let effects = 0
  lived.cloud.onEffect(({ n, when }) => {
    effects = n
    if (when === 'after') look()
  })
  const advance = clock.advance.bind(clock)
  clock.advance = (ms) => {
    for (let left = ms; left > 0; left -= minutes(1)) {
      advance(Math.min(left, minutes(1)))
      look()
    }
  }
  async function settle(request: RotationRequest): Promise<void> {
    for (let delivery = 0; delivery < 400; delivery += 1) {
      const outcome = await lived.deliver(request)
      if (outcome !== 'crashed' && !outcome.again) return
      clock.advance(outcome === 'crashed' ? leaseLength + seconds(1) : outcome.again!.after)
    }
    assert.fail(`${request.id} does not come to rest`)
  }
  return { lived, refused, effects: () => effects, settle }
}

/** How often a regenerate was sent, and how often it was taken. */
function sent({ cloud }: Estate): { readonly sent: number; readonly taken: number } {
  const calls = cloud.history.filter(({ operation }) => operation === regenerate)
  return { sent: calls.length, taken: calls.filter(({ effect }) => effect).length }
}

const misfortunes: Readonly<Record<string, (effects: number) => readonly Fault[]>> = {
  'nothing else happens': () => [],
  'the worker dies when it has sent it': (effects) => [crash({ atEffect: effects + 2, when: 'after' })],
  'its answer is lost': () => [lostAnswer({ operation: regenerate, times: 1 })],
  'its polls are refused': () => [untrackableOperations()],
  'every tenth answer of the service is lost': () => [
    lostAnswer({ operation: 'cosmos-db/listKeys', probability: 0.1 }),
    lostAnswer({ operation: 'cosmos-db/getAccount', probability: 0.1 }),
    lostAnswer({ operation: 'cosmos-db/getOperation', probability: 0.1 }),
  ],
}

for (const [what, faults] of Object.entries(misfortunes)) {
  for (const saysUpdating of [true, false]) {
    const reports = saysUpdating ? 'reports it' : 'does not report it'
    test(`a regenerate that takes three hours is made once for one request, where ${what} and the account ${reports}`, async () => {
      const { lived, refused, effects, settle } = await watched({ saysUpdating, regions: ['West Europe', 'East US'] })
      const { cloud, member } = lived
      const before = cloud.vault(vaultHost).read(secret)!
      cloud.faults.add(slowOperation({ ms: hours(3) }))
      for (const fault of faults(effects())) cloud.faults.add(fault)
      const request = lived.request({ createdAfter: cloud.clock.now() })
      const begun = cloud.clock.now()

      await settle(request)
      await settle(request)
      await settle(lived.request({ actor: 'resync' }))

      const after = cloud.vault(vaultHost).read(secret)!
      assert.deepEqual(refused, [])
      assert.equal(sent(lived).taken, 1)
      if (saysUpdating) assert.equal(sent(lived).sent, 1)
      assert.notEqual(after, before)
      assert.ok(Object.values(member.handle.keys()).includes(after))
      assert.ok(member.handle.accepts(before), 'the key before lives through the overlap')
      assert.ok(lived.announced().includes(lived.version()))
      assert.ok(cloud.clock.now() - begun < hours(4), `${(cloud.clock.now() - begun) / minutes(1)} minutes`)
    })
  }
}

for (const what of ['nothing else happens', 'the worker dies when it has sent it']) {
  test(`a revoke whose regenerates take three hours each makes both keys once, where ${what}`, async () => {
    const { lived, refused, effects, settle } = await watched({})
    const { cloud, member } = lived
    const before = Object.values(member.handle.keys())
    cloud.faults.add(slowOperation({ ms: hours(3) }))
    for (const fault of misfortunes[what]!(effects())) cloud.faults.add(fault)
    const request = lived.request({ revokeBefore: cloud.clock.now() })

    await settle(request)
    await settle(request)

    assert.deepEqual(refused, [])
    assert.equal(sent(lived).taken, 2)
    for (const key of before) assert.equal(member.handle.accepts(key), false)
    assert.ok(lived.announced().includes(lived.version()))
  })
}

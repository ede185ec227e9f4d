// What test/leak.test.ts has the app do while everything that comes out of it is kept: in a thread of its own, see own-thread.ts.

import assert from 'node:assert/strict'
import type { HistoryEntry } from '../../simulator/cloud.ts'
import { ordinaryDay } from '../../simulator/wire-faults.ts'
import { days, minutes } from '../../src/engine/target.ts'
import { nearExpiryEvent } from '../../src/functions/event-grid/near-expiry-event.ts'
import type { Handler } from '../../src/functions/http/answer-request.ts'
import { promote, swap } from '../../src/functions/http/commands/promote-target.ts'
import { repair } from '../../src/functions/http/commands/repair-target.ts'
import { revoke } from '../../src/functions/http/commands/revoke-target.ts'
import { rotate } from '../../src/functions/http/commands/rotate-target.ts'
import { startRevocations } from '../../src/functions/http/commands/start-revocations.ts'
import { startRotations } from '../../src/functions/http/commands/start-rotations.ts'
import { listHistory } from '../../src/functions/http/status/list-history.ts'
import { listOperations } from '../../src/functions/http/status/list-operations.ts'
import { listTargets, showTarget } from '../../src/functions/http/status/list-targets.ts'
import { planTarget } from '../../src/functions/http/status/plan-target.ts'
import { health } from '../../src/functions/http/status/show-health.ts'
import { showOperation } from '../../src/functions/http/status/show-operation.ts'
import { listPlan } from '../../src/functions/http/status/show-plan.ts'
import { targetHistory } from '../../src/functions/http/status/target-history.ts'
import { rotateMessage } from '../../src/functions/queue/rotate-message.ts'
import { asOfNow, closeStorage, follow, vaultHost } from '../functions/functions-world.ts'
import { firstOfEachKind, providerById } from '../providers/all-providers.ts'
import { samples } from '../providers/provider-fleet.ts'
import { faultsOf } from './leak-faults.ts'
import { type Listening, listen, target } from './listening.ts'
import { leaksIn } from './search.ts'

export { closeStorage }

const readers: readonly Handler[] = [
  listPlan,
  planTarget,
  listTargets,
  showTarget,
  targetHistory,
  listHistory,
  listOperations,
  health,
]

/** Every function of the app succeeds with a target of the provider; throws for a key in what came out. */
export async function successfulRounds(id: string): Promise<void> {
  const listening = await listen(providerById(id)!)
  try {
    await happyRounds(listening)

    const heard = await listening.heard()

    assert.deepEqual(
      Object.entries(heard).filter(([, text]) => text.length < 50),
      [],
      'every channel was used',
    )
    assert.deepEqual(leaksIn(heard, listening.secrets()), [])
  } finally {
    await listening.close()
  }
}

/** Every fault strikes a target of the provider; throws for a key in what came out. */
export async function everyFault(id: string): Promise<void> {
  const provider = providerById(id)!
  const listening = await listen(provider)
  // What the functions make of a failure does not depend on the service, so one of each kind goes through all of them.
  const strike = firstOfEachKind.includes(provider) ? underFault : theProviderUnderFault
  try {
    const { cloud } = listening
    await adopt(listening)

    for (const { name, fault, inHeaders } of faultsOf(samples[id]!)) {
      cloud.clock.advance(days(3))
      const before = cloud.history.length
      cloud.faults.add(fault)
      // Not the bad one's outages and throttling: they might keep the fault itself from striking.
      for (const usual of ordinaryDay()) cloud.faults.add(usual)
      listening.sdkLog(inHeaders ? 'off' : 'verbose')
      await strike(listening)
      cloud.faults.clear()
      const ours = ({ fault: met, status }: HistoryEntry) => met === fault.name || status === 403
      const struck = cloud.history.slice(before).some(ours)
      assert.ok(struck, `struck: ${name}`)
      await listening.breakLeases()
      await listening.reconcile({})
    }
    await listening.world.tick()

    assert.deepEqual(leaksIn(await listening.heard(), listening.secrets()), [])
  } finally {
    await listening.close()
  }
}

/** Everything that can be asked for, and all that the schedule and the vault bring. */
async function happyRounds(listening: Listening): Promise<void> {
  const { world, cloud, ask } = listening
  await adopt(listening)
  for (const [handler, body] of [
    [rotate, { note: 'quarterly' }],
    [promote, 'as of now'],
    [swap, 'as of now'],
    [revoke, { note: 'seen' }],
    [repair, { note: 'by hand' }],
    [startRotations, { targets: 'all' }],
    [startRevocations, { targets: [target], note: 'seen', count: 1 }],
  ] as const) {
    cloud.clock.advance(days(3))
    await ask(handler, {
      body: body === 'as of now' ? asOfNow(world, (await listening.app()).targetNamed(target)!.secrets[0].name) : body,
    })
    await world.drain()
    await ask(rotate, { body: {} })
    await ask(rotate, { body: '{"note": ' })
    await ask(rotate, { params: { name: 'unknown' } })
  }
  cloud.clock.advance(days(70))
  for (const event of cloud.vault(vaultHost).takeEvents())
    await nearExpiryEvent(event, world.context('nearExpiry'), world.compose)
  await world.tick()
  await world.drain()
  for (const handler of readers) await ask(handler, { query: { target } })
  await ask(listPlan)
  await listening.reconcile({ createdAfter: cloud.clock.now(), force: true })
  // Left in the queue, to be peeked at.
  cloud.clock.advance(days(3))
  const headers = { prefer: 'respond-async' }
  const accepted = await ask(rotate, { body: { note: 'for the queue' }, headers })
  const { id } = (await follow(world, accepted)).body
  await ask(showOperation, { params: { id } })
  await rotateMessage('no message', world.context('rotate'), world.compose).catch(listening.caught)
}

async function adopt({ world, cloud }: Listening): Promise<void> {
  await world.tick()
  await world.drain()
  cloud.clock.advance(minutes(10))
}

async function underFault(listening: Listening): Promise<void> {
  const { world, ask } = listening
  await ask(rotate, { body: { note: 'quarterly' } })
  await world.drain()
  await listening.breakLeases()
  await theProviderUnderFault(listening)
  await ask(planTarget, { params: { name: target } })
}

/** All that a provider does, and what the engine makes of it. */
async function theProviderUnderFault(listening: Listening): Promise<void> {
  await listening.reconcile({ createdAfter: listening.cloud.clock.now(), force: true })
  await listening.callAdapters()
}

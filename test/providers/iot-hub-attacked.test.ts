// Histories of an IoT hub's policy in which a worker dies or an answer is lost while a write is under way: the real engine and
// adapters, in a simulated Azure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lostAnswer, serverError, slowOperation, untrackableOperations } from '../../simulator/faults.ts'
import { CrashSignal } from '../../simulator/service-operations.ts'
import { RekeyError } from '../../src/engine/rekey-error.ts'
import { days, minutes, seconds } from '../../src/engine/target.ts'
import { iotHubPolicy } from '../../src/providers/iot-hub-policy.ts'
import { type Estate, estate } from '../matrix/crash-estate.ts'

const vaultHost = 'kv-prod.vault.azure.net'

async function adopted(history: string): Promise<Estate> {
  const lived = estate(iotHubPolicy, { outputs: 'one', history })
  await lived.settle(lived.request())
  lived.cloud.clock.advance(days(3))
  return lived
}

function works({ cloud, member }: Estate): boolean {
  return member.handle.accepts(cloud.vault(vaultHost).read('target-key')!)
}

/** The worker dies right after the next effect of this operation. */
function crashAfter({ cloud }: Estate, operation: string): void {
  let left = 1
  cloud.onEffect((effect) => {
    if (effect.operation === operation && effect.when === 'after' && left-- > 0) throw new CrashSignal()
  })
}

for (const [how, fault] of [
  ['is lost', lostAnswer({ operation: 'iot-hub/putHub', times: 1 })],
  [
    'is a 503 of a gateway behind which it landed',
    serverError({ operation: 'iot-hub/putHub', when: 'after', times: 1, status: 503 }),
  ],
] as const) {
  test(`a hub whose answer to a write ${how} is read until the write is over: the request costs one write`, async () => {
    const lived = await adopted(`unanswered ${how}`)
    lived.cloud.faults.add(untrackableOperations())
    lived.cloud.faults.add(fault)
    const request = lived.request({ createdAfter: lived.cloud.clock.now() })
    const before = lived.version()

    await lived.settle(request)

    assert.equal(lived.regenerations(), 1)
    assert.notEqual(lived.version(), before)
    assert.ok(works(lived))
  })
}

test('a write of a hub that is still under way after its worker died replaces no key that was promoted meanwhile', async () => {
  const lived = await adopted('promoted under way')
  lived.cloud.faults.add(slowOperation({ ms: minutes(20) }))
  crashAfter(lived, 'iot-hub/putHub')
  assert.equal(await lived.deliver(lived.request({ createdAfter: lived.cloud.clock.now() })), 'crashed')
  lived.cloud.clock.advance(minutes(8))
  const from = lived.version()

  const promote = lived.request({ promote: { slot: 'secondary', from } })
  await lived.deliver(promote)
  lived.cloud.clock.advance(minutes(15))

  assert.ok(works(lived), 'the vault holds a key that the hub accepts')
  lived.cloud.faults.clear()
  await lived.settle(promote)
  assert.ok(works(lived))
  assert.notEqual(lived.version(), from)
})

test('one failed renewal of the lease during a long hub write costs no second write', async () => {
  let blips = 0
  let failing = false
  const entries: Record<string, string> = { since: '2020-01-01T00:00:00.000Z' }
  const lease = {
    metadata: { read: async () => entries, write: async (more: object) => void Object.assign(entries, more) },
    renew: async () => {
      if (!failing || blips++ > 0) return true
      throw new RekeyError('ServiceUnavailable', { message: 'storage does not answer', retryAfter: seconds(30) })
    },
    release: async () => undefined,
  }
  const lived = estate(iotHubPolicy, { outputs: 'one', history: 'blip', leases: { acquire: async () => lease } })
  await lived.settle(lived.request())
  lived.cloud.clock.advance(days(3))
  lived.cloud.faults.add(untrackableOperations())
  lived.cloud.faults.add(slowOperation({ ms: minutes(2) }))
  failing = true

  await lived.settle(lived.request({ createdAfter: lived.cloud.clock.now() }))

  assert.ok(blips > 0)
  assert.equal(lived.regenerations(), 1)
  assert.ok(works(lived))
})

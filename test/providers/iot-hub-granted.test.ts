// The real engine and adapters rotate a policy of an IoT hub, in a simulated Azure that grants what infra/ grants and takes half
// a minute for a write.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { days, minutes } from '../../src/engine/target.ts'
import { iotHubPolicy } from '../../src/providers/iot-hub-policy.ts'
import { type Estate, estate } from '../matrix/crash-estate.ts'

interface Role {
  readonly actions: readonly string[]
  readonly dataActions: readonly string[]
}

const file = new URL('../../infra/provider-actions.json', import.meta.url)
const roles: Readonly<Record<string, Role>> = JSON.parse(readFileSync(file, 'utf8'))

/** The hub's scopes at which a role is assigned: the hub, its resource group, its subscription. */
const scopes: readonly (readonly [name: string, segments: number])[] = [
  ['the hub', 9],
  ['its resource group', 5],
  ['its subscription', 3],
]

/** A policy that was adopted long ago, where of Microsoft.Devices nothing may be done but what the role allows. */
async function granted(segments: number): Promise<Estate> {
  const lived = estate(iotHubPolicy, { outputs: 'one' })
  const { identity } = lived.cloud
  const { actions, dataActions } = roles['iot-hub-policy']!
  const scope = lived.member.fields['resource']!.split('/').slice(0, segments).join('/')
  identity.deny('Microsoft.Devices/*')
  for (const action of [...actions, ...dataActions]) identity.grant(action, scope)
  await lived.settle(lived.request())
  lived.cloud.clock.advance(days(3))
  return lived
}

for (const [name, segments] of scopes) {
  test(`with the role granted at ${name}, one request makes one write, and its key is published and announced`, async () => {
    const lived = await granted(segments)
    const [before, started] = [lived.version(), lived.cloud.clock.now()]

    const outcome = await lived.deliver(lived.request({ createdAfter: started }))

    assert.ok(outcome !== 'crashed' && outcome.status === 'changed' && !outcome.error, JSON.stringify(outcome))
    assert.equal(lived.regenerations(), 1)
    assert.notEqual(lived.version(), before)
    assert.ok(lived.announced().includes(lived.version()))
    assert.ok(lived.member.handle.accepts(lived.cloud.vault('kv-prod.vault.azure.net').read('target-key')!))
    const took = lived.cloud.clock.now() - started
    assert.ok(took >= 30_000 && took < minutes(2), `${took} ms`)
  })
}

test('The operation of a write cannot be read with the role of the hub alone', async () => {
  const lived = await granted(9)

  await lived.deliver(lived.request({ createdAfter: lived.cloud.clock.now() }))

  const polls = lived.cloud.history.filter(({ operation }) => operation === 'iot-hub/getOperation')
  assert.deepEqual(
    polls.map(({ status }) => status),
    [403],
  )
})

test('A request for a hub that was adopted a moment ago waits until the listing must be current, and is then carried out', async () => {
  const lived = estate(iotHubPolicy, { outputs: 'one' })
  await lived.settle(lived.request())
  // Forced: otherwise it would first wait until consumers of the adopted key have had their overlap.
  const request = lived.request({ createdAfter: lived.cloud.clock.now(), force: true })

  const first = await lived.deliver(request)
  await lived.settle(request)

  assert.ok(first !== 'crashed')
  assert.equal(first.error?.code, 'ServiceBusy')
  assert.ok(first.again!.after <= minutes(6), String(first.again!.after))
  assert.equal(lived.regenerations(), 1)
  assert.ok(lived.announced().includes(lived.version()))
})

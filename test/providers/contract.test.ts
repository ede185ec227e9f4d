// What every provider promises, checked against its simulated service. Each test runs for each provider of the registry.

import assert from 'node:assert/strict'
import test from 'node:test'
import { type Fault, missingPermission, serverError, slowPropagation } from '../../simulator/faults.ts'
import type { Call, Reply } from '../../simulator/service-operations.ts'
import { Secret } from '../../src/engine/secret.ts'
import { connect } from '../simulated-azure.ts'
import { providers } from './all-providers.ts'
import { failure, opened, revealed } from './opened.ts'
import { samples } from './provider-fleet.ts'

for (const provider of providers) {
  const { id, slots, can, outputs } = provider
  const { add, others = [], read, describes, refusesWith = [401] } = samples[id]!

  test(`${id}: read gives every slot the key that the service holds, and every output`, async () => {
    const { holder, handle, signal } = opened(provider)

    const ring = await holder.read(signal)

    assert.deepEqual(Object.keys(ring), [...slots])
    assert.deepEqual(revealed(ring), handle.keys())
    for (const slot of slots) {
      assert.deepEqual(Object.keys(ring[slot]!).toSorted(), Object.keys(outputs).toSorted())
      const { key, connectionString } = ring[slot]!
      if (connectionString) assert.ok(connectionString.reveal().includes(key!.reveal()))
    }
  })

  for (const slot of slots) {
    test(`${id}: regenerating ${slot} makes a key that works, and ends the one before it`, async () => {
      const { holder, handle, signal, call } = opened(provider)
      const before = revealed(await holder.read(signal))

      const answer = await holder.regenerate(slot, call)

      const made = answer[slot]!['key']!.reveal()
      assert.notEqual(made, before[slot])
      assert.equal(handle.keyOf(slot), made)
      assert.equal(handle.accepts(made), true)
      assert.equal(handle.accepts(before[slot]!), false)
      for (const other of slots.filter((name) => name !== slot)) assert.equal(handle.keyOf(other), before[other])
      for (const [name, { key }] of Object.entries(answer) as [string, { key: Secret }][]) {
        assert.equal(key.reveal(), handle.keyOf(name))
      }
      assert.deepEqual(Object.keys(answer[slot]!).toSorted(), Object.keys(outputs).toSorted())
    })
  }

  test(`${id}: a regenerate works without a read before it`, async () => {
    const { holder, handle, call } = opened(provider)

    const answer = await holder.regenerate(slots[0], call)

    assert.equal(answer[slots[0]]!['key']!.reveal(), handle.keyOf(slots[0]))
  })

  test(`${id}: it can do what it declares, and declares what it can do`, () => {
    const { holder } = opened(provider)

    const methods = {
      probe: holder.probe !== undefined,
      swap: holder.swap !== undefined,
      atOnce: holder.regenerateAll !== undefined,
    }

    assert.deepEqual(methods, { probe: !!can.probe, swap: !!can.swap, atOnce: !!can.atOnce })
  })

  test(`${id}: its place is the name of the resource at the service`, () => {
    const { fields, handle } = opened(provider)

    const { address, credential, lease } = provider.place(provider.resource.parse(fields))

    assert.equal(address, handle.resourceId)
    assert.equal(credential, credential.toLowerCase())
    assert.ok(credential.startsWith(lease))
  })

  test(`${id}: every right its calls need is declared, and every right declared is needed`, async () => {
    const used = new Set<string>()

    for (const each of [add, ...others]) {
      const on = opened(provider, undefined, each)
      const ring = await on.holder.read(on.signal)
      await on.holder.probe?.(slots[0], ring[slots[0]]!, on.signal)
      for (const slot of slots) await on.holder.regenerate(slot, on.call)
      await on.holder.swap?.(on.call, 'secondary')
      if (describes !== undefined) {
        const refused = [serverError({ operation: read, when: 'before', status: 400 })]
        await failure(on, refused, () => on.holder.read(on.signal))
      }
      for (const { permission } of on.cloud.history) if (permission) used.add(permission.toLowerCase())
    }

    const declared = [...provider.actions, ...(provider.optional ?? [])]
    assert.deepEqual([...used].toSorted(), declared.map(({ name }) => name.toLowerCase()).toSorted())
  })

  test(`${id}: a missing right is named, and nothing is changed without it`, async () => {
    const on = opened(provider)
    const ring = await on.holder.read(on.signal)

    for (const { name } of provider.actions) {
      const denied = [missingPermission({ action: name })]
      const result = await failure(on, denied, async () => {
        await on.holder.read(on.signal)
        await on.holder.regenerate(slots[0], on.call)
        throw new Unneeded()
      }).catch((error) => error)

      if (result instanceof Unneeded) continue
      assert.equal(result.code, 'PermissionDenied')
      assert.ok(result.details.remedy.includes(name), `the remedy names ${name}`)
    }
    assert.ok(Object.keys(ring).length > 0)
  })

  if (can.probe) {
    test(`${id}: the probe distinguishes a key that works from one that does not, by itself or in its connection string`, async () => {
      const { holder, signal, call } = opened(provider)
      const before = await holder.read(signal)

      const after = { ...before, ...(await holder.regenerate(slots[0], call)) }
      const ask = (slot: string, credential: (typeof before)[string]) => holder.probe!(slot, credential, signal)

      for (const slot of slots) assert.equal(await ask(slot, after[slot]!), 'accepted')
      assert.equal(await ask(slots[0], before[slots[0]]!), 'refused')
      const { connectionString: valid } = after[slots[0]]!
      const { connectionString: bad } = before[slots[0]]!
      if (valid && bad) {
        assert.equal(await ask(slots[0], { connectionString: valid }), 'accepted')
        assert.equal(await ask(slots[0], { connectionString: bad }), 'refused')
        assert.equal(await ask(slots[0], { connectionString: Secret.of('no connection string') }), 'unknown')
      }
    })

    test(`${id}: a key that has not reached the data plane is refused, and accepted once it has`, async () => {
      const { cloud, holder, signal, call } = opened(provider)
      cloud.faults.add(slowPropagation({ ms: 60_000 }))
      const made = (await holder.regenerate(slots[0], call))[slots[0]]!

      const early = await holder.probe!(slots[0], made, signal)
      cloud.clock.advance(60_000)
      const late = await holder.probe!(slots[0], made, signal)

      assert.deepEqual([early, late], ['refused', 'accepted'])
    })

    test(`${id}: a probe that gets no answer, or none about the key, has the verdict unknown and never throws`, async () => {
      const { cloud, holder, signal } = opened(provider)
      const ring = await holder.read(signal)
      for (const status of [302, 400, 403, 404, 410, 429, 500, 503]) {
        cloud.faults.add(dataPlane((call) => call.refuse(status, String(status), 'No.').reply))
        const verdict = await holder.probe!(slots[0], ring[slots[0]]!, signal)
        assert.equal(verdict, refusesWith.includes(status) ? 'refused' : 'unknown', String(status))
        cloud.faults.clear()
      }
      const rubbish = await holder.probe!(slots[0], { key: Secret.of('not a key\r\nX: €') }, signal)

      assert.equal(rubbish, 'refused')
      assert.equal(await holder.probe!(slots[0], ring[slots[0]]!, AbortSignal.abort()), 'unknown')
    })

    test(`${id}: a data plane that throttles before it checks the key proves neither a live key nor a dead one`, async () => {
      const { cloud, holder, signal, call, logged } = opened(provider)
      const before = await holder.read(signal)
      const made = (await holder.regenerate(slots[0], call))[slots[0]]!
      const said = logged.length
      cloud.faults.add(dataPlane((call) => call.throttled(30)))

      const verdicts = [
        await holder.probe!(slots[0], made, signal),
        await holder.probe!(slots[0], before[slots[0]]!, signal),
      ]

      assert.deepEqual(verdicts, ['unknown', 'unknown'])
      assert.deepEqual(logged.slice(said), [])
    })

    test(`${id}: a probe works without a read before it`, async () => {
      const { cloud, fields, handle, signal } = opened(provider)
      const fresh = provider.open(provider.resource.parse(fields), connect(cloud))

      const verdict = await fresh.probe!(slots[0], { key: Secret.of(handle.keyOf(slots[0])) }, signal)

      assert.equal(verdict, 'accepted')
    })
  }

  if (can.swap) {
    test(`${id}: a swap exchanges the two keys at the service, and changes neither`, async () => {
      const { holder, handle, signal, call } = opened(provider)
      const [one, two] = slots as readonly [string, string]
      const before = revealed(await holder.read(signal))

      const after = revealed(await holder.swap!(call, 'secondary'))

      assert.deepEqual(after, { [one]: before[two], [two]: before[one] })
      assert.deepEqual(handle.keys(), after)
    })

    test(`${id}: a swap is refused when the keys are no longer those that were read`, async () => {
      const on = opened(provider)
      await on.holder.read(on.signal)
      on.handle.regenerateByHand(slots[0])
      const before = on.handle.keys()

      const error = await failure(on, [], () => on.holder.swap!(on.call, 'secondary'))

      assert.equal(error.code, 'ServiceChanged')
      assert.equal(error.transient, true)
      assert.equal(error.details.outcomeUnknown, undefined)
      assert.deepEqual(on.handle.keys(), before)
    })
  }

  if (can.atOnce) {
    test(`${id}: every slot is regenerated in one call`, async () => {
      const { holder, handle, signal, call } = opened(provider)
      const before = revealed(await holder.read(signal))

      const after = revealed(await holder.regenerateAll!(call))

      assert.deepEqual(handle.keys(), after)
      for (const slot of slots) {
        assert.equal(handle.accepts(after[slot]!), true)
        assert.equal(handle.accepts(before[slot]!), false)
      }
    })
  }
}

class Unneeded extends Error {}

/** Every call to a data plane is answered so, before the service reads anything. */
function dataPlane(answer: (call: Call) => Reply): Fault {
  const others = ['management.azure.com', 'login.microsoftonline.com']
  return {
    name: 'dataPlane',
    install: () => ({ before: (call) => (others.includes(call.host) ? undefined : answer(call)) }),
  }
}

// Services whose local authentication is disabled.

import assert from 'node:assert/strict'
import test from 'node:test'
import { serverError } from '../../simulator/faults.ts'
import { providers } from './all-providers.ts'
import { calls, failure, opened } from './opened.ts'
import { samples } from './provider-fleet.ts'

interface Switch {
  disableLocalAuth(disabled: boolean): void
}

for (const provider of providers) {
  const { id } = provider
  const { read, regenerate, describesFirst, describes = describesFirst } = samples[id]!
  if (describes === undefined) continue

  test(`${id}: with local authentication disabled, no key is created, and the error says so with a remedy`, async () => {
    const on = opened(provider)
    const before = on.handle.keys()
    ;(on.handle as unknown as Switch).disableLocalAuth(true)

    // Some services go on listing keys that they refuse.
    const reads = describesFirst === undefined ? [() => on.holder.read(on.signal)] : []
    for (const run of [...reads, () => on.holder.regenerate(provider.slots[0], on.call)]) {
      const error = await failure(on, [], run)
      assert.equal(error.code, 'LocalAuthDisabled')
      assert.equal(error.transient, false)
      assert.match(error.message, new RegExp(on.handle.resourceId))
      assert.match(error.details.remedy!, /Enable local authentication \(\w+: \S+\)/)
    }
    assert.deepEqual(on.handle.keys(), before)
    assert.equal(calls(on, regenerate).effects, 0)
  })

  for (const [status, otherwise] of [
    [400, 'ServiceRefused'],
    [403, 'PermissionDenied'],
    [409, 'ServiceBusy'],
  ] as const) {
    test(`${id}: a ${status} that does not give its reason is explained by the resource's own properties`, async () => {
      const on = opened(provider)
      const refused = serverError({ operation: read, when: 'before', status })
      const enabled = await failure(on, [refused], () => on.holder.read(on.signal))
      ;(on.handle as unknown as Switch).disableLocalAuth(true)

      const disabled = await failure(on, [refused], () => on.holder.read(on.signal))

      assert.equal(enabled.code, otherwise)
      assert.equal(disabled.code, 'LocalAuthDisabled')
    })
  }

  test(`${id}: a missing right is not explained by another read, and a failed read hides no refusal`, async () => {
    const on = opened(provider, ['key'])
    const away = serverError({ operation: describes, when: 'before', status: 404 })
    const refused = serverError({ operation: read, when: 'before', status: 400 })
    on.cloud.identity.deny('*')

    const lacking = await failure(on, [], () => on.holder.read(on.signal))
    const reads = on.cloud.history.filter(({ method }) => method === 'GET').length
    on.cloud.identity.grant('*')
    const unexplained = await failure(on, [refused, away], () => on.holder.read(on.signal))

    assert.deepEqual([lacking.code, reads], ['PermissionDenied', 0])
    assert.equal(unexplained.code, 'ServiceRefused')
  })

  if (describesFirst !== undefined) continue

  test(`${id}: the properties are not read when nothing was refused`, async () => {
    const on = opened(provider, ['key'])

    await on.holder.read(on.signal)
    await on.holder.regenerate(provider.slots[0], on.call)

    assert.equal(on.cloud.history.filter(({ method }) => method === 'GET').length, 0)
  })
}
